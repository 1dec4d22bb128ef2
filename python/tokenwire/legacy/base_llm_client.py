"""`LlmClientInterface` and `BaseLlmClient` of the older interface."""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tokenwire._engine import escaped
from tokenwire.legacy._calls import Summary
from tokenwire.legacy.llm_data_types import LlmRequest, LlmResponse

__all__ = ["BaseLlmClient", "LlmClientInterface", "LlmRequest", "LlmResponse"]


class LlmClientInterface(Summary, ABC):
    """A client that takes a prompt and returns text."""

    @abstractmethod
    def run(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Send the prompt and return the text of the reply."""

    @abstractmethod
    async def run_async(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Send the prompt and return the text of the reply."""


class BaseLlmClient(ABC):
    """A client that takes a request and returns a response; subclasses make the call."""

    def __init__(self, model: str, debug: bool = False, verbose: bool = False) -> None:
        self.model = model
        self.debug = debug
        self.verbose = verbose
        self._initialized = False

    @abstractmethod
    async def complete(self, request: LlmRequest) -> LlmResponse:
        """Send the request and return the whole reply."""

    @abstractmethod
    async def validate_config(self) -> bool:
        """Whether the configuration works; `LlmConfigError` says why it does not."""

    @abstractmethod
    def get_supported_parameters(self) -> set[str]:
        """Names of the request parameters that the model supports."""

    def complete_sync(self, request: LlmRequest) -> LlmResponse:
        """Run `complete`, with or without a running event loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.complete(request))
        # The running loop cannot be entered a second time, so another thread runs its own.
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1, "complete_sync") as thread:
            return thread.submit(context.run, asyncio.run, self.complete(request)).result()

    def __str__(self) -> str:
        return f"{type(self).__name__}(model={escaped(str(self.model))})"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(model={self.model!r}, debug={self.debug}, "
            f"verbose={self.verbose})"
        )
