"""Compiled values: equality, hashes, pickles and dicts agree, and pydantic accepts them."""

from __future__ import annotations

import copy
import json
import pickle
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

import tokenwire as tw
from tokenwire._engine import TokenLogprob, ToolCallFragment
from tokenwire.factory.pool import PoolStats
from tokenwire.settings.secret import LeftOut, Secret, SecretUrl

if TYPE_CHECKING:
    from tokenwire.testing import SimServer

USAGE = tw.Usage(prompt_tokens=3, completion_tokens=2, cost_usd="0.1")
DETAILED = tw.Usage(total_tokens=5, details={"b": {"audio": 1, "é": [1.5, None]}, "a": "x"})
CALL = tw.ToolCall("c1", "add", '{"a": 1}')
FRAGMENT = ToolCallFragment(0, "c1", "add", "{")
LOGPROB = TokenLogprob("a", -0.1, b"a", (("a", -0.1, b"a"), ("b", -2.5, None)), 7)
CHUNK = tw.LlmStreamChunk(
    text="a",
    reasoning="r",
    tool_calls=[FRAGMENT],
    finish_reason="stop",
    index=1,
    usage=USAGE,
    logprobs=[LOGPROB],
    raw=b"{}",
)
VALUES = [
    USAGE,
    DETAILED,
    tw.Citation(start=1, end=3, text="é🎉", url="u", document="f", raw={"a": [1.0, None]}),
    CALL,
    FRAGMENT,
    LOGPROB,
    CHUNK,
    tw.TextDelta("a", 1),
    tw.ReasoningDelta("a"),
    tw.RefusalDelta("a"),
    tw.ToolCallDelta(FRAGMENT, 2),
    tw.ToolCallDone(CALL),
    tw.UsageReported(USAGE),
    tw.End(),
    tw.Timing(queue=0.1, total=1 / 3),
    tw.Attempt(phase="head", status=429, error="rate_limit", slept=0.25),
    tw.Timeout(total=None, idle=2.5),
    tw.Limits(max_connections=3),
    tw.RetryPolicy(max_retries=0),
]


def names(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("value", VALUES, ids=names)
def test_a_value_survives_pickling_and_its_dict(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert type(value).from_dict(value.to_dict()) == value
    # Through JSON too, which is what the dicts are for.
    assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value


@pytest.mark.parametrize("value", [v for v in VALUES if type(v).__hash__ is not None], ids=names)
def test_equal_values_hash_equal(value: Any) -> None:
    assert hash(pickle.loads(pickle.dumps(value))) == hash(value)


def test_equal_replies_and_choices_hash_equal(sim: SimServer) -> None:
    reply = tw.ChatClient("m", base_url=sim.base_url).complete("-", n=2)
    again = pickle.loads(pickle.dumps(reply))
    assert (again, hash(again)) == (reply, hash(reply))
    assert [hash(choice) for choice in again.choices] == [hash(one) for one in reply.choices]
    read_back = tw.LlmResponse.from_dict(reply.to_dict())
    assert (read_back, hash(read_back)) == (reply, hash(reply))
    assert {reply, again, read_back} == {reply}


def test_a_probability_is_kept_exactly(sim: SimServer) -> None:
    exact = [-1 / number for number in range(1, 300)]
    tokens = [{"token": "a", "logprob": number, "top_logprobs": []} for number in exact]
    message = {"role": "assistant", "content": "a"}
    choice = {"index": 0, "message": message, "logprobs": {"content": tokens}}
    body = json.dumps({"id": "x", "choices": [{**choice, "finish_reason": "stop"}]})
    headers = {"content-type": "application/json"}
    sim.set_script({"default": {"replay": {"text": body, "headers": headers}}})
    reply = tw.ChatClient("m", base_url=sim.base_url).complete("-", logprobs=True)
    assert [token.logprob for token in reply.logprobs or ()] == exact
    assert pickle.loads(pickle.dumps(reply)) == reply
    assert tw.LlmResponse.from_dict(reply.to_dict()) == reply


def test_the_chunks_of_a_stream_survive_pickling_and_their_dicts(sim: SimServer) -> None:
    chunks = list(tw.ChatClient("m", base_url=sim.base_url).stream("-"))
    assert chunks[-1].usage is not None
    assert pickle.loads(pickle.dumps(chunks)) == chunks
    assert [tw.LlmStreamChunk.from_dict(chunk.to_dict()) for chunk in chunks] == chunks


class Kept(pydantic.BaseModel):
    limits: tw.Timeout
    usage: tw.Usage | None = None


def test_pydantic_reads_and_writes_a_value_as_a_field() -> None:
    kept = Kept(limits=tw.Timeout(total=3), usage=USAGE)
    assert Kept.model_validate_json(kept.model_dump_json()) == kept
    for mode in ("validation", "serialization"):
        assert {*Kept.model_json_schema(mode=mode)["properties"]} == {"limits", "usage"}


def test_a_wrong_value_in_a_model_is_a_pydantic_error() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"Timeout\.connect: -1 is not above 0"):
        Kept.model_validate({"limits": {"connect": -1}})


WORDS: list[tuple[Any, str, str]] = [
    (tw.Attempt, "phase", "prepare, connect, head, body, backoff"),
    (tw.Attempt, "error", "config, validation, .*, client_closed"),
    (tw.LlmStreamChunk, "finish_reason", "stop, length, .*, other"),
    (partial(tw.LlmResponse, provider="p", model="m"), "finish_reason", "stop, length, .*, other"),
]


@pytest.mark.parametrize(("make", "field", "words"), WORDS)
@pytest.mark.parametrize("wrong", ["nonsense", "", "Head", 'a"b', "é"])
def test_an_unknown_word_is_refused_and_the_known_ones_are_listed(
    make: Any, field: str, words: str, wrong: str
) -> None:
    with pytest.raises(tw.LlmValidationError) as refused:
        make(**{field: wrong})
    said = re.fullmatch(rf'{field}: (".*") is not one of {words}', str(refused.value))
    assert said, refused.value
    assert json.loads(said[1]) == wrong


def test_an_unknown_word_in_a_dict_is_refused() -> None:
    stored = {**tw.Attempt().to_dict(), "phase": "nonsense"}
    with pytest.raises(tw.LlmValidationError, match='phase: "nonsense" is not one of prepare'):
        tw.Attempt.from_dict(stored)


def test_every_known_word_reads_back() -> None:
    for kind in tw.errors.KINDS:
        assert tw.Attempt(error=kind).error == kind
    for phase in ("prepare", "connect", "head", "body", "backoff"):
        assert tw.Attempt(phase=phase).phase == phase


def test_pool_statistics_compare_by_value():
    assert PoolStats(1, 2, 3, 4) == PoolStats(1, 2, 3, 4) != PoolStats(1, 2, 3, 5)
    assert PoolStats(1, 2, 3, 4) != (1, 2, 3, 4)


def test_secrets_are_compared_and_hashed_by_their_text():
    assert Secret("sk-1") == Secret("sk-1") != Secret("sk-2")
    assert {Secret("sk-1"), Secret("sk-1")} == {Secret("sk-1")}
    assert Secret("sk-1") not in ("sk-1", SecretUrl("sk-1"))
    assert "sk-1" not in repr([Secret("sk-1"), SecretUrl("sk-1")])


def test_a_pickle_holds_the_public_part_of_a_secret_only():
    for secret, left in (
        (Secret("sk-1"), None),
        (SecretUrl("http://me:sk-1@h:1/v1?key=sk-1"), "http://h:1/v1"),
        (SecretUrl("me:sk-1@h"), "h"),
        (SecretUrl(b"sk-1"), None),
    ):
        pickled = pickle.dumps(secret)
        assert b"sk-1" not in pickled
        again = pickle.loads(pickled)
        assert (again, again.public()) == (LeftOut(left), left)
        assert pickle.loads(pickle.dumps(again)) == again
        assert copy.deepcopy(secret) is secret
