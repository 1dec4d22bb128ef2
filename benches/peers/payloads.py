"""What the scenarios of openai's clients send and receive: a long conversation, and vectors."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from zlib import crc32


def conversation(messages: int, tools: int) -> dict[str, Any]:
    """Return the messages and tools of a request, as an agent sends them after many steps."""
    steps = [*_step(0)]
    while len(steps) < messages:
        steps += _step(len(steps))
    return {"messages": steps[:messages], "tools": [_tool(number) for number in range(tools)]}


def _step(number: int) -> list[dict[str, Any]]:
    call = {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "tool_0", "arguments": json.dumps({"path": f"src/{number}.py"})},
    }
    return [
        {"role": "user", "content": f"Look at file {number}, and say what it does. " * 8},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": "def f(): return 1\n" * 40},
        {"role": "assistant", "content": [{"type": "text", "text": "It returns a number. " * 12}]},
    ]


def _tool(number: int) -> dict[str, Any]:
    fields = {
        name: {"type": kind, "description": f"The {name} that tool {number} works on."}
        for name, kind in (("path", "string"), ("line", "integer"), ("quiet", "boolean"))
    }
    fields["mode"] = {"type": "string", "enum": ["read", "write", "append"]}
    parameters = {
        "type": "object",
        "properties": fields,
        "required": ["path"],
        "additionalProperties": False,
    }
    description = f"Does what tool {number} does to a file of the project. " * 3
    function = {"name": f"tool_{number}", "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def vectors(count: int, length: int) -> str:
    """Return a reply with embeddings, as floats."""
    random = Random(count)
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": [round(random.uniform(-0.1, 0.1), 9) for _ in range(length)],
        }
        for index in range(count)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return json.dumps({"object": "list", "data": data, "model": "bench-model", "usage": usage})


def digest_of(reply: str) -> str:
    """Return what a worker must find in a reply with embeddings."""
    found = [one["embedding"] for one in json.loads(reply)["data"]]
    return f"{crc32(repr(found).encode()):08x}"
