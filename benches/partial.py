"""What `stream.partial` costs: CPU time of whole streams, from a full buffer and batch by batch.

    .venv/bin/python benches/partial.py

The gate: 100 KB in 5,000 pieces that have all arrived take at most 60 ms. In as many batches,
each with a value, twice the text takes about twice as long: only what is open is made again.
A list of numbers and a long string are copied for each value, which shows from about 100 KB on.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from pydantic import BaseModel

import tokenwire as tw
from tokenwire.testing import SimServer
from tokenwire.tools.growing import ABSENT, growing


class Item(BaseModel):
    """An item of a list."""

    name: str
    age: int
    tags: list[str] = []


class Report(BaseModel):
    """A list of objects."""

    items: list[Item]


class Essay(BaseModel):
    """One string."""

    text: str


class Numbers(BaseModel):
    """A list of numbers."""

    numbers: list[int]


def answers(size: int) -> dict[type[BaseModel], str]:
    """Answers of about `size` bytes."""
    item = {"name": "Ada Lovelace", "age": 36, "tags": ["x", "yy"]}
    return {
        Report: json.dumps({"items": [item] * (size // 57)}),
        Essay: json.dumps({"text": "word " * (size // 5)}),
        Numbers: json.dumps({"numbers": list(range(size // 6))}),
    }


def in_batches(kind: Any, text: str, pieces: int) -> tuple[int, float]:
    """Returns how many values there were, and milliseconds."""
    size = -(-len(text) // pieces)
    answer, values, start = growing(kind), 0, time.process_time()
    for at in range(0, len(text), size):
        values += answer.push(text[at : at + size]) is not ABSENT
    return values, (time.process_time() - start) * 1e3


def from_full_buffer(kind: Any, text: str, pieces: int) -> tuple[int, float]:
    """The same for a stream whose events have all arrived, and wait in its buffer."""
    size = -(-len(text) // pieces)
    tokens = [text[at : at + size] for at in range(0, len(text), size)]

    async def read() -> tuple[int, float]:
        chat = tw.ChatClient("m", base_url=sim.base_url, limits=tw.Limits(buffer_bytes=8 << 20))
        async with chat.stream_async("-") as stream:
            while len(stream.response.text) < len(text):  # noqa: ASYNC110 (no event says so)
                await asyncio.sleep(0.01)
            values, start = 0, time.process_time()
            async for _ in stream.partial(kind):
                values += 1
            return values, (time.process_time() - start) * 1e3

    with SimServer({"default": {"reply": {"tokens": tokens}}}) as sim:
        return asyncio.run(read())


def main() -> None:
    print("answer     bytes    pieces   values   ms")
    for size, pieces in ((100_000, 5_000), (200_000, 10_000)):
        for kind, text in answers(size).items():
            for way in (from_full_buffer, in_batches):
                values, spent = min(
                    (way(kind, text, pieces) for _ in range(3)), key=lambda it: it[1]
                )
                name = f"{kind.__name__:8} {len(text):8,} {pieces:8,} {values:8,}"
                print(f"{name} {spent:8.1f}  {way.__name__}")


if __name__ == "__main__":
    main()
