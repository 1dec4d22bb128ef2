"""A copy of the installed openai with changed sources, and what its clients and ours make of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALLED = Path(openai.__file__).parent

# Runs each call with openai's clients and with ours, against a simulator of their own.
PROGRAM = """
import asyncio, json, sys, warnings

MESSAGES = [{"role": "user", "content": "Which colour?", "name": "me"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

def shown(item):
    kept = {name: value for name, value in vars(item).items() if name.startswith("_")}
    return [type(item).__module__, type(item).__name__, item.model_dump(), repr(kept)]

def tried(run):
    try:
        return run()
    except Exception as error:
        return [type(error).__name__, str(error)]

async def listed(awaitable):
    return [shown(item) async for item in await awaitable]

async def one(awaitable):
    return shown(await awaitable)

CALLS = [
    lambda c: c.chat.completions.create(model="m", messages=MESSAGES, tools=[TOOL]),
    lambda c: c.completions.create(model="m", prompt=["once"]),
    lambda c: c.responses.create(model="m", input=MESSAGES),
]
STREAMS = [
    lambda c: c.chat.completions.create(model="m", messages=MESSAGES, stream=True),
    lambda c: c.responses.create(model="m", input=MESSAGES, stream=True),
]

def results(kind, async_kind, make):
    from tokenwire.testing import SimServer
    with SimServer() as sim:
        options = {"api_key": "k", "base_url": sim.base_url, "max_retries": 0}
        with kind(**options) as client:
            found = [tried(lambda: shown(call(client))) for call in CALLS]
            found += [tried(lambda: [shown(item) for item in call(client)]) for call in STREAMS]

        async def play():
            async with async_kind(**options) as client:
                for call in CALLS:
                    found.append(await attempt(one(call(client))))
                for call in STREAMS:
                    found.append(await attempt(listed(call(client))))

        async def attempt(coroutine):
            try:
                return await coroutine
            except Exception as error:
                return [type(error).__name__, str(error)]

        asyncio.run(play())
        requests = [
            [one["path"], one["body"], dict(one["headers"]).get("x-count")]
            for one in sim.requests()
        ]
        return json.loads(json.dumps([found, requests], default=repr))

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import openai
    stock = results(openai.OpenAI, openai.AsyncOpenAI, None)
    import tokenwire.openai as ours
    mine = results(ours.OpenAI, ours.AsyncOpenAI, None)
from tokenwire.openai.clients import PARTS
parts = [name for name in ("streams", "requests", "replies") if getattr(PARTS, name)]
print(json.dumps({
    "version": openai.__version__, "file": openai.__file__, "parts": parts,
    "warnings": [str(one.message) for one in caught], "stock": stock, "ours": mine,
}))
"""


class Change:
    """One change of a source file: a pattern and its replacement, or what is added at the end."""

    def __init__(self, path: str, old: str, new: str) -> None:
        self.path, self.old, self.new = path, old, new

    def applied(self, source: str) -> str:
        """Return the changed source."""
        if not self.old:
            return f"{source}\n{self.new}\n"
        changed, count = re.subn(self.old, self.new, source)
        assert count, f"{self.path} of openai {openai.__version__} has no {self.old!r}"
        return changed


def make(folder: Path, changes: Sequence[Change]) -> None:
    """Make a copy of openai in a folder: links, but for the files that are changed."""
    _link(INSTALLED, folder / "openai", {change.path for change in changes})
    for change in changes:
        path = folder / "openai" / change.path
        source = path if not path.is_symlink() else INSTALLED / change.path
        text = change.applied(source.read_text())
        path.unlink()
        path.write_text(text)


def _link(source: Path, target: Path, changed: set[str]) -> None:
    target.mkdir()
    for entry in source.iterdir():
        below = {one.partition("/")[2] for one in changed if one.startswith(f"{entry.name}/")}
        if entry.name == "__pycache__":
            continue
        if below:
            _link(entry, target / entry.name, below)
        else:
            (target / entry.name).symlink_to(entry)


def run(folder: Path) -> dict[str, Any]:
    """Run the program with the openai in a folder."""
    paths = [str(folder), *(path for path in sys.path if path)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["file"].startswith(str(folder)), "another openai was imported"
    return found
