"""The clients of the older interface: arguments, defaults and results."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.legacy.asking import (
    BOTH_WAYS,
    MAKE,
    ask,
    bare,
    chat,
    completion,
    headers,
    llm_chat,
    llm_completing,
    says,
    sent,
)

import tokenwire.legacy
from tokenwire.legacy.base_llm_client import LlmClientInterface
from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.completion_client import CompletionClient, clean_llm_response
from tokenwire.legacy.llm_client import LlmClient
from tokenwire.legacy.llm_completion import LlmCompletion
from tokenwire.legacy.llm_exceptions import LlmConfigError

CHAT_BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TEXT_BODY = {"model": "m", "prompt": "hi"}
USUAL = {"temperature": 0.7, "top_p": 1.0}
BODIES = {
    "ChatClient": {**CHAT_BODY, **USUAL, "max_tokens": 1024},
    "CompletionClient": {**TEXT_BODY, **USUAL, "max_tokens": 64},
    "LlmClient-chat": {**CHAT_BODY, **USUAL, "max_tokens": 64},
    "LlmClient-completion": {**TEXT_BODY, **USUAL, "max_tokens": 64},
    "LlmCompletion": {**TEXT_BODY, "temperature": 0.25, "top_p": 1.0, "max_tokens": 64},
}
EVERY_CLIENT = pytest.mark.parametrize("kind", list(MAKE))
EVERY_WAY = pytest.mark.parametrize(
    ("kind", "way"),
    [(kind, way) for kind in BOTH_WAYS for way in ("run", "run_async")]
    + [("LlmCompletion", "run")],
)


def parameters(function):
    return {
        name: "…" if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    }


SETTINGS = {"model_tokenizer_map": None, "debug": False, "verbose": False, "generation_args": "…"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ChatClient, {"model_name": "…", "api_key": None, "base_url": None, **SETTINGS}),
        (
            CompletionClient,
            {
                "base_url": "…",
                "model_name": "…",
                "prompt_format": "",
                "api_key": None,
                **SETTINGS,
            },
        ),
        (
            LlmClient,
            {
                "base_url": None,
                "model_name": "F00",
                "completion_mode": False,
                "prompt_format": "",
                "api_key": "EMPTY",
                **SETTINGS,
            },
        ),
        (
            LlmCompletion,
            {
                "base_url": None,
                "model_name": "deepily/ministral_8b_2410_ft_lora",
                "api_key": "EMPTY",
                **SETTINGS,
            },
        ),
    ],
)
def test_constructors_take_the_arguments_of_the_contract_in_its_order(kind, expected):
    found = parameters(kind)
    assert found == expected
    assert list(found) == list(expected)


@EVERY_WAY
def test_a_call_without_arguments_sends_the_defaults_and_one_user_message(sim, kind, way):
    ask(MAKE[kind](sim), "hi", way=way)
    assert sent(sim) == BODIES[kind]
    assert sim.count("request") == 1


@EVERY_WAY
def test_a_stream_sends_the_same_and_returns_the_whole_text(sim, kind, way, capsys):
    sim.set_script(says("one two three"))
    assert ask(MAKE[kind](sim), "hi", True, way=way) == "one two three"
    assert sent(sim) == {**BODIES[kind], "stream": True}
    assert capsys.readouterr().out.strip() == "..."


@EVERY_CLIENT
def test_a_calls_arguments_override_the_constructors_and_those_the_defaults(sim, kind):
    client = MAKE[kind](sim, temperature=0.1, max_tokens=5, stop=["a"])
    client.run("hi", temperature=0.9, top_p=0.5)
    expected = {"temperature": 0.9, "max_tokens": 5, "stop": ["a"], "top_p": 0.5}
    assert sent(sim) == {**BODIES[kind], **expected}


@EVERY_CLIENT
def test_other_keywords_are_accepted_and_never_sent(sim, kind):
    others = {"top_k": 5, "max_new_tokens": 9, "stop_sequence": ["</r>"], "do_sample": True}
    client = MAKE[kind](sim, **others)
    client.run("hi", repetition_penalty=1.1, **others)
    assert sent(sim) == BODIES[kind]
    assert client.generation_args == others


def test_a_chat_client_sends_the_constructor_arguments_that_the_api_knows(sim):
    sent_along = {"seed": 3, "frequency_penalty": 0.5, "presence_penalty": -0.5}
    client = chat(
        sim,
        **sent_along,
        logit_bias={50: -1},
        stop_sequences=["END"],
        timeout=30,
        extra_body={"min_p": 0.1},
        extra_headers={"x-team": "blue"},
    )
    client.run("hi", seed=4)
    assert sent(sim) == {
        **BODIES["ChatClient"],
        **sent_along,
        "logit_bias": {"50": -1},
        "stop": ["END"],
        "min_p": 0.1,
    }
    assert headers(sim)["x-team"] == "blue"


@pytest.mark.parametrize("kind", [kind for kind in MAKE if kind != "ChatClient"])
def test_the_other_clients_do_not_send_these(sim, kind):
    MAKE[kind](sim, seed=3, stop_sequences=["END"], extra_body={"min_p": 0.1}).run("hi")
    assert sent(sim) == BODIES[kind]


def test_stop_takes_precedence_over_stop_sequences(sim):
    chat(sim, stop="a", stop_sequences=["b"]).run("hi")
    assert sent(sim)["stop"] == "a"


@EVERY_CLIENT
def test_stream_false_does_not_switch_off_the_constructors_stream(sim, kind, capsys):
    MAKE[kind](sim, stream=True).run("hi", stream=False)
    assert sent(sim)["stream"] is True
    assert "." in capsys.readouterr().out


FENCED = " ```py\na ```b``` c\n``` "


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("ChatClient", FENCED),
        ("CompletionClient", "a ```b``` c"),
        ("LlmClient-chat", FENCED),
        ("LlmClient-completion", FENCED),
        ("LlmCompletion", "py\na b c"),
    ],
)
def test_each_client_returns_the_text_in_its_own_form(sim, kind, result, stream, capsys):
    sim.set_script(says(FENCED))
    assert MAKE[kind](sim).run("hi", stream) == result
    capsys.readouterr()


@EVERY_CLIENT
@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_completion_is_the_empty_string(sim, kind, stream, capsys):
    sim.set_script(says(""))
    assert MAKE[kind](sim).run("hi", stream) == ""
    assert capsys.readouterr().out.strip() == ""


@pytest.mark.parametrize(
    ("response", "cleaned"),
    [
        ("```py\na\n```", "a"),
        ("```py\na", "a"),
        ("a\n```", "a"),
        ("```\n```", ""),
        ("x ```py\na\n```", "x ```py\na"),
        ("  a\n", "a"),
        ("```\na\n```\nb\n```", "a\n```\nb"),
        ("```py_3\r\na\r\n```", "a"),
        ("```c++\na\n```", "```c++\na"),
        ("```a```", "```a```"),
        ("", ""),
    ],
)
def test_clean_llm_response_removes_a_fence_at_the_start_and_the_end(response, cleaned):
    assert clean_llm_response(response) == cleaned


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai:m", "m"),
        ("groq:a:b", "a:b"),
        ("Anthropic: claude-x", "claude-x"),
        ("gpt-4o", "gpt-4o"),
        ("o1-mini", "o1-mini"),
        ("o3", "o3"),
        ("claude-3", "claude-3"),
        ("gemini-1.5", "gemini-1.5"),
        ("mistralai:large", "large"),
        ("gemma3:4b", "gemma3:4b"),
        ("/mnt/models/x", "/mnt/models/x"),
        ("deepily/ministral", "deepily/ministral"),
    ],
)
def test_the_vendor_of_a_chat_model_is_not_in_the_request(sim, name, model):
    client = ChatClient(name, base_url=sim.base_url)
    client.run("hi")
    assert sent(sim)["model"] == model
    assert client.model_name == name


def test_a_vllm_address_is_a_chat_server(sim):
    ChatClient(f"vllm://127.0.0.1:{sim.port}@/mnt/a@b").run("hi")
    assert sent(sim)["model"] == "/mnt/a@b"


def test_a_name_without_vendor_and_address_is_an_error_that_shows_the_form():
    with pytest.raises(LlmConfigError, match="openai:llama"):
        ChatClient("llama")
    with pytest.raises(LlmConfigError, match="model_name: pass a string"):
        ChatClient("")
    with pytest.raises(LlmConfigError, match="add a model after 'openai'"):
        ChatClient("openai: ")


VENDORS = {
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
    "groq": ("GROQ_API_KEY", "GROQ_BASE_URL", ""),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", ""),
    "google-gla": ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "/v1"),
}


@pytest.mark.parametrize("vendor", list(VENDORS))
def test_key_and_address_come_from_the_vendors_variables(sim, monkeypatch, vendor):
    key, address, path = VENDORS[vendor]
    monkeypatch.setenv(key, "sk-1234567")
    monkeypatch.setenv(address, f"http://127.0.0.1:{sim.port}{path}")
    sim.set_script({"require_key": "sk-1234567"})
    ChatClient(f"{vendor}:m").run("hi")
    assert sim.requests()[-1]["path"] == {
        "groq": "/openai/v1/chat/completions",
    }.get(vendor, "/v1/chat/completions")


def test_a_clients_key_and_address_never_reach_another_client(sim, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    chat(sim, api_key="sk-of-the-first").run("hi")
    first = headers(sim)["authorization"]
    chat(sim).run("hi")
    assert headers(sim)["authorization"] != first


def test_a_vendor_without_a_key_is_an_error_that_names_the_variable():
    with pytest.raises(LlmConfigError, match="GROQ_API_KEY"):
        ChatClient("groq:llama")


def test_a_local_server_needs_no_key(sim):
    chat(sim).run("hi")
    assert "authorization" not in headers(sim)


@pytest.mark.parametrize("key", [None, "EMPTY"])
@pytest.mark.parametrize("make", [completion, llm_completing, bare])
def test_completion_clients_without_a_key_send_no_authorization(sim, make, key):
    make(sim, api_key=key).run("hi")
    assert "authorization" not in headers(sim)


@pytest.mark.parametrize("make", [completion, llm_completing, bare])
def test_completion_clients_send_a_key_as_bearer_token(sim, make):
    sim.set_script({"require_key": "sk-1234567"})
    make(sim, api_key="sk-1234567").run("hi")
    assert "authorization" in headers(sim)


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_private_address_comes_from_the_environment(sim, monkeypatch, ending):
    monkeypatch.setenv("TOKENWIRE_LEGACY_BASE_URL", f"http://127.0.0.1:{sim.port}{ending}")
    LlmClient().run("hi")
    LlmClient(completion_mode=True).run("hi")
    LlmCompletion().run("hi")
    paths = [(request["path"], request["body"]["model"]) for request in sim.requests()]
    assert paths == [
        ("/v1/chat/completions", "F00"),
        ("/v1/completions", "F00"),
        ("/v1/completions", "deepily/ministral_8b_2410_ft_lora"),
    ]


@pytest.mark.parametrize("kind", [LlmClient, LlmCompletion])
def test_without_the_private_address_the_error_asks_for_it(kind):
    with pytest.raises(LlmConfigError, match="TOKENWIRE_LEGACY_BASE_URL"):
        kind()


def test_run_works_inside_a_running_event_loop(sim):
    sim.set_script(says("fine"))

    async def in_a_loop():
        return [MAKE[kind](sim).run("hi") for kind in MAKE]

    assert asyncio.run(in_a_loop()) == ["fine"] * len(MAKE)


@pytest.mark.parametrize("kind", list(MAKE))
def test_run_works_from_many_threads_on_one_object(sim, kind):
    sim.set_script(says("fine"))
    client = MAKE[kind](sim)
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(client.run, ["hi"] * 64))
    assert texts == ["fine"] * 64
    assert sim.count("request") == 64


def test_async_calls_of_one_object_run_in_several_loops(sim):
    sim.set_script(says("fine"))
    client = chat(sim)

    async def several():
        return await asyncio.gather(*(client.run_async("hi") for _ in range(8)))

    assert [asyncio.run(several()) for _ in range(3)] == [["fine"] * 8] * 3


def test_run_stream_yields_deltas_whatever_delta_is(sim):
    sim.set_script(says("one two three"))

    async def pieces(delta):
        async with bare(sim).run_stream("hi", max_tokens=9, top_k=3) as stream:
            return [text async for text in stream.stream_text(delta=delta)]

    assert asyncio.run(pieces(delta=True)) == ["one", " two", " three"]
    assert asyncio.run(pieces(delta=False)) == ["one", " two", " three"]
    assert sent(sim) == {**BODIES["LlmCompletion"], "max_tokens": 9, "stream": True}


def test_a_stream_can_be_closed_before_its_end(sim):
    sim.set_script(says("one two three"))

    async def first():
        async with bare(sim).run_stream("hi") as stream:
            pieces = stream.stream_text()
            text = await anext(pieces)
            await pieces.aclose()
            return text

    assert asyncio.run(first()) == "one"


def test_an_empty_prompt_format_and_the_attributes_that_callers_read(private):
    client = CompletionClient("http://h/v1/completions", "m", "special_token", stop=["x"])
    read = ("base_url", "model_name", "prompt_format", "debug", "verbose", "generation_args")
    assert [getattr(client, name) for name in read] == [
        "http://h/v1/completions",
        "m",
        "special_token",
        False,
        False,
        {"stop": ["x"]},
    ]
    assert client.model.model_name == "m"
    assert ChatClient("openai:m", base_url=private.base_url).model.model == "m"
    assert LlmClient(prompt_format="x", debug=True).model is not None
    assert LlmClient(prompt_format="x", debug=True).prompt_format == "x"
    assert client.token_counter.model_tokenizer_map == {}


def test_chat_and_completion_clients_have_the_interface_and_show_no_key():
    assert issubclass(ChatClient, LlmClientInterface)
    assert issubclass(CompletionClient, LlmClientInterface)
    client = ChatClient("openai:m", "sk-1234567")
    assert "sk-1234567" not in repr(client)


def test_the_interface_is_abstract_in_run_and_run_async():
    assert LlmClientInterface.__abstractmethods__ == {"run", "run_async"}


def test_the_environment_is_never_written(sim, monkeypatch):
    import os

    before = dict(os.environ)
    chat(sim, api_key="sk-1234567").run("hi")
    llm_chat(sim).run("hi")
    assert dict(os.environ) == before


@pytest.mark.parametrize("word", ["off", "OFF", "0", "false"])
@EVERY_CLIENT
def test_a_variable_switches_the_defaults_off(sim, monkeypatch, kind, word):
    monkeypatch.setenv("TOKENWIRE_LEGACY_DEFAULTS", word)
    MAKE[kind](sim, max_tokens=3).run("hi")
    asked = CHAT_BODY if "messages" in BODIES[kind] else TEXT_BODY
    assert sent(sim) == {**asked, "max_tokens": 3}


def test_use_defaults_takes_precedence_over_the_variable(sim, monkeypatch):
    monkeypatch.setenv("TOKENWIRE_LEGACY_DEFAULTS", "on")
    client = chat(sim)
    tokenwire.legacy.use_defaults(False)
    client.run("hi")
    assert sent(sim) == CHAT_BODY
    tokenwire.legacy.use_defaults(None)
    client.run("hi")
    assert sent(sim) == BODIES["ChatClient"]


def test_a_variable_that_is_neither_on_nor_off_is_an_error(sim, monkeypatch):
    monkeypatch.setenv("TOKENWIRE_LEGACY_DEFAULTS", "perhaps")
    with pytest.raises(LlmConfigError, match="perhaps"):
        chat(sim).run("hi")


def test_llm_client_has_the_constants_and_get_model():
    constants = {name: value for name, value in vars(LlmClient).items() if name.isupper()}
    assert constants == {
        "DEEPILY_PREFIX": "deepily",
        "PHI_4_14B": "kaitchup/phi_4_14b",
        "DEEPILY_MINISTRAL_8B_2410_FT_LORA": "deepily/ministral_8b_2410_ft_lora",
        "MINISTRAL_8B_2410": "mistralai/Ministral-8B-Instruct-2410",
        "GROQ_LLAMA_3_1_8B": "groq:llama-3.1-8b-instant",
        "GROQ_LLAMA_3_3_70B": "groq:llama-3.3-70b-versatile",
        "OPENAI_GPT_01_MINI": "openai:o1-mini-2024-09-12",
        "GOOGLE_GEMINI_1_5_FLASH": "google-gla:gemini-1.5-flash",
        "ANTHROPIC_CLAUDE_SONNET_3_5": "anthropic:claude-3-5-sonnet-latest",
    }
    assert LlmClient.get_model("/mnt/a") == "deepily//mnt/a"
    assert LlmClient.get_model("/mnt/a", prefix="x") == "x//mnt/a"
    with pytest.raises(ValueError, match="mnt"):
        LlmClient.get_model("mnt/a")


@pytest.mark.parametrize("kind", BOTH_WAYS)
@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_prompt_is_sent(sim, kind, stream, capsys):
    for way in ("run", "run_async"):
        ask(MAKE[kind](sim), "", stream, way=way)
        body = sent(sim)
        asked = body["prompt"] if "prompt" in body else body["messages"]
        assert asked in ([""], [{"role": "user", "content": ""}])


@pytest.mark.parametrize("read", [30.0, None])
def test_a_timeout_object_of_an_http_library_means_its_read_timeout(sim, read):
    class Timeout:
        connect, write, pool = 5.0, 5.0, 5.0

        def __init__(self):
            self.read = read

    chat = MAKE["ChatClient"](sim, timeout=Timeout())
    assert chat._constructor_arguments()["timeout"] == read
    chat.run("hi")


def test_a_private_server_gets_max_tokens_whatever_the_name_of_its_model(sim):
    LlmClient(sim.base_url, "gpt-5-copy").run("hi")
    assert sent(sim)["max_tokens"] == 64


def test_a_reasoning_model_with_a_key_gets_max_completion_tokens(sim):
    chat(sim, api_key="sk-1234567").run("hi")
    assert "max_tokens" in sent(sim)
    ChatClient("openai:o3", "sk-1234567", sim.base_url).run("hi")
    assert "max_tokens" not in sent(sim)
    assert sent(sim)["max_completion_tokens"] == 1024


def test_a_stream_context_must_be_entered(sim):
    async def read():
        return [text async for text in bare(sim).run_stream("hi").stream_text()]

    with pytest.raises(RuntimeError, match="enter the context first"):
        asyncio.run(read())
    assert bare(sim).model == "m"
