"""`MetricsCollector`: what it counts, what it leaves out, and what it prints."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
import re
import signal
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError
from decimal import Context, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tokenwire as tw
from tokenwire import MetricsCollector
from tokenwire.catalog import cost
from tokenwire.catalog.model import Price
from tokenwire.catalog.registry import _shared
from tokenwire.metrics import Distribution
from tokenwire.observability import metrics as module
from tokenwire.registry import cost_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "metrics.py"
USAGE = tw.Usage(prompt_tokens=10, completion_tokens=20, cached_tokens=4, reasoning_tokens=3)
TIMING = {"first_token": 0.05, "last_token": 0.25, "total": 0.3}
# The tokens after the first one, divided by the time between the first and the last.
SPEED = 19 / (0.25 - 0.05)
EMPTY = MetricsCollector().snapshot().total
PERCENTILES = ("p50", "p90", "p95", "p99")
SECONDS, TOKENS_PER_SECOND = EMPTY.latency.bounds, EMPTY.tokens_per_second.bounds


def response(
    model: str,
    usage: tw.Usage | None,
    timing: dict[str, float],
    attempts: int = 1,
    created: int | None = None,
) -> Any:
    attempt = {"started": 0.0, "phase": "body", "slept": 0.0, "maybe_processed": True}
    fields: dict[str, Any] = {
        "provider": "acme",
        "requested_model": model,
        "reply": {
            "choices": [],
            "created": created,
            "usage": None if usage is None else usage.to_dict(),
        },
        "headers": [],
        "timing": timing,
        "attempts": [attempt] * attempts,
    }
    return tw.LlmResponse.from_dict(fields)


def event(model="m", *, kind=None, usage=USAGE, timing=TIMING, attempts=1, usd=None):
    if usd is not None:
        usage = tw.Usage(**(usage.to_dict() | {"cost_usd": usd}))
    reply = None if timing is None else response(model, usage, timing, attempts)
    elapsed = (timing or {}).get("total", 0.3)
    return tw.CallEvent(
        provider="acme", model=model, elapsed=elapsed, error_kind=kind, response=reply
    )


def counted(*events, **settings):
    metrics = MetricsCollector(**settings)
    for one in events:
        metrics._count(one)
    return metrics


def spread(bounds, *values):
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[sum(bound < value for bound in bounds)] += 1
    low, high = (min(values), max(values)) if values else (None, None)
    assert low == high  # so that every percentile is that value
    return Distribution(len(values), sum(values), low, high, bounds, tuple(counts), *[low] * 4)


def test_everything_of_a_call_is_counted():
    snapshot = counted(event(attempts=3, usd="0.25")).snapshot()
    (one,) = snapshot.models
    assert one == tw.metrics.ModelMetrics(
        provider="acme",
        model="m",
        calls=1,
        cancelled=0,
        errors={},
        retries=2,
        prompt_tokens=10,
        completion_tokens=20,
        cached_tokens=4,
        reasoning_tokens=3,
        without_usage=0,
        cost_usd=Decimal("0.25"),
        without_price=0,
        latency=spread(SECONDS, 0.3),
        failed_latency=spread(SECONDS),
        first_token=spread(SECONDS, 0.05),
        tokens_per_second=spread(TOKENS_PER_SECOND, SPEED),
    )


def test_each_model_has_its_own_counts_and_the_total_has_all():
    snapshot = counted(event("b", usd="0.1"), event("a", usd="0.2"), event("b")).snapshot()
    assert [(one.model, one.calls) for one in snapshot.models] == [("a", 1), ("b", 2)]
    total = snapshot.total
    assert (total.provider, total.model, total.calls, total.prompt_tokens) == ("", "", 3, 30)
    assert (total.cost_usd, total.without_price) == (Decimal("0.3"), 1)
    assert total.latency == spread(SECONDS, 0.3, 0.3, 0.3)


def test_errors_are_counted_by_kind_and_an_abandoned_call_is_not_an_error():
    kinds = ["rate_limit", "server", "rate_limit", "cancelled", None]
    total = counted(*(event(kind=kind) for kind in kinds)).snapshot().total
    assert total.errors == {"rate_limit": 2, "server": 1}
    assert (total.calls, total.failed, total.cancelled) == (5, 3, 1)
    # An abandoned call took as long as its caller wanted.
    assert (total.failed_latency.count, total.latency.count) == (3, 1)


def test_unknown_values_are_not_counted_as_zero():
    unknown = event(kind="cancelled", usage=None, timing=None)
    partly = event(kind="cancelled", usage=tw.Usage(prompt_tokens=7), timing={"first_byte": 0.1})
    total = counted(unknown, partly).snapshot().total
    assert (total.prompt_tokens, total.completion_tokens, total.without_usage) == (7, 0, 1)
    assert (total.retries, total.without_price) == (0, 1)
    assert (total.latency, total.first_token) == (spread(SECONDS), spread(SECONDS))
    assert (total.latency.mean, total.latency.min, total.latency.max) == (None, None, None)


def test_a_bound_is_inclusive():
    values = [0.0, 0.05, 0.0501, 600.0, 601.0]
    timings = [event(timing={"total": value}) for value in values]
    latency = counted(*timings).snapshot().total.latency
    assert latency.counts == (2, 1, *[0] * 10, 1, 1)
    assert (latency.min, latency.max, latency.count) == (0.0, 601.0, 5)
    assert latency.mean == pytest.approx(sum(values) / 5)


def test_no_price_is_looked_up_if_costs_are_off():
    total = counted(event(usd="0.5"), cost=False).snapshot().total
    assert (total.cost_usd, total.without_price) == (0, 1)


def test_costs_are_those_of_the_replies(sim, monkeypatch):
    registry = tw.ModelRegistry(plugins=False)
    price = Price(input="1", output="2", source="a price list")
    registry.register_model(tw.ModelConfig(provider="openai", name="m", price=price))
    monkeypatch.setitem(_shared, "registry", registry)
    chat = tw.ChatClient("openai:m", base_url=sim.base_url, api_key="sk-x")
    with MetricsCollector() as metrics:
        reply = chat.complete("hi")
    assert reply.cost is not None
    total = metrics.snapshot().total
    assert (total.cost_usd, total.without_price) == (reply.cost.usd, 0)


def test_the_cost_is_the_sum_of_the_costs_of_the_calls(monkeypatch):
    price = Price(input="0.15", cached_input="0.075", output="0.6", source="a price list")
    registry = tw.ModelRegistry(plugins=False)
    registry.register_model(tw.ModelConfig(provider="acme", name="m", price=price))
    monkeypatch.setitem(_shared, "registry", registry)
    usages = [
        tw.Usage(prompt_tokens=10, completion_tokens=20, cached_tokens=4),
        tw.Usage(prompt_tokens=2000, completion_tokens=1),
        # More cached tokens than prompt tokens: none is charged at the full price.
        tw.Usage(prompt_tokens=5, completion_tokens=0, cached_tokens=9),
        tw.Usage(prompt_tokens=1, completion_tokens=1, cost_usd="0.125"),
    ]
    unknown = tw.Usage(prompt_tokens=1)
    calls = [event(usage=usage) for usage in (*usages, unknown)]
    total = counted(*calls).snapshot().total
    known = [cost_of(call.response, registry=registry) for call in calls]
    assert total.cost_usd == sum(cost.usd for cost in known if cost is not None)
    assert (known[-1], total.without_price) == (None, 1)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
@example([5e-324])  # so short that the speed is infinite
def test_a_percentile_is_within_one_percent(values):
    latency = (
        counted(*(event(timing={"total": value}) for value in values)).snapshot().total.latency
    )
    ordered = sorted(values)
    for name in PERCENTILES:
        # The nearest rank: the smallest value that so many percent do not exceed.
        exact = ordered[math.ceil(len(values) * int(name[1:]) / 100) - 1]
        assert getattr(latency, name) == pytest.approx(exact, rel=0.0101, abs=1.1e-6)
    assert latency.min <= latency.p50 <= latency.p90 <= latency.p95 <= latency.p99 <= latency.max


def test_the_percentiles_of_all_models_are_those_of_their_calls():
    fast, slow = event("fast", timing={"total": 1.0}), event("slow", timing={"total": 9.0})
    total = counted(*[fast] * 94, *[slow] * 6).snapshot().total.latency
    assert (total.p50, total.p90) == (pytest.approx(1, rel=0.01),) * 2
    assert (total.p95, total.p99) == (pytest.approx(9, rel=0.01),) * 2


def test_a_snapshot_does_not_change():
    metrics = counted(event())
    before = metrics.snapshot()
    metrics._count(event(kind="server"))
    assert (before.total.calls, before.total.errors) == (1, {})
    assert metrics.snapshot().total.calls == 2
    with pytest.raises(FrozenInstanceError):
        before.total = None
    assert pickle.loads(pickle.dumps(before)) == before


def test_a_snapshot_becomes_json():
    fields = counted(event(usd="0.10")).snapshot().to_dict()
    assert json.loads(json.dumps(fields))["models"][0] == {
        "provider": "acme",
        "model": "m",
        "calls": 1,
        "cancelled": 0,
        "errors": {},
        "retries": 0,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cached_tokens": 4,
        "reasoning_tokens": 3,
        "without_usage": 0,
        "cost_usd": "0.1",
        "without_price": 0,
        "failed_latency": {
            "count": 0,
            "sum": 0.0,
            "min": None,
            "max": None,
            "bounds": list(SECONDS),
            "counts": [0] * (len(SECONDS) + 1),
            **dict.fromkeys(PERCENTILES),
        },
        **{
            name: {
                "count": 1,
                "sum": value,
                "min": value,
                "max": value,
                "bounds": list(bounds),
                "counts": list(spread(bounds, value).counts),
                **dict.fromkeys(PERCENTILES, value),
            }
            for name, value, bounds in [
                ("latency", 0.3, SECONDS),
                ("first_token", 0.05, SECONDS),
                ("tokens_per_second", SPEED, TOKENS_PER_SECOND),
            ]
        },
    }


def test_reset_starts_at_zero():
    metrics = counted(event())
    metrics.reset()
    assert metrics.snapshot().models == ()
    metrics._count(event())
    assert metrics.snapshot().total.calls == 1


def test_nothing_is_lost_between_threads():
    metrics = MetricsCollector()
    threads, each = 8, 2000
    ready = threading.Barrier(threads + 1)

    def record():
        ready.wait()
        for _ in range(each):
            metrics._count(event())

    workers = [threading.Thread(target=record) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    seen = 0
    while any(worker.is_alive() for worker in workers):
        now = metrics.snapshot().total.calls
        assert now >= seen
        seen = now
    for worker in workers:
        worker.join()
    total = metrics.snapshot().total
    assert (total.calls, total.latency.count) == (threads * each, threads * each)
    assert total.prompt_tokens == threads * each * 10


def test_a_call_is_counted_even_if_its_price_lookup_fails(monkeypatch, caplog):
    def broken(*_row, **_):
        raise RuntimeError("no price list")

    metrics = counted(event(), event())
    monkeypatch.setattr(module, "price_of", broken)
    total = metrics.snapshot().total
    assert (total.calls, total.without_price) == (2, 2)
    assert ["no price list" in record.exc_text for record in caplog.records] == [True, True]


def test_a_call_may_end_while_a_price_is_looked_up(monkeypatch):
    """The garbage collector ends streams wherever it runs."""

    def price_of(*row, registry):
        if len(late) < 600:
            late.append(event("late", usd="0.5"))
            metrics._count(late[-1])
        return cost.price_of(*row, registry=registry)

    late: list[tw.CallEvent] = []
    monkeypatch.setattr(module, "price_of", price_of)
    metrics = counted(event(usd="0.5"))
    total = metrics.snapshot().total
    assert (total.calls, total.without_price) == (1 + len(late), 0)
    assert total.cost_usd == total.calls * Decimal("0.5")


def test_few_calls_wait_to_be_counted():
    metrics, most = MetricsCollector(), 0
    for _ in range(1_000):
        metrics._count(event())
        most = max(most, len(metrics._counts.waiting))
    assert most < 64
    assert metrics.snapshot().total.calls == 1_000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_nothing_is_lost_if_a_call_ends_while_another_one_is_counted():
    """A signal handler and the garbage collector run in the middle of anything."""
    metrics, one = MetricsCollector(), event(kind="server", usd="0.5")
    interrupted = 0

    def handler(*_: object) -> None:
        nonlocal interrupted
        interrupted += 1
        metrics._count(one)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for _ in range(5000):
            metrics._count(one)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    total, calls = metrics.snapshot().total, 5000 + interrupted
    assert interrupted
    assert (total.calls, total.errors, total.failed_latency.count) == (
        calls,
        {"server": calls},
        calls,
    )
    assert (total.prompt_tokens, total.cost_usd) == (calls * 10, calls * Decimal("0.5"))


def test_sums_of_dollars_are_exact():
    total = counted(*[event(usd="0.000000123456789012")] * 1000, event(usd="12")).snapshot().total
    assert total.cost_usd == Decimal("12.000123456789012")


def test_a_context_of_few_digits_does_not_round_the_sum():
    with localcontext(Context(prec=3)):
        total = counted(*[event(usd="0.001")] * 5, event(usd="123")).snapshot().total
    assert total.cost_usd == Decimal("123.005")


@pytest.mark.parametrize("usd", ["-1", "1e12", "1e999999"])
def test_a_cost_that_cannot_be_right_is_not_added(usd):
    total = counted(event(usd=usd), event(usd="0.5")).snapshot().total
    assert (total.calls, total.cost_usd, total.without_price) == (2, Decimal("0.5"), 1)


def test_more_models_than_anyone_uses_are_counted_together():
    total_calls = 1_010
    snapshot = counted(*(event(f"m{number}") for number in range(total_calls))).snapshot()
    assert len(snapshot.models) == 257
    assert snapshot.total.calls == total_calls
    (other,) = [one for one in snapshot.models if one.provider == "other"]
    assert (other.model, other.calls) == ("other", 754)


def test_more_kinds_of_errors_than_there_are_are_counted_together():
    total = counted(*(event(kind=f"kind-{number}") for number in range(110))).snapshot().total
    assert (len(total.errors), total.errors["other"], total.failed) == (101, 10, 110)


def test_it_counts_while_it_is_started(sim):
    chat = tw.ChatClient("m", base_url=sim.base_url)
    chat.run("before")
    with MetricsCollector() as metrics:
        chat.run("hi", max_tokens=5)
        chat.run("hi", max_tokens=5, stream=True)
        asyncio.run(chat.run_async("hi", max_tokens=5))
    chat.run("after")
    (one,) = metrics.snapshot().models
    assert (one.provider, one.model, one.calls) == ("openai-compatible", "m", 3)
    assert one.completion_tokens == 15
    assert (one.latency.count, one.first_token.count) == (3, 1)


def test_starting_twice_counts_once(sim):
    chat = tw.ChatClient("m", base_url=sim.base_url)
    metrics = MetricsCollector().start().start()
    chat.run("hi")
    metrics.stop()
    metrics.stop()
    chat.run("hi")
    assert metrics.snapshot().total.calls == 1
    with metrics:
        chat.run("hi")
    assert metrics.snapshot().total.calls == 2


def test_the_table_is_aligned():
    metrics = counted(event("gpt", usd="0.5"), event("a-longer-name", kind="server", timing=None))
    head, *rows = metrics.summary().splitlines()
    seconds = ["0.300", "0.300", "0.050", "0.050"]
    assert head.split()[-7:] == ["USD", "seconds", "p95", "first", "token", "p95", "tokens/s"]
    assert head.split("  ")[0] == "model"
    assert [row.split() for row in rows] == [
        ["acme:a-longer-name", "1", "1", "0", "0", "0", "0", *["-"] * 6],
        ["acme:gpt", "1", "0", "0", "0", "10", "20", "0.500000", *seconds, "95.0"],
        ["all", "2", "1", "0", "0", "10", "20", "0.500000", *seconds, "95.0"],
    ]
    assert len({len(line) for line in (head, *rows)}) == 1


def test_a_table_of_one_model_has_no_line_for_all():
    assert len(counted(event(), event()).summary().splitlines()) == 2
    assert len(MetricsCollector().summary().splitlines()) == 1


SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\n"])*",?)+)\} (\S+)')


def samples(text):
    """The samples by name and labels. Each line must be a sample or a comment."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            labels = tuple(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2]))
            assert (match[1], labels) not in found
            found[match[1], labels] = float(match[3])
    return found


def test_prometheus_reads_the_counters():
    calls = [event(usd="0.5", attempts=2), event(kind="server"), event(kind="cancelled")]
    found = samples(counted(*calls).prometheus())
    who = (("provider", "acme"), ("model", "m"))
    for outcome in ("ok", "error", "cancelled"):
        assert found["tokenwire_calls_total", (*who, ("outcome", outcome))] == 1
    assert found["tokenwire_errors_total", (*who, ("kind", "server"))] == 1
    assert {
        name.removeprefix("tokenwire_"): value
        for (name, labels), value in found.items()
        if labels == who and name.endswith("_total")
    } == {
        "retries_total": 1,
        "prompt_tokens_total": 30,
        "completion_tokens_total": 60,
        "cached_tokens_total": 12,
        "reasoning_tokens_total": 9,
        "cost_usd_total": 0.5,
        "without_price_total": 2,
    }


def test_prometheus_reads_the_histograms():
    timings = [event(timing={"total": value}) for value in (0.05, 0.3, 1000.0)]
    found = samples(counted(*timings).prometheus())
    who = (("provider", "acme"), ("model", "m"))
    buckets = {
        labels[-1][1]: value
        for (name, labels), value in found.items()
        if name == "tokenwire_call_seconds_bucket"
    }
    assert list(buckets) == [*map(str, SECONDS), "+Inf"]
    assert list(buckets.values()) == [1, 1, 1, *[2] * 10, 3]
    assert found["tokenwire_call_seconds_sum", who] == 1000.35
    assert found["tokenwire_call_seconds_count", who] == 3


def test_each_family_has_its_help_and_type_once_before_its_samples():
    text = counted(event(), event("n", kind="server")).prometheus()
    assert text.endswith("\n")
    kinds, family = {}, ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in kinds
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family
            kinds[family] = line.split()[3]
        else:
            name = line.partition("{")[0]
            suffixes = ("_bucket", "_sum", "_count") if kinds[family] == "histogram" else ("",)
            assert name in {family + suffix for suffix in suffixes}
    assert set(kinds.values()) == {"counter", "histogram"}


def test_a_page_is_bounded_whatever_names_others_choose():
    pages = []
    for most in (300, 600):
        names = (event(f"{number}-{'x' * 10_000}") for number in range(most))
        kinds = (event("m0", kind=f"{number}{'k' * 10_000}") for number in range(most))
        pages.append(counted(*names, *kinds).prometheus())
    assert [page.count("\n") for page in pages] == [pages[0].count("\n")] * 2
    assert max(map(len, pages[1].splitlines())) < 1_000


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\x7f", "\r", "\u2028"])
def test_no_name_steers_a_terminal_or_breaks_a_line(evil):
    metrics = counted(event(f"m{evil}"), event(f"n{evil}\n", kind=f"k{evil}"))
    assert evil not in metrics.summary() + metrics.prometheus() + repr(metrics.snapshot())
    assert metrics.summary().count("\n") == 3


def test_labels_are_escaped():
    text = counted(event('a"b\\c\nd')).prometheus()
    assert r'model="a\"b\\c\nd"' in text
    assert samples(text)


def test_no_key_and_no_text_is_kept(sim):
    key = "sk-canary-51Xy"
    sim.set_script(
        {
            "rules": [{"times": 1, "then": {"error": {"status": 400, "message": "prompt-words"}}}],
            "default": {"reply": {"text": "reply-words"}},
        }
    )
    chat = tw.ChatClient("m", base_url=sim.base_url, api_key=key)
    with MetricsCollector() as metrics:
        with pytest.raises(tw.LlmAPIError):
            chat.run("prompt-words")
        chat.run("prompt-words")
    snapshot = metrics.snapshot()
    written = [metrics.summary(), metrics.prometheus(), repr(snapshot), repr(snapshot.to_dict())]
    assert [word for word in (key, "-words") if word in "".join(written)] == []


def test_importing_the_package_does_not_import_the_metrics():
    module = "tokenwire.observability.metrics"
    program = f"import sys, tokenwire; tokenwire.on_call; print({module!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_example_runs():
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nopenai-compatible:small " in done.stdout
    assert "\n# TYPE tokenwire_calls_total counter\n" in done.stdout
    assert "rate_limit" in done.stdout
