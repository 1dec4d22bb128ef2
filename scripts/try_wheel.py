"""Try an installed tokenwire: ask and stream, sync and async, with the embedded simulator."""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import entry_points, version
from pathlib import Path

import tokenwire
import tokenwire._engine


async def ask_async(chat: tokenwire.ChatClient) -> tuple[str, str]:
    """Return the text of a whole reply and of a stream."""
    text = await chat.run_async("hi")
    async with chat.stream_async("hi") as stream:
        return text, "".join([piece async for piece in stream.text_stream])


def main() -> None:
    """Fail with a message if the wheel does not work."""
    engine = Path(tokenwire._engine.__file__ or "")
    assert Path(sys.prefix) in engine.parents, f"not the installed one: {engine}"
    chat = tokenwire.ChatClient("sim:chat")
    text = chat.run("hi")
    assert text, "the simulator said nothing"
    with chat.stream("hi") as stream:
        streamed = "".join(stream.text_stream)
    assert streamed, "the simulator streamed nothing"
    assert asyncio.run(ask_async(chat)) == (text, streamed)
    chat.close()
    assert any(script.name == "tokenwire" for script in entry_points(group="console_scripts"))
    print(f"tokenwire {version('tokenwire')} works on {sys.version.split()[0]}: {engine.name}")


if __name__ == "__main__":
    main()
