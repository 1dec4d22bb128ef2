"""F22 to F31: late response heads, and error statuses."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from tests.fault.scenes import TEXT, always, chat, completion

from tokenwire import (
    LlmAPIError,
    LlmAuthenticationError,
    LlmContentFilterError,
    LlmContextLengthError,
    LlmDeadlineExceededError,
    LlmError,
    LlmFirstByteTimeoutError,
    LlmModelNotFoundError,
    LlmProtocolError,
    LlmQuotaExceededError,
    LlmRateLimitError,
    LlmServerError,
    LlmUnexpectedContentError,
    RetryPolicy,
    Timeout,
)

SOON = RetryPolicy(max_retries=2, first=0.01, throttle_first=0.01)
RETRIED = [408, 409, 425, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]
FINAL = [400, 401, 402, 403, 404, 405, 413, 418, 422, 501, 505, 599]


def ask(client, how):
    if how == "sync":
        return client.run("hi")
    if how == "async":
        return asyncio.run(client.run_async("hi"))
    if how == "stream":
        return client.run("hi", stream=True)
    return asyncio.run(client.run_async("hi", stream=True))


HOWS = ["sync", "async", "stream", "async stream"]


def failure(client, how="sync") -> Any:
    with pytest.raises(LlmError) as caught:
        ask(client, how)
    assert "\n" not in str(caught.value)
    return caught.value


SLOW_HEADS = {
    "no head": {"kind": "no_head"},
    "a head of a byte each 20 ms": {"kind": "slow_head", "bytes": 1, "interval_ms": 20},
}


@pytest.mark.parametrize("fault", SLOW_HEADS)
@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("how", ["stream", "async stream"])
def test_f22_f23_a_late_head_of_a_stream_ends_at_its_limit(sim, make, how, fault):
    sim.set_script(always(fault=SLOW_HEADS[fault]))
    began = time.monotonic()
    error = failure(make(sim, timeout=Timeout(first_token=0.2), retry=SOON), how)
    assert 0.2 <= time.monotonic() - began < 0.7
    assert type(error) is LlmFirstByteTimeoutError
    assert (error.phase, sim.count("request"), error.attempts[0].maybe_processed) == (
        "head",
        1,
        True,
    )
    sim.wait_for("client_closed")


@pytest.mark.parametrize("fault", SLOW_HEADS)
@pytest.mark.parametrize("how", ["sync", "async"])
def test_f22_f23_a_late_head_of_a_whole_reply_ends_at_the_total_limit(sim, how, fault):
    sim.set_script(always(fault=SLOW_HEADS[fault]))
    began = time.monotonic()
    error = failure(chat(sim, timeout=0.2, retry=SOON), how)
    assert 0.2 <= time.monotonic() - began < 0.7
    assert (type(error), error.phase) == (LlmDeadlineExceededError, "head")
    sim.wait_for("client_closed")


def test_f22_a_late_head_is_retried_when_asked(sim):
    fault = {"kind": "no_head"}
    sim.set_script({**always(), "rules": [{"times": 1, "then": {"fault": fault}}]})
    policy = RetryPolicy(first=0.01, retry_timeouts=True)
    client = chat(sim, timeout=Timeout(first_token=0.1), retry=policy)
    assert ask(client, "stream") == TEXT


def in_the_future(seconds: float) -> str:
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)


# A hint, and the limits of the wait that follows. Without a hint, the wait begins at half a second.
OWN = (0.25, 0.5)
HINTS = {
    "milliseconds": ({"retry-after-ms": "40"}, (0.04, 0.044)),
    "milliseconds before seconds": ({"retry-after-ms": "40", "retry-after": "9"}, (0.04, 0.044)),
    "seconds": ({"retry-after": "0.05"}, (0.05, 0.055)),
    "a date in the past": ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, OWN),
    "zero": ({"retry-after": "0"}, OWN),
    "negative": ({"retry-after": "-1"}, OWN),
    "NaN": ({"retry-after": "NaN"}, OWN),
    "infinite": ({"retry-after": "inf"}, OWN),
    "empty": ({"retry-after": ""}, OWN),
    "words": ({"retry-after": "soon"}, OWN),
}


@pytest.mark.parametrize("hint", HINTS)
def test_f24_b30_a_hint_sets_the_wait_and_is_recorded(sim, hint):
    headers, (least, most) = HINTS[hint]
    then = {"error": {"status": 429, "headers": headers}}
    sim.set_script({**always(), "rules": [{"times": 1, "then": then}]})
    client = chat(sim, retry=RetryPolicy(max_retries=1, throttle_first=0.5))
    first, second = client.complete("hi").attempts
    assert least <= first.slept <= most
    assert (first.status, first.error, second.status, second.error) == (
        429,
        "rate_limit",
        200,
        None,
    )
    assert second.started >= first.slept


def test_f24_a_date_is_measured_by_the_servers_clock(sim):
    headers = {
        "date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "retry-after": "Wed, 21 Oct 2015 07:28:01 GMT",
    }
    then = {"error": {"status": 503, "headers": headers}}
    sim.set_script({**always(), "rules": [{"times": 1, "then": then}]})
    first, _ = chat(sim, retry=RetryPolicy(max_retries=1, first=30.0)).complete("hi").attempts
    assert 0.9 <= first.slept <= 1.2


@pytest.mark.parametrize("how", HOWS)
def test_f25_a_long_hint_is_raised_at_once(sim, how):
    sim.set_script(always(error={"status": 429, "headers": {"retry-after": "3600"}}))
    error = failure(chat(sim, max_retries=2), how)
    assert (type(error), error.retry_after, len(error.attempts)) == (LlmRateLimitError, 3600.0, 1)
    assert error.retryable


def test_f25_a_hint_beyond_the_deadline_is_raised_at_once(sim):
    sim.set_script(always(error={"status": 429, "headers": {"retry-after": "30"}}))
    error = failure(chat(sim, max_retries=2, timeout=5))
    assert (type(error), error.retry_after, sim.count("request")) == (LlmRateLimitError, 30.0, 1)


QUOTAS = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "workspace_spend_limit_exceeded",
    "billing_hard_limit_reached",
]


@pytest.mark.parametrize("code", QUOTAS)
def test_f26_a_spent_quota_is_never_retried(sim, code):
    error = {"status": 429, "code": code, "headers": {"x-should-retry": "true"}}
    sim.set_script(always(error=error))
    failed = failure(chat(sim, retry=SOON))
    assert (type(failed), failed.code, sim.count("request")) == (LlmQuotaExceededError, code, 1)


@pytest.mark.parametrize("status", RETRIED)
@pytest.mark.parametrize("how", HOWS)
def test_f27_a_passing_status_is_retried(sim, how, status):
    page = f"<html>\n<h1>{status}</h1>\x1b[31m" + "x" * 5_000
    sim.set_script(always(error={"status": status, "body": page}))
    error = failure(chat(sim, retry=SOON), how)
    assert isinstance(error, LlmServerError if status >= 500 else LlmAPIError)
    assert (error.status_code, sim.count("request"), len(error.attempts)) == (status, 3, 3)
    assert len(str(error)) < 1_200
    assert str(error).isprintable()
    assert (bytes(error.body or b"")[:6], error.retryable) == (b"<html>", True)
    sim.reset()
    sim.set_script({**always(), "rules": [{"times": 2, "then": {"error": {"status": status}}}]})
    assert ask(chat(sim, retry=SOON), how) == TEXT


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("how", ["sync", "async stream"])
def test_f29_any_other_status_is_not_retried(sim, how, status):
    sim.set_script(always(error={"status": status, "message": "no"}))
    error = failure(chat(sim, retry=SOON), how)
    assert (error.status_code, sim.count("request"), error.retryable) == (status, 1, False)
    about_key = " (no API key for openai-compatible: give api_key=)"
    assert str(error).startswith(f"openai-compatible:m: HTTP {status}: no")
    assert (about_key in str(error)) == (status in (401, 403))


@pytest.mark.parametrize(("status", "wish", "requests"), [(503, "false", 1), (400, "true", 3)])
def test_f28_the_servers_wish_wins(sim, status, wish, requests):
    sim.set_script(always(error={"status": status, "headers": {"x-should-retry": wish}}))
    failure(chat(sim, retry=SOON))
    assert sim.count("request") == requests


CLASSES = [
    ({"status": 401}, LlmAuthenticationError),
    ({"status": 403}, LlmAuthenticationError),
    ({"status": 404, "code": "model_not_found"}, LlmModelNotFoundError),
    ({"status": 400, "code": "context_length_exceeded"}, LlmContextLengthError),
    ({"status": 400, "code": "content_filter"}, LlmContentFilterError),
    ({"status": 429}, LlmRateLimitError),
    ({"status": 500}, LlmServerError),
]


@pytest.mark.parametrize(("error", "kind"), CLASSES)
@pytest.mark.parametrize("make", [chat, completion])
def test_f29_a_status_has_its_class_and_its_facts(sim, make, error, kind):
    headers = {"x-request-id": "req-7"}
    sim.set_script(
        always(error={**error, "message": "reason given", "param": "p", "headers": headers})
    )
    failed = failure(make(sim))
    assert type(failed) is kind
    assert isinstance(failed, LlmAPIError)
    assert (failed.status_code, failed.code, failed.param) == (
        error["status"],
        error.get("code"),
        "p",
    )
    assert (failed.request_id, failed.provider, failed.model) == (
        "req-7",
        "openai-compatible",
        "m",
    )
    assert b"reason given" in (failed.body or b"")


def test_f31_interim_heads_are_passed_over(sim):
    sim.set_script(always(fault={"kind": "interim", "status": 103, "count": 16}))
    for how in HOWS:
        assert ask(chat(sim), how) == TEXT


@pytest.mark.only_over("direct", "interim heads")
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("status", [100, 103])
@pytest.mark.parametrize("count", [17, 5_000])
def test_f31_too_many_interim_heads_are_a_protocol_error(sim, how, status, count):
    sim.set_script(always(fault={"kind": "interim", "status": status, "count": count}))
    client = chat(sim)
    error = failure(client, how)
    assert isinstance(error, LlmProtocolError)
    assert "more than 16 interim heads" in str(error)
    assert (error.phase, error.attempts[0].maybe_processed) == ("head", True)
    sim.set_script(always())
    assert ask(client, how) == TEXT


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("HTTP/1.1 204 No Content\r\n\r\n", LlmUnexpectedContentError),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", LlmUnexpectedContentError),
        ("HTTP/1.1 304 Not Modified\r\n\r\n", (LlmUnexpectedContentError, LlmAPIError)),
        ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", LlmProtocolError),
    ],
)
@pytest.mark.parametrize("how", HOWS)
def test_f31_a_reply_without_a_body_is_an_error(sim, how, head, kind):
    sim.set_script({"default": {"replay": {"text": head}, "framing": "raw"}})
    error = failure(chat(sim, retry=SOON), how)
    assert isinstance(error, kind)
    # It was answered in plain text, so that is not the reason.
    assert "https" not in str(error)
    assert ("upgrade" in error.headers) == ("upgrade" in head)


BROKEN = {
    "two lengths": "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a negative length": "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}",
    "a status of 0": "HTTP/1.1 000 Zero\r\n\r\n{}",
    "no version": "200 OK\r\n\r\n{}",
    "no colon": "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}",
    "a NUL in a header": "HTTP/1.1 200 OK\r\nx: a\x00b\r\n\r\n{}",
    "1,001 headers": "HTTP/1.1 200 OK\r\n" + "x: y\r\n" * 1_001 + "\r\n{}",
    "headers without end": "HTTP/1.1 200 OK\r\n" + "x: y\r\n" * 500_000,
    "a head of 2 MB": "HTTP/1.1 200 OK\r\nx: " + "y" * 2_000_000 + "\r\n\r\n{}",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("how", ["sync", "async stream"])
def test_b27_a_broken_head_is_a_protocol_error_and_ends_the_connection(sim, how, name):
    sim.set_script({"default": {"replay": {"text": BROKEN[name]}, "framing": "raw"}})
    client = chat(sim)
    assert isinstance(failure(client, how), LlmProtocolError)
    sim.set_script(always())
    assert ask(client, how) == TEXT
    assert sim.stats()["accepts"] == 2


def test_b28_an_escape_in_a_header_stays_out_of_messages(sim):
    head = "HTTP/1.1 500 No\r\nx-request-id: a\x1b[31m\r\ncontent-length: 2\r\n\r\n{}"
    sim.set_script({"default": {"replay": {"text": head}, "framing": "raw"}})
    assert str(failure(chat(sim))).isprintable()


def test_b31_a_large_error_body_is_read_in_part(sim):
    sim.set_script(always(error={"status": 400, "body": "e" * 5_000_000}))
    error = failure(chat(sim))
    assert (len(error.body), len(str(error)) < 1_200) == (64 << 10, True)


def test_b31_a_binary_error_body_is_shown_in_one_printable_line(sim):
    head = "HTTP/1.1 400 No\r\ncontent-length: 8\r\n\r\n"
    body = b"\x00\xff\xfe\x1b\n\r\t\x80"
    import base64

    raw = base64.b64encode(head.encode() + body).decode()
    sim.set_script({"default": {"replay": {"base64": raw}, "framing": "raw"}})
    error = failure(chat(sim))
    assert (error.body, str(error).isprintable()) == (body, True)
