"""Messages and parts: what they accept, what the engine reads, what a dump preserves."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenwire.errors import LlmDecodeError, LlmError, LlmValidationError
from tokenwire.types import (
    AudioPart,
    FilePart,
    ImagePart,
    LlmMessage,
    OpaquePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResult,
    message_from_parts,
    tool_message,
)

PNG = b"\x89PNG\r\n\x1a\n-"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe = st.none() | texts
contents = st.binary(min_size=1, max_size=9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
media_parts = st.one_of(
    st.builds(TextPart, texts),
    st.builds(ImagePart, texts.map("https://{}".format), detail=maybe),
    st.builds(ImagePart, data=contents, media_type=texts),
    st.builds(ImagePart, data=contents.map(PNG.__add__)),
    st.builds(AudioPart, contents, texts.map("x{}".format)),
    st.builds(FilePart, file_id=texts, filename=maybe),
    st.builds(FilePart, data=contents, media_type=texts),
)
parts = st.one_of(
    media_parts,
    st.builds(ReasoningPart, texts, maybe, maybe, maybe),
    st.builds(ToolCallPart, maybe, texts, texts),
    st.builds(
        ToolResult,
        maybe,
        texts | st.lists(media_parts, max_size=2),
        error=st.booleans(),
        name=maybe,
    ),
    st.builds(RefusalPart, texts),
    st.builds(OpaquePart, texts, texts, json_values),
)
extras = st.dictionaries(st.sampled_from(["cache_control", "x"]), json_values, max_size=2)
messages = st.builds(
    lambda role, content, name, extra: LlmMessage(role, content, name, **extra),
    st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    texts | st.lists(parts, max_size=4),
    maybe,
    extras,
)


@given(messages)
def test_dump_and_load_loses_nothing(message):
    assert LlmMessage.model_validate(message.model_dump()) == message


@given(messages)
def test_json_and_load_loses_nothing(message):
    assert LlmMessage.model_validate_json(message.model_dump_json()) == message


@given(messages)
def test_neutral_form_is_plain_json_without_none_in_known_fields(message):
    wire = message.__tokenwire_json__()
    assert json.loads(json.dumps(wire)) == wire
    for part in wire.get("parts", []):
        assert None not in [part[name] for name in part if name not in ("json", "cache_control")]


@given(st.lists(media_parts | st.builds(OpaquePart, texts, texts, json_values), max_size=4))
def test_reply_parts_come_back_as_they_were_sent(content):
    wire = [part.__tokenwire_json__() for part in content]
    assert message_from_parts(wire, "x") == LlmMessage("assistant", content)


@dataclasses.dataclass
class Call:
    id: str | None
    name: str
    arguments: str


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        pytest.param(TextPart("hi"), {"type": "text", "text": "hi"}, id="text"),
        pytest.param(
            TextPart("hi", cache_control={"type": "ephemeral"}),
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            id="unknown-key-kept",
        ),
        pytest.param(
            ImagePart.from_url("https://x/a.png", detail="low"),
            {"type": "image", "url": "https://x/a.png", "detail": "low"},
            id="image-url",
        ),
        pytest.param(
            ImagePart.from_bytes(PNG),
            {"type": "image", "data": "iVBORw0KGgot", "media_type": "image/png"},
            id="image-bytes",
        ),
        pytest.param(
            AudioPart(b"abc", "wav"),
            {"type": "audio", "data": "YWJj", "format": "wav"},
            id="audio",
        ),
        pytest.param(
            FilePart.from_bytes(b"abc", filename="a.pdf"),
            {
                "type": "file",
                "data": "YWJj",
                "filename": "a.pdf",
                "media_type": "application/pdf",
            },
            id="file",
        ),
        pytest.param(
            ReasoningPart("t", signature="s", provider="p", field="f"),
            {"type": "reasoning", "text": "t", "signature": "s", "provider": "p", "field": "f"},
            id="reasoning",
        ),
        pytest.param(
            ToolCallPart(None, "f", "{}"),
            {"type": "tool_call", "name": "f", "arguments": "{}"},
            id="call-without-id",
        ),
        pytest.param(
            ToolResult("1", [TextPart("x")], name="f"),
            {
                "type": "tool_result",
                "content": [{"type": "text", "text": "x"}],
                "error": False,
                "name": "f",
                "tool_call_id": "1",
            },
            id="result-of-parts",
        ),
        pytest.param(RefusalPart("no"), {"type": "refusal", "text": "no"}, id="refusal"),
        pytest.param(
            OpaquePart("p", "f", None),
            {"type": "opaque", "provider": "p", "field": "f", "json": None},
            id="opaque-null",
        ),
    ],
)
def test_neutral_form_of_a_part(part, wire):
    assert part.__tokenwire_json__() == wire


def test_neutral_form_of_a_string_message_is_openai_chat():
    message = LlmMessage("tool", "42", tool_call_id="1")
    assert message.__tokenwire_json__() == {"role": "tool", "content": "42", "tool_call_id": "1"}


def test_a_list_of_parts_may_contain_strings_and_calls():
    message = LlmMessage("assistant", ["hm", Call("1", "f", '{"a":1}')])
    assert message.content == [TextPart("hm"), ToolCallPart("1", "f", '{"a":1}')]


def test_an_argument_of_none_counts_as_not_given():
    part = ImagePart("https://x", detail=None)
    assert part.model_dump(exclude_unset=True) == {"type": "image", "url": "https://x"}
    # Only known arguments: the value of an unknown key may be null.
    message = LlmMessage("user", "hi", name=None, x=None)
    assert message.model_dump(exclude_unset=True) == {"role": "user", "content": "hi", "x": None}


def test_parts_is_another_name_for_content():
    dump = {"role": "user", "parts": [{"type": "text"}]}
    with pytest.raises(LlmValidationError, match=r"^LlmMessage: parts\[0\].text: Field required$"):
        LlmMessage.model_validate(dump)
    read = LlmMessage.model_validate({"role": "user", "parts": ["a"]})
    assert read == LlmMessage("user", ["a"])


def test_text_joins_the_text_parts():
    assert LlmMessage("user", ["a", ImagePart("https://u"), "b"]).text == "ab"
    assert LlmMessage("user", "a").text == "a"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: LlmMessage("usr", "x"),  # type: ignore[arg-type]
            "LlmMessage: role: Input should be 'system', 'developer', 'user', 'assistant' or "
            "'tool'",
            id="role",
        ),
        pytest.param(
            lambda: LlmMessage("user", None),  # type: ignore[arg-type]
            "LlmMessage: content: content must be a string or a list of parts",
            id="no-content",
        ),
        pytest.param(
            lambda: LlmMessage("user", ["a", {"type": "text", "text": 4}]),
            "LlmMessage: content[1].text: Input should be a valid string",
            id="path-of-a-part",
        ),
        pytest.param(
            lambda: LlmMessage("user", [{"type": "tool_result", "content": [{"type": "text"}]}]),
            "LlmMessage: content[0].content[0].text: Field required",
            id="path-two-levels-down",
        ),
        pytest.param(
            lambda: LlmMessage("user", "a\ud800"),
            "LlmMessage: content: lone surrogate at character 1",
            id="lone-surrogate",
        ),
        pytest.param(
            lambda: LlmMessage("user", b"bytes"),  # type: ignore[arg-type]
            "LlmMessage: content: content must be a string or a list of parts",
            id="bytes",
        ),
        pytest.param(
            lambda: LlmMessage("user", [4]),  # type: ignore[list-item]
            "LlmMessage: content[0]: a part must be a string, a part object or a dict",
            id="not-a-part",
        ),
        pytest.param(
            lambda: ImagePart("https://u", data=b"x", media_type="image/png"),
            "ImagePart: give exactly one of path=, url=, data=, file_id=",
            id="two-sources",
        ),
        pytest.param(
            lambda: ImagePart(data="data:image/png;base64,AA", media_type="image/png"),
            "ImagePart: data: pass a data: URL as url=; data= is plain base64",
            id="data-url-for-data",
        ),
        pytest.param(
            FilePart,
            "FilePart: give exactly one of path=, url=, data=, file_id=",
            id="no-source",
        ),
        pytest.param(
            lambda: message_from_parts([{"type": "opaque", "field": "x", "json": b"{"}], "p"),
            "opaque part: json is not JSON: EOF while parsing an object at line 1 column 1",
            id="opaque-broken-json",
        ),
        pytest.param(
            lambda: LlmMessage.model_validate_json('{"role":'),
            "LlmMessage: Invalid JSON: EOF while parsing a value at line 1 column 8",
            id="broken-json",
        ),
    ],
)
def test_wrong_values_are_named_by_path_in_one_line(make, message):
    with pytest.raises(LlmValidationError) as caught:
        make()
    assert message is None or str(caught.value) == message
    assert "\n" not in str(caught.value)


@given(st.recursive(json_values, lambda inner: st.fixed_dictionaries({"content": inner})))
def test_model_validate_raises_only_our_errors(value):
    shown = ""
    try:
        LlmMessage.model_validate(value)
    except LlmError as error:
        shown = str(error)
    assert "\n" not in shown


def test_openai_part_is_refused_and_the_message_names_the_fix():
    with pytest.raises(LlmValidationError, match=r"content\[0\]: .*into a dict message"):
        LlmMessage("user", [{"type": "image_url", "image_url": {"url": "u"}}])


@pytest.mark.parametrize(
    ("value", "result"),
    [
        pytest.param("as it is", ToolResult("1", "as it is", name="f"), id="text"),
        pytest.param({"a": [1]}, ToolResult("1", '{"a":[1]}', name="f"), id="json"),
        pytest.param(Call(None, "n", "a"), None, id="dataclass"),
        pytest.param(TextPart("x"), ToolResult("1", [TextPart("x")], name="f"), id="part"),
        pytest.param(
            [TextPart("x"), "y"],
            ToolResult("1", [TextPart("x"), TextPart("y")], name="f"),
            id="parts",
        ),
        pytest.param(
            KeyError("k"), ToolResult("1", "KeyError: 'k'", error=True, name="f"), id="exception"
        ),
    ],
)
def test_result_of_a_call_is_a_tool_message(value, result):
    if result is None:
        result = ToolResult("1", '{"id":null,"name":"n","arguments":"a"}', name="f")
    assert ToolCallPart("1", "f", "{}").result(value) == LlmMessage("tool", [result])


def test_result_that_is_not_json_names_the_tool():
    with pytest.raises(LlmValidationError, match="result of tool 'f' cannot be written as JSON"):
        tool_message(ToolCallPart("1", "f"), object())


@pytest.mark.parametrize(("arguments", "parsed"), [("", {}), ('{"a":1}', {"a": 1})])
def test_arguments_are_parsed(arguments, parsed):
    assert ToolCallPart("1", "f", arguments).parsed_arguments == parsed


def test_arguments_that_are_not_json_name_the_tool():
    with pytest.raises(LlmDecodeError, match="arguments of tool call 'f'"):
        _ = ToolCallPart("1", "f", "{").parsed_arguments


def test_arguments_that_are_not_an_object_are_refused():
    refused = "arguments of tool call 'f': Input should be an object"
    with pytest.raises(LlmValidationError, match=refused):
        _ = ToolCallPart("1", "f", "[1]").parsed_arguments


def test_reply_parts_are_marked_with_their_provider():
    message = message_from_parts(
        [
            {"type": "reasoning", "text": "t", "signature": "s", "field": "reasoning"},
            {"type": "opaque", "field": "audio", "json": b'{"id":"a"}'},
            {"type": "tool_call", "id": None, "name": "f", "arguments": ""},
        ],
        "groq",
        "gpt-oss",
    )
    assert message.content == [
        ReasoningPart("t", "s", "groq", "reasoning", "gpt-oss"),
        OpaquePart("groq", "audio", {"id": "a"}),
        ToolCallPart(None, "f"),
    ]
