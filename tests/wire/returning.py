"""Recorded replies that a client gets, and sends back in its next request."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any

from tests.wire.answering import Answering

from tokenwire import LlmMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.wire.answering import Ending
    from tests.wire.socket_replays import Replay

WAVE = 100
QUESTION = {"role": "user", "content": "-"}


class Returning:
    """A server that gives each client a recorded reply, and then takes what comes back.

    Args:
        replay: The class of the replays.
        answer: Answers the second request, by its body.
    """

    def __init__(
        self, replay: type[Replay], answer: Callable[[bytes], list[bytes | Ending]]
    ) -> None:
        self._replay = replay
        self._answer_to = answer
        self._replays: dict[str, Replay] = {}
        self._asked: set[str] = set()
        self._server = Answering(self._answer)

    def _answer(self, path: str) -> list[bytes | Ending]:
        if path not in self._asked:
            self._asked.add(path)
            return self._replays[path.removesuffix("/v1")].written()
        return self._answer_to(self._server.received[path])

    async def _return(
        self, replay: Replay, params: dict[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """Ask, and send the reply's message back, after it was saved, copied and loaded."""
        client = replay.client(self._server)
        if replay.streams:
            async with client.stream_async("-") as stream:
                async for _ in stream:
                    pass
            message = stream.response.message
        else:
            message = (await client.complete_async("-")).message
        loaded = LlmMessage.model_validate_json(message.model_dump_json())
        assert loaded == message == pickle.loads(pickle.dumps(message))
        copied = LlmMessage(loaded.role, list(loaded.content))
        reply = await client.complete_async([QUESTION, copied, QUESTION], **params)
        sent: dict[str, Any] = json.loads(self._server.received[f"{replay.key}/v1"])
        return sent, list(reply.dropped)

    def outcomes(
        self, rows: Sequence[dict[str, Any]], **params: Any
    ) -> list[tuple[dict[str, Any], list[str]]]:
        """Return (the body that came back, what was dropped) for each row."""
        replays = [self._replay(row, "whole") for row in rows]
        self._replays = {replay.key: replay for replay in replays}

        async def return_all(wave: list[Replay]) -> list[tuple[dict[str, Any], list[str]]]:
            return await asyncio.gather(*(self._return(one, params) for one in wave))

        with self._server:
            waves = [replays[start : start + WAVE] for start in range(0, len(replays), WAVE)]
            return [one for wave in waves for one in asyncio.run(return_all(wave))]
