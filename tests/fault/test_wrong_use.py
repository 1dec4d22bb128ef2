"""Wrong use is refused with one line that names the setting and the fix."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.fault.scenes import always, chat, completion

from tokenwire import (
    ChatClient,
    ImagePart,
    LlmAPIError,
    LlmConfigError,
    LlmConnectError,
    LlmError,
    LlmRequest,
    LlmUnexpectedContentError,
    LlmValidationError,
    RetryPolicy,
    Timeout,
)


class Answer(BaseModel):
    """A caller's model."""

    text: str


def refusal(call) -> LlmError:
    """The error of a call, which must be one short line."""
    with pytest.raises(LlmError) as caught:
        call()
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return caught.value


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "an empty key": ({"api_key": ""}, "api_key is empty"),
    "a key with a line end": ({"api_key": "sk-1\n"}, "api_key has a line break at position 4"),
    "a key with a NUL": ({"api_key": "sk-\0"}, "api_key has a control character at position 3"),
    "a key outside ASCII": ({"api_key": "sk-é"}, "api_key has a character outside ASCII"),
    "a key with a space": ({"api_key": " sk"}, "api_key has a space at position 0"),
    "a key as bytes": ({"api_key": b"sk"}, "api_key: give a str or a callable"),
    "a long key": ({"api_key": "k" * 70_000}, "api_key is over 64 KiB"),
    "no scheme": ({"base_url": "127.0.0.1/v1"}, "base_url has no scheme"),
    "no address": ({"base_url": ""}, "base_url has no scheme"),
    "a host taken for a scheme": ({"base_url": "localhost:80"}, "base_url has no host"),
    "an odd scheme": ({"base_url": "ftp://h"}, "base_url begins with ftp://"),
    "a user": ({"base_url": "http://u:p@h"}, "base_url holds a user name or password"),
    "port 0": ({"base_url": "http://h:0"}, "base_url has port 0"),
    "a large port": ({"base_url": "http://h:99999"}, "invalid port number"),
    "a fragment": ({"base_url": "http://h/#x"}, "base_url has a fragment"),
    "a space": ({"base_url": "http://h h"}, "base_url has a space"),
    "a backslash": ({"base_url": "http:\\\\h"}, "backslash at position 5"),
    "a whole path": ({"base_url": "http://h/v1/chat/completions"}, "leave it out"),
    "an address as bytes": ({"base_url": b"http://h"}, "base_url: give a str, not bytes"),
    "an address as a number": ({"base_url": 8000}, "base_url: give a str, not int"),
    "a misspelt setting": ({"tempreture": 1}, "did you mean temperature?"),
    "a NaN timeout": ({"timeout": float("nan")}, "timeout: nan is not above 0"),
    "a negative timeout": ({"timeout": -1}, "timeout: -1 is not above 0"),
    "a zero timeout": ({"timeout": 0}, "timeout: 0 is not above 0"),
    "an infinite timeout": ({"timeout": float("inf")}, "None for no limit"),
    "an endless timeout": ({"timeout": 1e308}, "None for no limit"),
    "a true timeout": ({"timeout": True}, "timeout: True is not a number"),
    "a timeout as text": ({"timeout": "5"}, "timeout: '5' is not a number"),
    "negative retries": ({"max_retries": -1}, "max_retries: -1 is not a whole number"),
    "half a retry": ({"max_retries": 2.5}, "max_retries: 2.5 is not a whole number"),
    "a true retry": ({"max_retries": True}, "max_retries: True is not a whole number"),
    "a billion retries": ({"max_retries": 10**9}, "max_retries: 1000000000 is over 1000"),
    "retries twice": ({"max_retries": 1, "retry": RetryPolicy()}, "RetryPolicy(max_retries=…)"),
    "a number as policy": ({"retry": 5, "max_retries": None}, "retry: give a RetryPolicy(…)"),
    "a number as limits": ({"limits": 5}, "limits: give a Limits(…)"),
    "a word as a switch": ({"trust_env": "no"}, "trust_env: give True or False"),
    "a number as proxy": ({"proxy": 5}, "proxy: give a str, not int"),
    "a number as provider": ({"provider": 5}, "provider: give a str or an LlmProvider, not int"),
    "an unknown provider": ({"provider": "opnai"}, "openai"),
    "a number as API": ({"api": 5}, "api: give a str, not int"),
    "another API": ({"api": "assistants"}, "api: 'assistants' is not spoken by this class"),
    "a header name with a space": ({"headers": {"a b": "c"}}, "headers= has an invalid character"),
    "a header name with a colon": ({"headers": {"a:b": "c"}}, "headers= has an invalid character"),
    "a header with CRLF": ({"headers": {"x": "a\r\nb"}}, "the header x has a control character"),
    "a header with NUL": ({"headers": {"x": "a\0"}}, "the header x has a control character"),
    "a large header": ({"headers": {"x": "a" * 70_000}}, "the header x is over 64 KiB"),
    "a header as a number": ({"headers": {"x": 5}}, "headers: give a dict of str to str"),
    "headers as a number": ({"headers": 5}, "headers: give a dict of str to str"),
    "a custom host header": ({"headers": {"Host": "x"}}, "set by the HTTP layer"),
    "a custom length header": ({"headers": {"content-length": "1"}}, "set by the HTTP layer"),
    "a custom encoding header": ({"headers": {"Transfer-Encoding": "x"}}, "the HTTP layer"),
    "a custom connection header": ({"headers": {"connection": "close"}}, "the HTTP layer"),
    "text as temperature": ({"temperature": "hot"}, "temperature: it must be a number"),
    "a number as bundle": ({"ca_bundle": 5}, "ca_bundle: give the path of a PEM file"),
    "an empty bundle": ({"ca_bundle": ""}, "ca_bundle: the path is empty"),
    "an empty certificate": ({"client_cert": ""}, "client_cert: the path is empty"),
    "an empty key file": ({"client_cert": ("a", "")}, "client_cert: the path is empty"),
    "a key alone": ({"client_cert": (None, "a")}, "client_cert: give the path of a PEM file"),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("make", [chat, completion])
def test_b01_to_b10_a_wrong_setting_is_refused_at_construction(sim, make, name):
    given, message = SETTINGS[name]
    kind = type(make(sim))

    def construct():
        return kind("m", **{"base_url": sim.base_url, **given})

    assert message in str(refusal(construct))
    if "base_url" not in given and "provider" not in given:
        derived = make(sim)
        assert message in str(refusal(lambda: derived.with_options(**given)))


def test_no_limit_is_none(sim):
    assert chat(sim, timeout=None).run("hi")
    assert chat(sim, timeout=Timeout(first_token=None, idle=None)).run("hi", stream=True)


CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt parameter": ({"tempreture": 1}, "did you mean temperature?"),
    "a key": ({"api_key": "k"}, "give api_key= to ChatClient(…)"),
    "an address": ({"base_url": "http://h"}, "give base_url= to ChatClient(…)"),
    "a NaN timeout": ({"timeout": float("nan")}, "timeout: nan is not above 0"),
    "negative retries": ({"max_retries": -1}, "max_retries: -1"),
    "a NaN": ({"temperature": float("nan")}, "temperature: NaN is not a JSON number"),
    "an infinity": ({"top_p": float("inf")}, "top_p: "),
    "a list as a number": ({"top_p": [1]}, "top_p: it must be a number, not [1]"),
    "text as a number": ({"max_tokens": "2"}, "max_tokens: it must be a whole number"),
    "a number as text": ({"stop": 5}, "stop: it must be a string or a list of strings"),
    "a decimal": ({"temperature": decimal.Decimal("0.5")}, "type Decimal cannot be sent"),
    "a date": ({"metadata": {"a": dt.date(2026, 1, 1)}}, "metadata.a: "),
    "a set": ({"stop": {"a"}}, "type set cannot be sent"),
    "a number as a key": ({"metadata": {1: 2}}, "metadata: key 1 is not a string"),
    "a number as model": ({"model": 5}, "model: give a str"),
    "another provider": ({"model": "groq:m"}, "belongs to another provider"),
    "a number as tools": ({"tools": 5}, "tools: give a list"),
    "a number as headers": ({"headers": 5}, "headers: give a dict"),
    "a header with CRLF": ({"headers": {"x": "\r\n"}}, "the header x has a control character"),
    "a number as query": ({"extra_query": {"a": 1}}, "extra_query: give a dict of str to str"),
    "a number as body": ({"extra_body": 5}, "extra_body: it must be an object"),
    "asking again": ({"reask": 1}, "params.reask: only parse(…) asks again"),
    "a class of another library": ({"response_model": Answer}, "call parse(Model, prompt)"),
    "a path": ({"image": Path("cat.png")}, 'LlmMessage("user", ["…", ImagePart(path="…")])'),
    "an object": ({"nothing_like_it": object()}, "chat has no such parameter"),
}


@pytest.mark.parametrize("name", CALLS)
def test_b12_a_wrong_argument_of_a_call_is_refused_before_anything_is_sent(sim, name):
    given, message = CALLS[name]
    client = chat(sim)
    for call in (client.run, client.stream, client.stream_async, client.complete):
        assert message in str(refusal(lambda call=call: call("hi", **given)))
    row = next(client.map(["hi"], concurrency=1, **given))
    assert message in str(row.error)
    assert sim.count("request") == 0


def test_typed_output_is_streamed_by_stream(sim):
    error = refusal(lambda: chat(sim).parse(Answer, "hi", stream=True))
    assert "call stream(…), whose response has the reply and its parsed value" in str(error)


def test_a_reply_in_place_of_its_message_is_named(sim):
    reply = chat(sim).complete("hi")
    error = refusal(lambda: chat(sim).run([{"role": "user", "content": "x"}, reply]))
    assert str(error) == "messages[1]: it is a reply; pass its message: reply.message"


def test_what_a_value_of_an_unknown_name_raises_is_not_swallowed(sim):
    class Stops:
        def model_dump(self, **_: object) -> dict[str, Any]:
            raise KeyboardInterrupt

    given: dict[str, Any] = {"nothing_like_it": Stops()}
    with pytest.raises(KeyboardInterrupt):
        chat(sim).run("hi", **given)


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def cycle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


PROMPTS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "give a str, a list of messages or an LlmRequest, not NoneType"),
    "a number": (5, "not int"),
    "bytes": (b"hi", "not bytes"),
    "empty text": ("", "prompt: it is empty"),
    "no messages": ([], "messages: the list is empty"),
    "a lone surrogate": ("\ud800", "prompt: the text holds a lone surrogate at character 0"),
    "a lone surrogate within": (
        [{"role": "user", "content": [{"type": "text", "text": "ab\udc00"}]}],
        "messages[0].content[0].text: the text holds a lone surrogate at character 2",
    ),
    "a NaN within": ([{"role": "user", "content": "x", "a": float("nan")}], "messages[0].a: NaN"),
    "a number as a key": ([{1: 2}], "messages[0]: key 1 is not a string"),
    "an object": ([{"role": "user", "content": object()}], "messages[0].content: a value of type"),
    "bytes within": ([{"role": "user", "content": b"x"}], "messages[0].content: a value of type"),
    "itself": (cycle(), "or contains itself"),
    "ten thousand levels": (nested(10_000), "nested deeper than"),
    "token ids": ([1, 2], "token ids go to CompletionClient"),
    "lists of token ids": ([[1], [2]], "token ids go to CompletionClient"),
    "several prompts": (["a", "b"], "use CompletionClient for several prompts"),
    "conversations": ([[{"role": "user", "content": "x"}]], "messages[0]: it is a list; a message"),
    "a pair": ([("user", "x")], "messages[0]: it is a list; a message is"),
    "parts": (["What?", ImagePart(url="https://h/a")], "messages[1]: it is a part of a message"),
    "a part": (ImagePart(url="https://h/a"), "messages[0]: it is a part of a message; write [LlmM"),
    "a part as a dict": ([{"type": "text", "text": "x"}], "messages[0]: it is a part of a message"),
    "an object without a role": ([{"content": "x"}], "messages[0].role: it is missing"),
    "a class": (Answer, "parse(Answer, prompt)"),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_b11_to_b13_a_prompt_that_cannot_be_sent_names_its_place(sim, name):
    prompt, message = PROMPTS[name]
    client = chat(sim)
    for call in (client.run, client.stream, client.stream_async, client.complete):
        error = refusal(lambda call=call: call(prompt))
        assert message in str(error)
        assert len(str(error)) < 200
    assert sim.count("request") == 0


def test_b12_a_large_integer_is_sent_exactly(sim):
    chat(sim).complete("hi", seed=2**70, extra_body={"big": -(2**200)})
    body = sim.requests()[0]["body"]
    assert (body["seed"], body["big"]) == (2**70, -(2**200))


def test_b13_a_large_prompt_is_sent_whole_and_others_run_meanwhile(sim):
    prompt = "ä" * 5_000_000
    client = chat(sim)
    client.complete(prompt)
    assert sim.requests()[0]["body_bytes"] > 10_000_000
    messages = [{"role": "user", "content": "x"}] * 100_000
    client.complete(messages)
    assert len(sim.requests()[-1]["body"]["messages"]) == 100_000


def test_a_misspelt_argument_of_a_request_names_the_nearest():
    wrong: Any = {"tempreture": 1}
    assert "did you mean 'temperature'?" in str(refusal(lambda: LlmRequest("x", **wrong)))


MODELS = {
    "openai/gpt-oss-20b": 'write "openai:gpt-oss-20b" (a colon)',
    "gpt-4o": 'write "provider:model", such as "openai:gpt-4o", or give base_url=',
    "claude-opus-4-7": 'such as "anthropic:claude-opus-4-7", or give base_url=',
    "gemini-3-pro": 'such as "google:gemini-3-pro", or give base_url=',
    "opnai:gpt-4o": "openai",
    "openai:": 'there is no model after "openai:"',
    "": "model: give a string",
    "vllm://host": "is not of the form vllm://host:port@model",
}


@pytest.mark.parametrize("model", MODELS)
def test_a_model_string_that_cannot_be_meant_names_the_form(model):
    error = refusal(lambda: ChatClient(model))
    assert isinstance(error, LlmConfigError)
    assert MODELS[model] in str(error)


def test_a_missing_key_names_its_variable_at_the_first_call():
    error = refusal(lambda: ChatClient("openai:gpt-4o").run("hi"))
    assert type(error) is LlmConfigError
    assert str(error) == "no API key for openai: set OPENAI_API_KEY or give api_key="


def test_a_server_that_is_not_running_is_named(unused_port):
    url = f"http://127.0.0.1:{unused_port}/v1"
    error = refusal(lambda: ChatClient("m", base_url=url, max_retries=0).run("hi"))
    assert type(error) is LlmConnectError
    assert str(error) == (
        f"nothing listens at 127.0.0.1:{unused_port} (connection refused): "
        f"is the server running? base_url={url}"
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_page_instead_of_a_reply_points_to_the_address(sim, stream):
    sim.set_script(always(fault={"kind": "html"}))
    error = refusal(lambda: chat(sim).run("hi", stream=stream))
    assert type(error) is LlmUnexpectedContentError
    assert "base_url" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("stream", [False, True])
def test_f30_a_redirect_to_another_origin_is_not_followed(sim, stranger, status, stream):
    location = f"{stranger.base_url}/chat/completions?token=abc"
    sim.set_script(always(fault={"kind": "redirect", "status": status, "location": location}))
    error = refusal(lambda: chat(sim, api_key="sk-canary", max_retries=2).run("hi", stream=stream))
    assert isinstance(error, LlmAPIError)
    assert (error.status_code, len(error.attempts)) == (status, 1)
    assert "127.0.0.1" in str(error)
    assert "abc" not in str(error)
    assert (stranger.stats()["accepts"], stranger.stats()["requests"]) == (0, 0)


@pytest.mark.parametrize("location", ["https://127.0.0.1:PORT/v1", "http://localhost:PORT/v1"])
def test_f30_another_scheme_or_name_is_another_origin(sim, location):
    location = location.replace("PORT", str(sim.port))
    sim.set_script(always(fault={"kind": "redirect", "location": location}))
    assert "another origin" in str(refusal(lambda: chat(sim).run("hi")))
    assert sim.count("request") == 1


@pytest.mark.parametrize("status", [307, 308])
def test_f30_a_redirect_within_the_origin_is_followed(sim, status):
    fault = {"kind": "redirect", "status": status, "location": "/other/chat/completions"}
    sim.set_script(
        {"rules": [{"match": {"path": "/v1/chat/completions"}, "then": {"fault": fault}}]}
    )
    assert chat(sim).run("hi")
    assert [request["path"] for request in sim.requests()] == [
        "/v1/chat/completions",
        "/other/chat/completions",
    ]
    first, second = (request["body"] for request in sim.requests())
    assert first == second


def test_f30_redirects_in_a_circle_end(sim):
    sim.set_script(always(fault={"kind": "redirect", "location": "/v1/chat/completions"}))
    assert "redirects more than 3 times in a row" in str(refusal(lambda: chat(sim).run("hi")))
    assert sim.count("request") == 4


def test_b06_a_model_with_odd_characters_stays_in_the_body(sim):
    client = ChatClient("../x?k=1#f%2f", base_url=sim.base_url)
    client.run("hi")
    assert sim.requests()[0]["path"] == "/v1/chat/completions"
    assert sim.requests()[0]["body"]["model"] == "../x?k=1#f%2f"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("HTTP://LOCALHOST:PORT//v1//", "http://localhost:PORT/v1"),
        ("http://2130706433:PORT/v1/", "http://127.0.0.1:PORT/v1"),
        ("http://bücher.example:PORT", "http://xn--bcher-kva.example:PORT"),
    ],
)
def test_b04_an_address_is_shown_in_one_form(sim, given, shown):
    port = str(sim.port)
    client = ChatClient("m", base_url=given.replace("PORT", port))
    assert client.base_url == shown.replace("PORT", port)


def test_b08_an_image_address_is_not_fetched_by_us(sim, stranger):
    image = {"type": "image_url", "image_url": {"url": f"{stranger.base_url}/x.png"}}
    chat(sim).complete([{"role": "user", "content": [image]}])
    assert stranger.stats()["accepts"] == 0


def test_errors_of_data_and_of_settings_are_told_apart(sim):
    wrong: Any = {"nope": 1}
    assert isinstance(refusal(lambda: chat(sim).run("\ud800")), LlmValidationError)
    assert isinstance(refusal(lambda: chat(sim).run("x", **wrong)), LlmConfigError)
