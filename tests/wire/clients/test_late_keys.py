"""Key and address of a client may be missing until its first call, which looks for them again."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent_headers

import tokenwire as tw
from tokenwire.testing import fake

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

NO_KEY = "no API key for openai: set OPENAI_API_KEY or give api_key="


def configured(**entry: Any) -> tw.LlmClientInterface:
    return tw.LlmClientFactory({"models": {"x": entry}}).get_client("x")


# Each of them creates a client of openai without a key and an address.
MAKERS: dict[str, Callable[[], Any]] = {
    "chat": lambda: tw.ChatClient("openai:m"),
    "completion": lambda: tw.CompletionClient("openai:m"),
    "provider=": lambda: tw.ChatClient("m", provider="openai"),
    "row": lambda: tw.ChatClient("m", provider=tw.LlmProvider.built_in("openai")),
    "client()": lambda: tw.client("openai:m", user="late"),
    "factory": lambda: tw.LlmClientFactory().get_client("openai:m"),
    "configuration": lambda: configured(model="openai:m"),
    "key_var": lambda: configured(model="openai:m", key_var="OPENAI_API_KEY"),
    "with_options": lambda: tw.ChatClient("openai:m").with_options(temperature=1),
    "of another": lambda: tw.ChatClient("sim:chat").with_options(model="openai:m"),
    "copy": lambda: copy.copy(tw.ChatClient("openai:m")),
    "deepcopy": lambda: copy.deepcopy(tw.ChatClient("openai:m")),
    "pickle": lambda: pickle.loads(pickle.dumps(tw.ChatClient("openai:m"))),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return MAKERS[request.param]


def set_both(monkeypatch: pytest.MonkeyPatch, sim: SimServer, key: str = "sk-late") -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("OPENAI_BASE_URL", sim.base_url)


def unset_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")


def test_a_client_takes_both_at_its_first_call_and_keeps_them(
    sim: SimServer, ask: Asking, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"require_key": "sk-late"})
    client = make()
    with pytest.raises(tw.LlmConfigError, match=NO_KEY):
        ask.complete(client, "-")
    set_both(monkeypatch, sim)
    ask.complete(client, "-")
    assert client.base_url == sim.base_url
    unset_both(monkeypatch)
    ask.complete(client, "-")
    set_both(monkeypatch, sim, "sk-another")
    ask.read(client, "-")
    assert len(sim.requests()) == 3


def test_every_method_looks_for_the_key(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda chat: ask.run(chat, "-"),
        lambda chat: ask.complete(chat, "-"),
        lambda chat: ask.read(chat, "-"),
        ask.models,
        lambda chat: ask.map(chat, ["-"], concurrency=1)[0].result(),
        lambda chat: ask.validate(chat, probe=False),
        lambda chat: ask.validate(chat, probe=True),
    ]
    clients = [tw.ChatClient("openai:m") for _ in calls]
    for call, client in zip(calls, clients, strict=True):
        with pytest.raises(tw.LlmConfigError, match=NO_KEY):
            call(client)
    set_both(monkeypatch, sim)
    for call, client in zip(calls, clients, strict=True):
        call(client)
    assert {"authorization" in headers for headers in sent_headers(sim)} == {True}


def test_a_key_that_is_there_at_first_is_kept(
    sim: SimServer, ask: Asking, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"require_key": "sk-first"})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    client = make()
    set_both(monkeypatch, sim, "sk-second")
    ask.complete(client, "-")
    assert client.base_url == sim.base_url


@pytest.mark.only_over("general", "proxies")
def test_the_address_of_the_first_call_is_the_address_of_all(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sk-any")
    # The default address of this provider is a port of this machine, where nothing listens.
    chat = tw.ChatClient("vllm:m", max_retries=0, proxy="http://127.0.0.1:9")
    with pytest.raises(tw.LlmConnectionError):
        ask.complete(chat, "-")
    monkeypatch.setenv("VLLM_API_BASE", sim.base_url)
    with pytest.raises(tw.LlmConnectionError):
        ask.complete(chat, "-")
    assert sim.requests() == []


@pytest.mark.parametrize("where", ["client", "call", "request"])
def test_a_key_in_a_header_stays_at_the_address_of_its_first_call(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    row = tw.LlmProvider(
        "own", base_url=sim.base_url, base_url_vars=("OWN_URL",), key_vars=("OWN_KEY",)
    )
    sim.set_script({"require_key": "sk-own"})
    header = {"Authorization": "Bearer sk-own"}
    chat = tw.ChatClient(
        "m", provider=row, max_retries=0, headers=header if where == "client" else None
    )
    params: dict[str, Any] = {"headers": header} if where == "call" else {}
    prompt: Any = tw.LlmRequest("-", headers=header) if where == "request" else "-"
    ask.complete(chat, prompt, **params)
    monkeypatch.setenv("OWN_URL", "http://127.0.0.1:9/v1")
    ask.complete(chat, prompt, **params)
    assert chat.base_url == sim.base_url
    assert len(sim.requests()) == 2


def test_a_call_that_was_not_sent_does_not_choose_the_address(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = tw.ChatClient("openai:m", headers={"x-title": "no key"})
    with pytest.raises(tw.LlmConfigError, match=NO_KEY):
        ask.complete(chat, "-")
    set_both(monkeypatch, sim)
    ask.complete(chat, "-")
    assert chat.base_url == sim.base_url


@pytest.mark.parametrize("is_set", [False, True])
def test_the_variable_of_a_configuration_is_not_for_another_server(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch, is_set: bool
) -> None:
    if is_set:
        monkeypatch.setenv("MY_KEY", "sk-mine")
    client = configured(model="openai:m", key_var="MY_KEY")
    assert isinstance(client, tw.ChatClient)
    for other in ({"base_url": sim.base_url}, {"model": "groq:m"}):
        with pytest.raises(tw.LlmConfigError, match=r"^api_key: given for openai at .* not passed"):
            client.with_options(**other)
    monkeypatch.setenv("MY_KEY", "sk-mine")
    sim.set_script({"require_key": "sk-given"})
    client.with_options(base_url=sim.base_url, api_key="sk-given").run("-")
    # None is not the key of the configuration, but that of the provider, as for a new client.
    given = client.with_options(model="groq:m", base_url=sim.base_url, api_key="sk-given")
    for child in (
        client.with_options(model="groq:m", base_url=sim.base_url, api_key=None),
        given.with_options(api_key=None),
    ):
        with pytest.raises(tw.LlmConfigError, match="set GROQ_API_KEY"):
            child.run("-")
    monkeypatch.setenv("GROQ_API_KEY", "sk-given")
    child.run("-")


def test_a_key_that_a_server_does_not_need_is_sent_once_it_is_there(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = tw.ChatClient("vllm:m", base_url=sim.base_url)
    ask.complete(chat, "-")
    monkeypatch.setenv("VLLM_API_KEY", "sk-late")
    ask.complete(chat, "-")
    monkeypatch.delenv("VLLM_API_KEY")
    ask.complete(chat, "-")
    assert ["authorization" in one for one in sent_headers(sim)] == [False, True, True]


@pytest.mark.parametrize("name", ["azure:m", "gpustack:m"])
def test_a_client_without_an_address_says_so_at_its_first_call(ask: Asking, name: str) -> None:
    client = tw.ChatClient(name, api_key="k")
    assert client.base_url == ""
    assert "invalid" not in repr(client)
    with pytest.raises(tw.LlmConfigError, match=r"has no default address: .*give base_url="):
        ask.complete(client, "-")


def test_an_address_is_taken_from_its_variable_at_the_first_call(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tw.ChatClient("azure:m", api_key="k")
    with pytest.raises(tw.LlmConfigError, match="set AZURE_OPENAI"):
        ask.complete(client, "-")
    monkeypatch.setenv("AZURE_OPENAI_BASE_URL", sim.base_url)
    ask.complete(client, "-")
    assert client.base_url == sim.base_url


def test_a_given_key_does_not_go_to_another_address_than_the_parents(sim: SimServer) -> None:
    parent = tw.ChatClient("azure:m", api_key="k")
    with pytest.raises(tw.LlmConfigError, match="api_key: given for azure, which has no address"):
        parent.with_options(base_url=sim.base_url)
    parent.with_options(base_url=sim.base_url, api_key="k").run("-")


def test_a_withheld_key_stays_withheld(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = sim.base_url.removeprefix("http://").removesuffix("/v1")
    client = tw.ChatClient(f"openai://{place}@m")
    for key in (None, "sk-late"):
        if key is not None:
            monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(tw.LlmConfigError, match=r"OPENAI_API_KEY is not sent to http://127"):
            ask.complete(client, "-")
    assert sim.requests() == []


def test_a_key_in_a_header_is_enough(sim: SimServer, ask: Asking) -> None:
    header = {"Authorization": "Bearer k"}
    ask.complete(tw.ChatClient("openai:m", base_url=sim.base_url, headers=header), "-")
    chat = tw.ChatClient("openai:m", base_url=sim.base_url)
    ask.complete(chat, "-", headers=header)
    ask.map(chat, ["-"], concurrency=1, headers=header)[0].result()
    assert len(sim.requests()) == 3


@pytest.mark.parametrize(
    "broken",
    [
        ("OPENAI_API_KEY", "sk-canary\r", "has a line break at position 9"),
        ("OPENAI_BASE_URL", "127.0.0.1:8000/v1", "has no scheme"),
    ],
)
def test_a_broken_value_is_an_error_of_each_call_until_it_is_mended(
    sim: SimServer,
    ask: Asking,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[str, str, str],
) -> None:
    name, value, problem = broken
    client = tw.ChatClient("openai:m")
    set_both(monkeypatch, sim)
    monkeypatch.setenv(name, value)
    for _ in range(2):
        with pytest.raises(tw.LlmConfigError, match=f"^{name} {problem}") as caught:
            ask.complete(client, "-")
        assert "canary" not in str(caught.value)
    set_both(monkeypatch, sim)
    ask.complete(client, "-")


def test_what_can_be_wrong_without_a_key_is_found_when_a_client_is_created() -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("opnai:m", {}, "did you mean openai"),
        ("openai:", {}, "no model"),
        ("openai:m", {"temprature": 1}, "did you mean temperature"),
        ("openai:m", {"max_tokens": "5"}, "max_tokens"),
        ("openai:m", {"timeout": -1}, "timeout"),
        ("openai:m", {"proxy": "gopher://x"}, "proxy"),
        ("openai:m", {"api": "messages"}, "api"),
        ("azure:m", {"headers": {"a b": "c"}}, "header"),
        ("azure:m", {"stop": 3}, "stop"),
    ]
    for model, settings, words in wrong:
        with pytest.raises((tw.LlmConfigError, tw.LlmValidationError), match=words):
            tw.ChatClient(model, **settings)


def test_another_provider_in_a_call_takes_its_key_at_that_call(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = tw.ChatClient("openai:m")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    with pytest.raises(tw.LlmConfigError, match="no API key for groq: set GROQ_API_KEY"):
        ask.complete(chat, "-", model="groq:llama")
    monkeypatch.setenv("GROQ_API_KEY", "sk-groq")
    monkeypatch.setenv("GROQ_BASE_URL", sim.base_url)
    sim.set_script({"require_key": "sk-groq"})
    assert ask.complete(chat, "-", model="groq:llama").provider == "groq"


# Pickles, threads, loops and forks


def test_a_pickled_client_takes_the_key_where_it_is_called(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_both(monkeypatch, sim)
    sim.set_script({"require_key": "sk-late"})
    vllm = tw.ChatClient("vllm:m", base_url=sim.base_url, api_key="sk-given")
    pickles = [pickle.dumps(client) for client in (tw.ChatClient("openai:m"), vllm)]
    unset_both(monkeypatch)
    hosted, local = map(pickle.loads, pickles)
    with pytest.raises(tw.LlmConfigError, match=NO_KEY):
        ask.complete(hosted, "-")
    with pytest.raises(tw.LlmConfigError, match="api_key: the pickle of this client left out"):
        ask.complete(local, "-")
    set_both(monkeypatch, sim)
    monkeypatch.setenv("VLLM_API_KEY", "sk-late")
    ask.complete(hosted, "-")
    ask.complete(local, "-")
    assert len(sim.requests()) == 2


def test_all_threads_take_the_same_key(sim: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tw.ChatClient("openai:m")
    set_both(monkeypatch, sim)
    barrier = threading.Barrier(8)
    failures = []

    def call(number: int) -> None:
        barrier.wait()
        # Each thread would find another key.
        os.environ["OPENAI_API_KEY"] = f"sk-{number}"
        try:
            client.run("-")
        except tw.LlmError as error:
            failures.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({headers["authorization"] for headers in sent_headers(sim)}) == 1


def test_two_loops_take_the_same_key(sim: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tw.ChatClient("openai:m")
    for key in ("sk-1", "sk-2"):
        set_both(monkeypatch, sim, key)
        asyncio.run(client.run_async("-"))
    assert len({headers["authorization"] for headers in sent_headers(sim)}) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_looks_for_itself(sim: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sim.set_script({"require_key": "sk-late"})
    client = tw.ChatClient("openai:m")
    set_both(monkeypatch, sim)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            client.run("-")
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.run("-")
    assert len(sim.requests()) == 2


def test_the_retry_budget_is_kept_when_the_key_is_found(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"default": {"error": {"status": 503}}})
    retry = tw.RetryPolicy(budget=14, first=0.01)
    chat = tw.ChatClient("vllm:m", base_url=sim.base_url, retry=retry)
    spent = []
    for key in (None, "sk-late"):
        if key is not None:
            monkeypatch.setenv("VLLM_API_KEY", key)
        with pytest.raises(tw.LlmServerError) as caught:
            chat.run("-")
        spent.append(caught.value.retry_budget_exhausted)
    # Each retry costs 14.
    assert spent == [True, True]
    assert len(sim.requests()) == 3


@pytest.mark.parametrize("late", [False, True])
def test_copies_and_children_keep_the_key_and_the_address(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    sim.set_script({"require_key": "sk-late"})
    if late:
        client = tw.ChatClient("openai:m")
        set_both(monkeypatch, sim)
        client.run("-")
    else:
        set_both(monkeypatch, sim)
        client = tw.ChatClient("openai:m")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    for derived in (copy.copy(client), client.with_options(temperature=1, model="openai:n")):
        derived.run("-")
        assert derived.base_url == sim.base_url
    # Another provider, key or address is looked for as for a new client.
    assert client.with_options(base_url="http://127.0.0.1:9/v1").base_url.endswith(":9/v1")
    with pytest.raises(tw.LlmAuthenticationError):
        client.with_options(api_key="sk-given", base_url=sim.base_url).run("-")
    place = sim.base_url.removeprefix("http://").removesuffix("/v1")
    elsewhere = client.with_options(model=f"openai://{place}@m")
    with pytest.raises(tw.LlmConfigError, match="OPENAI_API_KEY is not sent"):
        elsewhere.run("-")


@pytest.mark.parametrize("own", [{"headers": {"x-a": "b"}}, {"api_key": "sk-late"}])
def test_a_child_of_a_client_that_has_not_called_yet_has_the_same_address(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch, own: dict[str, Any]
) -> None:
    sim.set_script({"require_key": "sk-late"})
    client = tw.ChatClient("openai:m", **own)
    early = client.with_options(temperature=1)
    set_both(monkeypatch, sim)
    with fake({"*": "hi"}):
        inside = client.with_options(temperature=2)
    for one in (client.with_options(temperature=0), inside, early, client):
        one.run("-")
        assert one.base_url == sim.base_url


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ("'azure:m', api_key='k'", 0),
        ("'m', base_url='http://example.com/v1', api_key='k'", 1),
    ],
)
def test_a_key_without_an_address_is_no_reason_for_a_warning(settings: str, lines: int) -> None:
    program = f"import tokenwire as t; t.ChatClient({settings}); t.ChatClient('sim:chat').run('-')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True
    )
    assert done.stderr.count("plain http") == lines == len(done.stderr.splitlines())


# Fakes


@pytest.mark.parametrize("name", ["openai:m", "azure:m", "gpustack:m", "vllm:m", "groq:m"])
def test_a_fake_answers_a_client_that_was_made_before_it(ask: Asking, name: str) -> None:
    chat, completion = tw.ChatClient(name), tw.CompletionClient(name)
    with fake({"*": "hi"}) as f:
        for client in (chat, completion, chat.with_options(timeout=3), tw.ChatClient(name)):
            assert ask.run(client, "-") == "hi"
            ask.validate(client, probe=False)
        assert [row.error for row in ask.map(chat, ["-"], concurrency=1)] == [None]
    assert "address.invalid" not in repr(f.requests)


def test_a_fake_leaves_a_client_as_it_was(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.set_script({"require_key": "sk-late"})
    client = tw.ChatClient("openai:m")
    with fake({"*": "hi"}):
        monkeypatch.setenv("OPENAI_API_KEY", "broken\n")
        assert ask.run(client, "-") == "hi"
    set_both(monkeypatch, sim)
    assert ask.run(client, "-") != "hi"


def test_a_fake_answers_an_unpickled_client_that_lost_its_key(ask: Asking) -> None:
    client = tw.ChatClient("vllm:m", api_key="sk-given")
    again = pickle.loads(pickle.dumps(client))
    with fake({"*": "hi"}):
        assert ask.run(again, "-") == "hi"


def test_events_of_a_client_without_an_address_name_no_server(ask: Asking) -> None:
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    try:
        with fake({"*": "hi"}):
            ask.run(tw.ChatClient("azure:m"), "-")
    finally:
        remove()
    assert [(one.server_address, one.server_port) for one in events] == [(None, None)]


def test_a_module_that_makes_clients_can_be_imported_and_tested_without_a_key(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, ask: Asking
) -> None:
    (tmp_path / "late_module.py").write_text(
        "import tokenwire as tw\n"
        'chat = tw.ChatClient("openai:gpt-4o-mini", system="Be brief.")\n'
        'azure = tw.client("azure:gpt-4o")\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    import late_module  # type: ignore[import-not-found]

    try:
        with fake({"openai:*": "hi", "azure:*": "ho"}):
            assert ask.run(late_module.chat, "-") == "hi"
            assert ask.run(late_module.azure, "-") == "ho"
    finally:
        del sys.modules["late_module"]
