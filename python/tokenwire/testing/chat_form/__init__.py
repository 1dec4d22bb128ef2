"""Requests in the form of chat completions, so that a test reads those of each API alike.

`chat_form` writes the body of a request as the body of the chat that asks the same of OpenAI. What
chat has no place for keeps its name and its form; only reasoning and the mark of an error in the
result of a tool are left out. There is one module for each API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.testing.chat_form import gemini, messages, responses

if TYPE_CHECKING:
    from collections.abc import Callable

_FORMS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "gemini": gemini.chat_form,
    "messages": messages.chat_form,
    "responses": responses.chat_form,
}


def chat_form(body: dict[str, Any], api: str) -> dict[str, Any]:
    """The body of the chat that asks the same as this body of the API."""
    form = _FORMS.get(api)
    return body if form is None else form(body)


def text_of(content: Any) -> str:
    """The text of a message: of a str, or of the parts that have one."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part, dict) and "text" in part]
    return "".join(text for text in texts if isinstance(text, str))
