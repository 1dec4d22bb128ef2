"""`MetricsCollector`: what it counts, what it leaves out, and what it writes."""

from __future__ import annotations

import asyncio
import json
import pickle
import re
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tokenwire as tw
from tokenwire import MetricsCollector
from tokenwire.catalog import cost as module
from tokenwire.catalog.model import Price
from tokenwire.catalog.registry import _shared
from tokenwire.metrics import Distribution

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "metrics.py"
USAGE = tw.Usage(prompt_tokens=10, completion_tokens=20, cached_tokens=4, reasoning_tokens=3)
TIMING = {"first_token": 0.05, "last_token": 0.25, "total": 0.3}
# Tokens after the first, by the time between the first and the last.
SPEED = 19 / (0.25 - 0.05)
EMPTY = MetricsCollector().snapshot().total
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
        metrics._tally(one)
    return metrics


def spread(bounds, *values):
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[sum(bound < value for bound in bounds)] += 1
    low, high = (min(values), max(values)) if values else (None, None)
    return Distribution(len(values), sum(values), low, high, bounds, tuple(counts))


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


def test_errors_are_counted_by_kind_and_what_was_let_go_of_is_none():
    kinds = ["rate_limit", "server", "rate_limit", "cancelled", None]
    total = counted(*(event(kind=kind) for kind in kinds)).snapshot().total
    assert total.errors == {"rate_limit": 2, "server": 1}
    assert (total.calls, total.failed, total.cancelled) == (5, 3, 1)
    # What was let go of took as long as its caller wanted.
    assert (total.failed_latency.count, total.latency.count) == (3, 1)


def test_what_is_not_known_is_not_counted_as_nothing():
    unknown = event(kind="cancelled", usage=None, timing=None)
    partly = event(kind="cancelled", usage=tw.Usage(prompt_tokens=7), timing={"first_byte": 0.1})
    total = counted(unknown, partly).snapshot().total
    assert (total.prompt_tokens, total.completion_tokens, total.without_usage) == (7, 0, 1)
    assert (total.retries, total.without_price) == (0, 1)
    assert (total.latency, total.first_token) == (spread(SECONDS), spread(SECONDS))
    assert (total.latency.mean, total.latency.min, total.latency.max) == (None, None, None)


def test_a_bound_belongs_to_its_own_bucket():
    values = [0.0, 0.05, 0.0501, 600.0, 601.0]
    timings = [event(timing={"total": value}) for value in values]
    latency = counted(*timings).snapshot().total.latency
    assert latency.counts == (2, 1, *[0] * 10, 1, 1)
    assert (latency.min, latency.max, latency.count) == (0.0, 601.0, 5)
    assert latency.mean == pytest.approx(sum(values) / 5)


def test_nobody_is_asked_for_a_price_where_costs_are_off():
    total = counted(event(usd="0.5"), cost=False).snapshot().total
    assert (total.cost_usd, total.without_price) == (0, 1)


def test_costs_are_those_of_the_replies(sim, monkeypatch):
    registry = tw.ModelRegistry(plugins=False)
    price = Price(input="1", output="2", source="made up")
    registry.register_model(tw.ModelConfig(provider="openai", name="m", price=price))
    monkeypatch.setitem(_shared, "registry", registry)
    chat = tw.ChatClient("openai:m", base_url=sim.base_url, api_key="sk-x")
    with MetricsCollector() as metrics:
        reply = chat.complete("hi")
    assert reply.cost is not None
    total = metrics.snapshot().total
    assert (total.cost_usd, total.without_price) == (reply.cost.usd, 0)


@pytest.mark.parametrize("limit", [sys.maxsize, 1000, 0])
def test_costs_by_rates_are_those_of_each_call(monkeypatch, limit):
    """Whatever the rates do not cover is priced by itself."""
    price = Price(input="0.15", cached_input="0.075", output="0.6", source="made up")
    registry = tw.ModelRegistry(plugins=False)
    registry.register_model(tw.ModelConfig(provider="acme", name="m", price=price))
    monkeypatch.setitem(_shared, "registry", registry)
    monkeypatch.setattr(Price, "rates", lambda self, known=Price.rates: (*known(self)[:4], limit))
    usages = [
        tw.Usage(prompt_tokens=10, completion_tokens=20, cached_tokens=4),
        tw.Usage(prompt_tokens=2000, completion_tokens=1),
        # More from the cache than there was: no input at the full price.
        tw.Usage(prompt_tokens=5, completion_tokens=0, cached_tokens=9),
        tw.Usage(prompt_tokens=1, completion_tokens=1, cost_usd="0.125"),
    ]
    unknown = tw.Usage(prompt_tokens=1)
    calls = [event(usage=usage) for usage in (*usages, unknown)]
    total = counted(*calls).snapshot().total
    known = [module.cost_of(call.response, registry=registry) for call in calls]
    assert total.cost_usd == sum(cost.usd for cost in known if cost is not None)
    assert (known[-1], total.without_price) == (None, 1)


def test_rates_are_looked_up_once_for_all_calls_of_a_second(monkeypatch):
    asked = []

    def rates_of(provider, model, created, _registry):
        asked.append(created)
        cents = Decimal(created) / 100
        return cents, cents, cents, Decimal(0), sys.maxsize

    def call(created, started=1000.0, usd=None):
        usage = tw.Usage(prompt_tokens=1, completion_tokens=1, cost_usd=usd)
        reply = response("m", usage, TIMING, created=created)
        return tw.CallEvent(
            provider="acme", model="m", elapsed=0.1, started=started, response=reply
        )

    metrics = MetricsCollector()
    monkeypatch.setattr(module, "rates_of", rates_of)
    for _ in range(700):
        metrics._tally(call(1))
    assert asked == [1]
    metrics._tally(call(1, usd="5"))
    for created in [2] * 10:
        metrics._tally(call(created))
    # What is read later is looked up anew, whatever the reply's own clock says.
    metrics._tally(call(1, started=1002.0))
    assert asked == [1]
    assert metrics.snapshot().total.cost_usd == Decimal("12.21")
    assert asked == [1, 1, 2]


def test_a_snapshot_does_not_change_any_more():
    metrics = counted(event())
    before = metrics.snapshot()
    metrics._tally(event(kind="server"))
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
        },
        **{
            name: {
                "count": 1,
                "sum": value,
                "min": value,
                "max": value,
                "bounds": list(bounds),
                "counts": list(spread(bounds, value).counts),
            }
            for name, value, bounds in [
                ("latency", 0.3, SECONDS),
                ("first_token", 0.05, SECONDS),
                ("tokens_per_second", SPEED, TOKENS_PER_SECOND),
            ]
        },
    }


def test_reset_begins_at_zero():
    metrics = counted(event())
    metrics.reset()
    assert metrics.snapshot().models == ()
    metrics._tally(event())
    assert metrics.snapshot().total.calls == 1


def test_nothing_is_lost_between_threads():
    metrics = MetricsCollector()
    threads, each = 8, 2000
    ready = threading.Barrier(threads + 1)

    def record():
        ready.wait()
        for _ in range(each):
            metrics._tally(event())

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


def test_prices_are_asked_for_many_calls_at_a_time(monkeypatch):
    asked = []
    known = module.cost_of_usage

    def cost_of_usage(*row):
        asked.append(row)
        return known(*row)

    monkeypatch.setattr(module, "cost_of_usage", cost_of_usage)
    metrics = MetricsCollector()
    for _ in range(300):
        metrics._tally(event(usd="0.001"))
    assert len(asked) == 256
    assert metrics.snapshot().total.cost_usd == Decimal("0.3")
    assert len(asked) == 300


def test_a_price_list_that_fails_loses_no_call(monkeypatch):
    def broken(*_row):
        raise RuntimeError("no price list")

    metrics = counted(event(), event())
    monkeypatch.setattr(module, "rates_of", broken)
    with pytest.raises(RuntimeError, match="no price list"):
        metrics.snapshot()
    total = metrics.snapshot().total
    assert (total.calls, total.without_price) == (2, 2)


def test_a_call_may_end_while_prices_are_looked_up(monkeypatch):
    """The collector of garbage ends streams wherever it runs."""
    known = module.cost_of_usage

    def cost_of_usage(*row):
        if len(late) < 600:
            late.append(event("late", usd="0.5"))
            metrics._tally(late[-1])
        return known(*row)

    late: list[tw.CallEvent] = []
    monkeypatch.setattr(module, "cost_of_usage", cost_of_usage)
    metrics = counted(event(usd="0.5"))
    metrics.snapshot()
    total = metrics.snapshot().total
    assert (total.calls, total.without_price) == (1 + len(late), 0)


def test_sums_of_dollars_are_exact():
    total = counted(*[event(usd="0.000000123456789012")] * 1000, event(usd="12")).snapshot().total
    assert total.cost_usd == Decimal("12.000123456789012")


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
    assert head.split("  ")[0] == "model"
    assert [row.split() for row in rows] == [
        ["acme:a-longer-name", "1", "1", "0", "0", "0", "0", "-", "-", "-", "-"],
        ["acme:gpt", *["1", "0", "0", "0", "10", "20", "0.500000", "0.300", "0.050", "95.0"]],
        ["all", *["2", "1", "0", "0", "10", "20", "0.500000", "0.300", "0.050", "95.0"]],
    ]
    assert len({len(line) for line in (head, *rows)}) == 1


def test_a_table_of_one_model_has_no_line_for_all():
    assert len(counted(event(), event()).summary().splitlines()) == 2
    assert len(MetricsCollector().summary().splitlines()) == 1


SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\n"])*",?)+)\} (\S+)')


def samples(text):
    """Samples by name and labels; each line must be one or a comment."""
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


def test_each_family_is_explained_once_before_its_samples():
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


def test_the_package_is_imported_without_it():
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
