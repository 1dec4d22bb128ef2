"""The arguments of a call: which exist, their types, and how they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent, sent_headers
from tests.wire.origins import Origin

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

ALL_OF_CHAT: dict[str, Any] = {
    "max_tokens": 5,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 3,
    "stop": ["x", "y"],
    "seed": 42,
    "n": 1,
    "frequency_penalty": 0.1,
    "presence_penalty": -0.1,
    "logit_bias": {"50256": -100},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "response_format": {"type": "json_object"},
    "reasoning_effort": "low",
    "user": "u",
    "metadata": {"k": "v"},
}


def chat_on(sim: SimServer, model: str = "m", **settings: Any) -> tw.ChatClient:
    return tw.ChatClient(model, base_url=sim.base_url, **settings)


def own(body: dict[str, Any]) -> dict[str, Any]:
    return {key: body[key] for key in body.keys() - {"model", "messages"}}


def test_each_parameter_is_sent_as_given(sim: SimServer, ask: Asking) -> None:
    ask.complete(chat_on(sim), "-", **ALL_OF_CHAT)
    ask.complete(chat_on(sim, **ALL_OF_CHAT), "-")
    ask.complete(chat_on(sim), tw.LlmRequest("-", **ALL_OF_CHAT))
    assert [own(body) for body in sent(sim)] == [ALL_OF_CHAT] * 3


def test_a_call_wins_over_a_request_and_that_over_the_client(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, temperature=0.1, top_p=0.1, seed=1)
    ask.complete(chat, tw.LlmRequest("-", temperature=0.2, top_p=0.2), temperature=0.3)
    ask.complete(chat, "-", temperature=None)
    assert [own(body) for body in sent(sim)] == [
        {"temperature": 0.3, "top_p": 0.2, "seed": 1},
        {"top_p": 0.1, "seed": 1},
    ]


@pytest.mark.parametrize(
    ("provider", "field"),
    [("openai", "max_completion_tokens"), ("vllm", "max_tokens"), ("groq", "max_tokens")],
)
def test_the_token_limit_has_the_providers_name(
    sim: SimServer, ask: Asking, provider: str, field: str
) -> None:
    ask.complete(chat_on(sim, f"{provider}:m", api_key="k"), "-", max_tokens=9)
    assert own(sent(sim)[0]) == {field: 9}


def test_two_names_of_one_limit_are_refused(sim: SimServer, ask: Asking) -> None:
    with pytest.raises(tw.LlmConfigError, match="max_tokens"):
        ask.complete(chat_on(sim), "-", max_tokens=1, max_completion_tokens=2)


def test_mistral_has_its_own_name_for_the_seed(sim: SimServer, ask: Asking) -> None:
    ask.complete(chat_on(sim, "mistral:m", api_key="k"), "-", seed=3)
    assert own(sent(sim)[0]) == {"random_seed": 3}


@pytest.mark.parametrize(
    ("name", "near"),
    [("temprature", "temperature"), ("max_token", "max_tokens"), ("tool", "tools")],
)
def test_a_misspelt_parameter_names_the_near_one(
    sim: SimServer, ask: Asking, name: str, near: str
) -> None:
    given: dict[str, Any] = {name: 1}
    for wrong in (
        lambda: ask.complete(chat_on(sim), "-", **given),
        lambda: ask.read(chat_on(sim), "-", **given),
        lambda: chat_on(sim, **given),
        lambda: tw.LlmRequest("-", **given),
    ):
        with pytest.raises(tw.LlmConfigError, match=rf"{name}.*{near}"):
            wrong()
    assert sim.requests() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", "9"),
        ("stop", [1]),
        ("seed", "x"),
        ("n", 0),
        ("logit_bias", [1]),
        ("user", 1),
        ("user", "\ud800"),
        ("metadata", {"k": float("nan")}),
        ("metadata", {"k": object()}),
        ("metadata", {1: "v"}),
        ("parallel_tool_calls", "yes"),
        ("reasoning_effort", 3),
        ("tool_choice", 1),
        ("logprobs", -1),
    ],
)
def test_a_value_of_a_wrong_type_is_named_with_its_path(
    sim: SimServer, ask: Asking, name: str, value: Any
) -> None:
    with pytest.raises(tw.LlmValidationError, match=name):
        ask.complete(chat_on(sim), "-", **{name: value})
    with pytest.raises(tw.LlmValidationError, match=name):
        chat_on(sim, **{name: value})
    assert sim.requests() == []


@pytest.mark.parametrize(
    ("prompt", "path"),
    [
        ("a\udc80b", "prompt"),
        ([{"role": "user", "content": ["\ud83d"]}], r"messages\[0\]\.content\[0\]"),
        ([{"role": "user", "content": {1}}], r"messages\[0\]\.content"),
        ([{"role": "user", "content": float("nan")}], r"messages\[0\]\.content"),
        ([{"role": "user", 3: "x"}], r"messages\[0\]"),
        ([{"role": "user", "content": b"x"}], r"messages\[0\]\.content"),
    ],
)
def test_a_prompt_that_is_no_json_is_named_with_its_path(
    sim: SimServer, ask: Asking, prompt: Any, path: str
) -> None:
    with pytest.raises(tw.LlmValidationError, match=path):
        ask.complete(chat_on(sim), prompt)
    assert sim.requests() == []


@pytest.mark.parametrize("prompt", [None, 3, object(), {"content": "no role"}, [], [1, 2]])
def test_what_is_no_prompt_is_refused(sim: SimServer, ask: Asking, prompt: Any) -> None:
    with pytest.raises(tw.LlmError) as caught:
        ask.complete(chat_on(sim), prompt)
    assert isinstance(caught.value, (tw.LlmConfigError, tw.LlmValidationError))
    assert sim.requests() == []


def test_a_prompt_within_itself_is_refused(sim: SimServer, ask: Asking) -> None:
    loop: list[Any] = [{"role": "user"}]
    loop[0]["content"] = loop
    with pytest.raises(tw.LlmValidationError, match="messages"):
        ask.complete(chat_on(sim), loop)


# What is sent besides the parameters.


def test_extra_body_is_merged_and_wins(sim: SimServer, ask: Asking) -> None:
    extra = {"top_k": 7, "temperature": 0.9, "chat_template_kwargs": {"thinking": False}}
    ask.complete(chat_on(sim), "-", temperature=0.1, extra_body=extra)
    assert own(sent(sim)[0]) == extra


def test_headers_of_client_and_call_are_sent(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, headers={"x-client": "1", "x-both": "client"})
    ask.complete(chat, "-", headers={"x-both": "call"}, extra_headers={"x-extra": "2"})
    ask.read(chat, "-", extra_headers={"x-both": "extra"})
    ask.complete(chat, "-")
    names = ("x-client", "x-both", "x-extra")
    assert [tuple(headers.get(name) for name in names) for headers in sent_headers(sim)] == [
        ("1", "call", "2"),
        ("1", "extra", None),
        ("1", "client", None),
    ]


def test_what_a_call_adds_leaves_the_rest_of_the_clients_in_place(
    sim: SimServer, ask: Asking
) -> None:
    chat = tw.ChatClient(
        "m",
        base_url=f"{sim.base_url}?version=1&plus=a%2Bb",
        extra_headers={"x-client": "1", "x-both": "client"},
        extra_query={"client": "1", "both": "client"},
        extra_body={"client": 1, "both": "client"},
    )
    of_call: dict[str, Any] = {
        "headers": {"X-Both": "call"},
        "extra_query": {"both": "call", "version": "2"},
        "extra_body": {"both": "call"},
    }
    ask.complete(chat, "-", **of_call)
    ask.read(chat, tw.LlmRequest("-", headers={"x-request": "1", "x-both": "request"}), **of_call)
    for request, body, headers in zip(sim.requests(), sent(sim), sent_headers(sim), strict=True):
        assert (body["client"], body["both"]) == (1, "call")
        assert (headers["x-client"], headers["x-both"]) == ("1", "call")
        query = request["path"].partition("?")[2]
        assert sorted(query.split("&")) == ["both=call", "client=1", "plus=a%2Bb", "version=2"]
    assert sent_headers(sim)[1]["x-request"] == "1"


def test_headers_of_the_caller_win_over_those_of_the_engine(sim: SimServer, ask: Asking) -> None:
    given = {"accept": "text/event-stream, */*", "idempotency-key": "mine"}
    policy = tw.RetryPolicy(idempotency_header="Idempotency-Key")
    ask.read(chat_on(sim, headers=given, retry=policy), "-")
    ask.read(chat_on(sim, retry=policy), "-", headers=given)
    for headers in sent_headers(sim):
        assert {name: headers[name] for name in given} == given


def test_a_key_in_a_header_wins_over_one_from_a_callable(ask: Asking) -> None:
    own = {"Authorization": "Bearer sk-of-the-header"}
    with Origin() as server:
        chat = tw.ChatClient("m", base_url=server.base_url, api_key=lambda: "sk-of-the-callable")
        with_own = chat.with_options(headers=own)
        ask.complete(with_own, "-")
        ask.read(with_own, "-")
        ask.read(chat, "-", headers=own)
        seen = [request.headers["authorization"] for request in server.requests]
    assert seen == [own["Authorization"]] * 3


def test_extra_query_goes_into_the_address(sim: SimServer, ask: Asking) -> None:
    ask.complete(chat_on(sim), "-", extra_query={"api-version": "2024-10-21", "a": "x y&z"})
    path = sim.requests()[0]["path"]
    assert path == "/v1/chat/completions?api-version=2024-10-21&a=x+y%26z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"x": 1}},
        {"headers": 3},
        {"headers": {"x\r\ny": "z"}},
        {"headers": {"x": "a\nb"}},
        {"headers": {"host": "other"}},
        {"headers": {"content-length": "1"}},
        {"extra_headers": ["x"]},
        {"extra_query": {"a": 1}},
        {"extra_body": [1]},
        {"timeout": "5"},
        {"timeout": -1},
        {"timeout": 0},
        {"timeout": True},
        {"timeout": float("nan")},
        {"max_retries": -1},
        {"max_retries": 2.5},
        {"max_retries": True},
        {"max_retries": 10**9},
        {"model": 3},
        {"model": ""},
        {"no_such_thing": 1},
    ],
    ids=str,
)
def test_what_steers_a_call_is_checked(sim: SimServer, ask: Asking, wrong: dict[str, Any]) -> None:
    with pytest.raises((tw.LlmConfigError, tw.LlmValidationError)):
        ask.complete(chat_on(sim), "-", **wrong)
    with pytest.raises((tw.LlmConfigError, tw.LlmValidationError)):
        ask.read(chat_on(sim), "-", **wrong)
    assert sim.requests() == []


def test_a_call_may_name_another_model(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, "vllm:one")
    ask.complete(chat, "-")
    ask.complete(chat, "-", model="two")
    ask.complete(chat, "-", model="vllm:three")
    ask.complete(chat, "-", model="gemma3:4b")
    ask.complete(chat, tw.LlmRequest("-", model="five"))
    assert [body["model"] for body in sent(sim)] == ["one", "two", "three", "gemma3:4b", "five"]
    assert chat.model == "one"


def test_supported_parameters_are_the_providers(sim: SimServer) -> None:
    openai = chat_on(sim, "openai:m", api_key="k").get_supported_parameters()
    vllm = chat_on(sim, "vllm:m").get_supported_parameters()
    completions = tw.CompletionClient("vllm:m", base_url=sim.base_url).get_supported_parameters()
    assert isinstance(openai, frozenset)
    assert vllm - openai == {"top_k"}
    assert openai - vllm == frozenset()
    assert ALL_OF_CHAT.keys() <= vllm
    assert {"echo", "suffix", "best_of"} <= completions - vllm
    assert {"tools", "reasoning_effort"} <= vllm - completions


def test_none_is_an_argument_that_was_not_given(sim: SimServer, ask: Asking) -> None:
    names = {*ALL_OF_CHAT, "model", "max_retries", "extra_body", "extra_headers", "stream_usage"}
    nothing: dict[str, Any] = dict.fromkeys(names)
    ask.complete(chat_on(sim), "-", **nothing)
    _, response = ask.read(chat_on(sim), "-", **nothing)
    whole, stream = sent(sim)
    assert own(whole) == {}
    assert own(stream) == {"stream": True, "stream_options": {"include_usage": True}}
    assert response.usage is not None


class Dumped:
    """An object that is sent as what its method returns."""

    def __init__(self, dump: Any) -> None:
        self.dump = dump

    def model_dump(self, **_: object) -> object:
        return self.dump()


def fails() -> object:
    raise ValueError("no such thing")


def test_a_value_that_cannot_be_turned_into_json_is_refused_with_its_path(
    sim: SimServer, ask: Asking
) -> None:
    changing: dict[str, Any] = {"role": "user", "content": "hi", "name": "a"}
    changing["content"] = Dumped(lambda: changing.update(more=1))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"seed": 10**5000}, "seed: it cannot be sent as JSON: ValueError: Exceeds the limit"),
        (
            {"metadata": {"a": Dumped(fails)}},
            r"metadata\.a: it cannot be .*: no such thing",
        ),
        ({"metadata": {"a": tw.LlmRequest}}, r"metadata\.a: a value of type ModelMetaclass cannot"),
        ({"extra_body": [changing]}, r"extra_body\[0\]: the dict changed while it was read"),
    ]
    for params, problem in cases:
        with pytest.raises(tw.LlmValidationError, match=f"^{problem}"):
            ask.complete(chat_on(sim), "-", **params)
    assert sent(sim) == []


def test_logit_bias_takes_token_ids_as_numbers(sim: SimServer, ask: Asking) -> None:
    ask.complete(chat_on(sim), "-", logit_bias={50256: -100})
    assert sent(sim)[0]["logit_bias"] == {"50256": -100}


@pytest.mark.parametrize("provider", ["openai", "azure", "mistral", "groq", "vllm"])
@pytest.mark.parametrize(
    "given",
    [{"max_completion_tokens": 9}, {"random_seed": 3}, {"logprobs": True, "top_logprobs": 2}],
)
def test_a_parameter_is_sent_by_the_name_that_it_was_written_with(
    sim: SimServer, ask: Asking, provider: str, given: dict[str, Any]
) -> None:
    model = f"{provider}:m"
    ask.complete(chat_on(sim, model, api_key="k"), "-", **given)
    ask.complete(chat_on(sim, model, api_key="k"), tw.LlmRequest("-", **given))
    ask.complete(chat_on(sim, model, api_key="k", **given), "-")
    table = {"models": {"one": {"model": model, "base_url": sim.base_url, "params": given}}}
    ask.complete(tw.LlmClientFactory(table).get_client("one", api_key="k"), "-")
    assert [own(body) for body in sent(sim)] == [given] * 4


@pytest.mark.parametrize(
    ("one", "other"), [("max_tokens", "max_completion_tokens"), ("seed", "random_seed")]
)
def test_the_nearer_of_two_names_wins_and_both_in_one_place_are_refused(
    sim: SimServer, ask: Asking, one: str, other: str
) -> None:
    for name, nearer in ((one, other), (other, one)):
        far: dict[str, Any] = {name: 1}
        near: dict[str, Any] = {nearer: 2}
        ask.complete(chat_on(sim, **far), "-", **near)
        ask.complete(chat_on(sim, **far).with_options(**near), "-")
        ask.complete(chat_on(sim), tw.LlmRequest("-", **far), **near)
        assert [own(body) for body in sent(sim)[-3:]] == [near] * 3
        for both in (
            lambda: ask.complete(chat_on(sim), "-", **far, **near),  # noqa: B023
            lambda: chat_on(sim, **far, **near),  # noqa: B023
            lambda: ask.complete(chat_on(sim), tw.LlmRequest("-", **far, **near)),  # noqa: B023
        ):
            with pytest.raises(tw.LlmConfigError, match="the same parameter"):
                both()
