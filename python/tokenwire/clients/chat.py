"""`ChatClient`: the APIs for conversations: chat completions, Responses, Messages and Gemini."""

from __future__ import annotations

from tokenwire.clients.base import BaseClient


class ChatClient(BaseClient):
    """A client for chat models, sync and async in one object.

        chat = ChatClient("openai:gpt-4o-mini", system="Be brief.")
        text = chat.run("Why is the sky blue?")
        text = await chat.run_async("Why is the sky blue?")

    Both clients take the same arguments; see `__init__`.
    """

    _family = "chat"
