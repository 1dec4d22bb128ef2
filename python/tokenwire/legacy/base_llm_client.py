"""`LlmClientInterface` and `BaseLlmClient` of the older interface."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from abc import ABC, abstractmethod
from typing import Any

from tokenwire.legacy._summary import Summary
from tokenwire.legacy.llm_data_types import LlmRequest, LlmResponse

__all__ = ["BaseLlmClient", "LlmClientInterface", "LlmRequest", "LlmResponse"]


class LlmClientInterface(Summary, ABC):
    """Text in, text out; abstract in `run` and `run_async`."""

    @abstractmethod
    def run(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the text."""

    @abstractmethod
    async def run_async(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the text."""


class BaseLlmClient(ABC):
    """Request in, response out; what it asks is its subclass's business."""

    def __init__(self, model: str, debug: bool = False, verbose: bool = False) -> None:
        self.model = model
        self.debug = debug
        self.verbose = verbose
        self._initialized = False

    @abstractmethod
    async def complete(self, request: LlmRequest) -> LlmResponse:
        """Ask, and return the whole reply."""

    @abstractmethod
    async def validate_config(self) -> bool:
        """Whether the configuration works; `LlmConfigError` says why not."""

    @abstractmethod
    def get_supported_parameters(self) -> set[str]:
        """Names of the request parameters that the model takes."""

    def complete_sync(self, request: LlmRequest) -> LlmResponse:
        """Run `complete`, with or without a running event loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.complete(request))
        # The running loop cannot be entered a second time, so another one runs on another thread.
        done: list[LlmResponse] = []
        failed: list[BaseException] = []
        context = contextvars.copy_context()

        def ask() -> None:
            try:
                done.append(context.run(asyncio.run, self.complete(request)))
            except BaseException as error:  # noqa: BLE001 (raised again on the caller's thread)
                failed.append(error)

        thread = threading.Thread(target=ask, name="complete_sync")
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return done[0]

    def __str__(self) -> str:
        return f"{type(self).__name__}(model={self.model})"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(model={self.model!r}, debug={self.debug}, "
            f"verbose={self.verbose})"
        )
