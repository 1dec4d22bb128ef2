"""`CompletionClient` with the simulator: text completions as OpenAI and vLLM serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


def llama_on(sim: SimServer, **settings: Any) -> tw.CompletionClient:
    return tw.CompletionClient("vllm:base", base_url=sim.base_url, **settings)


def test_a_prompt_goes_to_completions_as_it_is(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"reply": {"text": " n - 1"}}})
    assert ask.run(llama_on(sim), "def fib(n):", max_tokens=64, stop=["\n\n"]) == " n - 1"
    assert sent(sim) == [
        {"model": "base", "prompt": "def fib(n):", "max_tokens": 64, "stop": ["\n\n"]}
    ]
    assert [request["path"] for request in sim.requests()] == ["/v1/completions"]


def test_each_of_its_own_parameters_is_sent(sim: SimServer, ask: Asking) -> None:
    ask.complete(llama_on(sim), "-", suffix="end", echo=False, best_of=2, logprobs=0, seed=7)
    assert sent(sim) == [
        {
            "model": "base",
            "prompt": "-",
            "suffix": "end",
            "echo": False,
            "best_of": 2,
            "logprobs": 0,
            "seed": 7,
        }
    ]


@pytest.mark.parametrize("prompt", [["one", "two"], [[1, 2], [3]], [1, 2, 3]])
def test_lists_and_token_ids_are_prompts(sim: SimServer, ask: Asking, prompt: list[Any]) -> None:
    reply = ask.complete(llama_on(sim), prompt, max_tokens=2)
    _, streamed = ask.read(llama_on(sim), prompt, max_tokens=2)
    count = 1 if isinstance(prompt[0], int) else len(prompt)
    assert [choice.index for choice in reply.choices] == list(range(count))
    assert streamed.choices == reply.choices
    assert [body["prompt"] for body in sent(sim)] == [prompt, prompt]


def test_choices_of_a_list_are_numbered_prompt_by_prompt(sim: SimServer, ask: Asking) -> None:
    reply = ask.complete(llama_on(sim), ["a", "b"], n=2, max_tokens=1)
    assert [choice.index for choice in reply.choices] == [0, 1, 2, 3]


def test_run_takes_one_prompt_only(sim: SimServer, ask: Asking) -> None:
    for prompt in (["a", "b"], [[1], [2]], tw.LlmRequest(["a", "b"])):
        with pytest.raises(tw.LlmConfigError, match=r"complete\(\)"):
            ask.run(llama_on(sim), prompt)
    assert sim.requests() == []
    assert ask.run(llama_on(sim), [1, 2, 3], max_tokens=2)


def test_logprobs_with_echo_tell_of_the_prompt_too(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"reply": {"tokens": [" 4", "!"]}}})
    params: dict[str, Any] = {"max_tokens": 2, "logprobs": 2, "echo": True}
    whole = ask.complete(llama_on(sim), "2+2 =", **params)
    _, streamed = ask.read(llama_on(sim), "2+2 =", **params)
    assert whole.text == streamed.text == "2+2 = 4!"
    assert whole.logprobs is not None
    assert streamed.logprobs == whole.logprobs
    tokens = [token.token for token in whole.logprobs]
    assert "".join(tokens) == "2+2 = 4!"
    # Nothing precedes the first token, so it has no probability.
    assert whole.logprobs[0].logprob is None
    assert all(token.logprob is not None for token in whole.logprobs[1:])
    offsets = [len("".join(tokens[:place])) for place in range(len(tokens))]
    assert [token.text_offset for token in whole.logprobs] == offsets
    assert [len(token.top) for token in whole.logprobs[1:]] == [2] * (len(tokens) - 1)
    assert {token.bytes for token in whole.logprobs} == {None}


@pytest.mark.parametrize(("given", "wire"), [(True, 1), (3, 3), (False, None)])
def test_logprobs_are_a_number_on_this_api(
    sim: SimServer, ask: Asking, given: bool | int, wire: int | None
) -> None:
    ask.complete(llama_on(sim), "-", logprobs=given)
    assert sent(sim)[0].get("logprobs") == wire


def test_a_stream_asks_for_usage_and_gets_it(sim: SimServer, ask: Asking) -> None:
    chunks, reply = ask.read(llama_on(sim), "-", max_tokens=3)
    assert sent(sim)[0]["stream_options"] == {"include_usage": True}
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3
    assert [chunk.usage for chunk in chunks if chunk.usage is not None] == [reply.usage]


@pytest.mark.parametrize("name", ["tools", "tool_choice", "reasoning_effort", "metadata"])
def test_a_parameter_of_chat_is_refused_by_name(sim: SimServer, ask: Asking, name: str) -> None:
    with pytest.raises(tw.LlmConfigError, match=rf"{name}.*ChatClient"):
        ask.complete(llama_on(sim), "-", **{name: []})


@pytest.mark.parametrize("name", ["suffix", "echo", "best_of"])
def test_chat_refuses_a_parameter_of_completions(sim: SimServer, ask: Asking, name: str) -> None:
    with pytest.raises(tw.LlmConfigError, match=rf"{name}.*CompletionClient"):
        ask.complete(tw.ChatClient("m", base_url=sim.base_url), "-", **{name: 1})


def test_messages_are_no_prompt_of_this_api(sim: SimServer, ask: Asking) -> None:
    with pytest.raises(tw.LlmError):
        ask.complete(llama_on(sim), [{"role": "user", "content": "x"}])
    assert sim.requests() == []


def test_a_completion_client_takes_no_system_prompt(sim: SimServer) -> None:
    with pytest.raises(tw.LlmConfigError, match="system"):
        llama_on(sim, system="x")
