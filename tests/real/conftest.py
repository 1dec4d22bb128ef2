"""Fixtures of the real servers. `scripts/real_servers.py` sets their addresses."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tokenwire import ChatClient, CompletionClient

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "llamacpp:SmolLM2-135M-Instruct"


class Llama:
    """A running llama-server with a small model, its key, and its log."""

    def __init__(self) -> None:
        self.address = os.environ["REAL_LLAMA_ADDRESS"]
        self.credential = os.environ["REAL_LLAMA_CREDENTIAL"]
        self.context_tokens = int(os.environ["REAL_LLAMA_CONTEXT"])
        self.log = os.environ["REAL_LLAMA_LOG"]

    def chat(self, **settings) -> ChatClient:
        # The likeliest token each time, without a cache: the same prompt gives the same text.
        defaults = {"temperature": 0, "extra_body": {"cache_prompt": False}}
        return ChatClient(
            MODEL, base_url=self.address, api_key=self.credential, **{**defaults, **settings}
        )

    def completion(self, **settings) -> CompletionClient:
        defaults = {"temperature": 0, "extra_body": {"cache_prompt": False}}
        return CompletionClient(
            MODEL, base_url=self.address, api_key=self.credential, **{**defaults, **settings}
        )


class LogFollower:
    """Yield the lines that a server appends to its log from now on."""

    def __init__(self, path: str) -> None:
        size = os.path.getsize(path)  # noqa: PTH202 (a plain str from the environment)
        self._tail = subprocess.Popen(
            ["tail", "-c", f"+{size + 1}", "-f", path],
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the next line that contains the pattern. pytest's time limit ends the wait."""
        assert self._tail.stdout is not None
        for line in self._tail.stdout:
            if match := re.search(pattern, line):
                return match
        raise AssertionError("the log ended")

    def close(self) -> None:
        self._tail.terminate()
        self._tail.communicate()


@pytest.fixture(scope="session")
def llama() -> Llama:
    return Llama()


@pytest.fixture
def llama_log(llama) -> Iterator[LogFollower]:
    follower = LogFollower(llama.log)
    yield follower
    follower.close()
