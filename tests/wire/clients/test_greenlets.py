"""Programs of greenlets: with gevent, calls run side by side; with eventlet, a warning names it.

They run in processes of their own, because gevent patches the whole process.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import types
import warnings
from textwrap import dedent

import pytest

import tokenwire as tw
from tokenwire.clients import greenlets

HAS_GEVENT = importlib.util.find_spec("gevent") is not None
needs_gevent = pytest.mark.skipif(
    not HAS_GEVENT, reason="gevent is not installed: pip install gevent"
)
BEGIN = """
from gevent import monkey; monkey.patch_all()
import itertools, gevent, tokenwire as tw
from tokenwire.testing import SimServer

def most_at_once():
    steps = {"request": 1, "finished": -1}
    return max(itertools.accumulate(steps.get(one["kind"], 0) for one in sim.log()))

def beside(call, count=4):
    jobs = [gevent.spawn(call, number) for number in range(count)]
    gevent.joinall(jobs, raise_error=True)
    return [job.value for job in jobs]

sim = SimServer().__enter__()
sim.set_script({"default": {"reply": {"text": "one two"}, "pacing": {"head_delay_ms": 300}}})
chat = tw.ChatClient("m", base_url=sim.base_url, max_retries=0)
"""


def run(program: str) -> None:
    """Run a program. gevent prints what it cannot raise, so nothing may be printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning:tokenwire", "-c", BEGIN + dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_gevent
@pytest.mark.parametrize(
    "call",
    [
        "lambda _: chat.run('q')",
        "lambda _: chat.run('q', stream=True)",
        "lambda _: chat.with_options(api_key=lambda: 'k').run('q')",
        "lambda _: ''.join(chat.stream('q').text_stream)",
        "lambda _: ''.join(chunk.text or '' for chunk in chat.stream('q'))",
        "lambda _: next(chat.map(['q'], concurrency=1)).result().text",
    ],
)
def test_greenlets_call_side_by_side(call):
    run(f"""
        assert beside({call}) == ["one two"] * 4
        assert most_at_once() == 4
    """)


@needs_gevent
def test_more_greenlets_than_the_hub_has_threads_call_side_by_side():
    run("""
        beside(lambda _: chat.run("q"), 40)
        assert most_at_once() > 20, most_at_once()
    """)


@needs_gevent
def test_other_greenlets_run_while_a_call_waits():
    run("""
        job = gevent.spawn(chat.run, "q")
        turns = 0
        while not job.dead:
            gevent.sleep(0.01)
            turns += 1
        assert turns > 3, turns
    """)


@needs_gevent
def test_errors_are_raised_in_the_greenlet_and_printed_nowhere():
    run("""
        sim.set_script({"default": {"error": {"status": 400, "message": "No."}}})
        def fails(stream):
            try:
                chat.run("q", stream=stream)
            except tw.LlmAPIError as error:
                return error.status_code
        assert beside(fails, 2) == [400, 400]
        for kind in (SystemExit, KeyboardInterrupt):
            def leave(event):
                raise kind
            remove = tw.on_call(leave)
            try:
                chat.run("q")
                raise AssertionError(kind)
            except kind:
                remove()
    """)


@needs_gevent
def test_a_stream_of_a_killed_greenlet_is_closed():
    run("""
        sim.set_script({"default": {"fault": {"kind": "stall", "at": {"events": 2}}}})
        def read():
            with chat.stream("q") as stream:
                assert "open" in repr(stream)
                for _ in stream:
                    pass
        job = gevent.spawn(read)
        while not sim.count("fault"):
            gevent.sleep(0.01)
        job.kill()
        gevent.get_hub().threadpool.apply(sim.wait_for, ("client_closed",))
    """)


@needs_gevent
def test_every_form_of_a_stream_and_its_reply():
    run(
        """
        with chat.stream("q") as stream:
            assert isinstance(stream, tw.LlmStream)
            assert [type(event).__name__ for event in stream.events()][-1] == "End"
        assert stream.response.text == "one two"
        with chat.stream("q") as stream:
            assert sum(len(batch) for batch in stream.batches()) > 1
        assert chat.models()
        assert tw.handler.StreamingHandler().run(chat.stream("q")).text == "one two"
    """.replace("tw.handler", "__import__('tokenwire.handler').handler")
    )


@needs_gevent
def test_a_callback_sees_the_context_of_its_greenlet():
    run("""
        import contextvars
        number = contextvars.ContextVar("number")
        seen = []
        tw.on_call(lambda event: seen.append(number.get()))
        def call(mine):
            number.set(mine)
            chat.run("q")
        beside(call)
        assert sorted(seen) == [0, 1, 2, 3]
    """)


@needs_gevent
def test_a_native_thread_of_a_patched_program_needs_no_pool():
    run("""
        from gevent.threadpool import ThreadPool
        from tokenwire.clients import greenlets
        pool = ThreadPool(4)
        jobs = [pool.spawn(chat.run, "q") for _ in range(4)]
        assert [job.get() for job in jobs] == ["one two"] * 4
        assert most_at_once() == 4
        assert len(greenlets._pools) == 0
    """)


@needs_gevent
def test_a_forked_child_calls_with_threads_of_its_own():
    run("""
        import os
        beside(lambda _: chat.run("q"))
        child = os.fork()
        if not child:
            try:
                assert beside(lambda _: chat.run("q")) == ["one two"] * 4
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert chat.run("q") == "one two"
    """)


def patched(name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.is_monkey_patched = lambda _name: True  # type: ignore[attr-defined]
    return module


def test_eventlet_is_named_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "eventlet.patcher", patched("eventlet.patcher"))
    greenlets._warn_of_eventlet.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"eventlet has patched .* eventlet\.tpool\.execute"):
        tw.ChatClient("sim:chat")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tw.ChatClient("sim:chat").run("hi")


def test_a_program_without_greenlets_does_not_load_the_module():
    program = (
        "import sys, tokenwire as tw; tw.ChatClient('sim:chat').run('hi'); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "tokenwire.clients.base" in done.stdout.split()
    assert not {"tokenwire.clients.greenlets", "gevent"} & set(done.stdout.split())
