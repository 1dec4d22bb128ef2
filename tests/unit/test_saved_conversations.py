"""A conversation that is saved as JSON and loaded sends the same as before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_messages import json_values, messages, texts

from tokenwire.types import LlmMessage, LlmRequest

# Messages in the form of Chat Completions, with keys that we do not know.
dicts = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "tool", "system", "developer", "function"]),
        "content": st.none()
        | texts
        | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": texts}), max_size=2),
    },
    optional={
        "name": texts,
        "tool_calls": json_values,
        "tool_call_id": texts,
        "reasoning_content": texts,
        "refusal": st.none() | texts,
        "x": json_values,
    },
)
OPTIONS = [{}, {"exclude_unset": True}, {"exclude_none": True}, {"exclude_defaults": True}]


def sent(conversation: Any) -> list[dict[str, Any]]:
    """What the engine reads of each message."""
    return [
        message.__tokenwire_json__() if isinstance(message, LlmMessage) else message
        for message in conversation
    ]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@given(st.lists(messages | dicts, min_size=1, max_size=3))
def test_a_loaded_conversation_sends_the_same(options, conversation):
    request = LlmRequest(messages=conversation)
    assert sent(request.messages) == sent(conversation)
    text = request.model_dump_json(**options)
    assert sent(LlmRequest.model_validate_json(text).messages) == sent(conversation)
    plain = json.loads(json.dumps(request.model_dump(mode="json", **options)))
    assert sent(LlmRequest.model_validate(plain).messages) == sent(conversation)


# Without None, a key that we do not know is lost if its value is null.
@pytest.mark.parametrize(
    "options", [{}, {"exclude_unset": True}, {"exclude_defaults": True}], ids=str
)
@given(messages)
def test_a_message_in_a_row_of_its_own_sends_the_same(options, message):
    text = message.model_dump_json(**options)
    (loaded,) = sent([LlmMessage.model_validate_json(text)])
    assert loaded == sent([message])[0]
