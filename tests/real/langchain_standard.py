"""langchain's standard tests of chat models, with `ChatOpenAI` against the simulator.

    LANGCHAIN_CLIENTS=stock SIMULATOR=URL python -m pytest langchain_standard.py

With `LANGCHAIN_CLIENTS=ours`, the clients are those of `tokenwire.openai`. It runs where
langchain-tests is installed.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

ChatOpenAI: Any = importlib.import_module("langchain_openai").ChatOpenAI
integration: Any = importlib.import_module("langchain_tests.integration_tests")
unit: Any = importlib.import_module("langchain_tests.unit_tests")

ADDRESS = {"base_url": os.environ["SIMULATOR"], "api_key": "any"}


def arguments() -> dict[str, Any]:
    """Return the arguments of the model."""
    if os.environ["LANGCHAIN_CLIENTS"] == "stock":
        return {"model": "gpt-4o-mini", "stream_usage": True, **ADDRESS}
    return {
        "model": "gpt-4o-mini",
        "stream_usage": True,
        "api_key": "any",
        **importlib.import_module("tokenwire.openai").langchain(**ADDRESS),
    }


class TestIntegration(integration.ChatModelIntegrationTests):  # type: ignore[misc]
    @property
    def chat_model_class(self) -> Any:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return arguments()

    @property
    def supports_image_inputs(self) -> bool:
        return True


class TestUnit(unit.ChatModelUnitTests):  # type: ignore[misc]
    @property
    def chat_model_class(self) -> Any:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return arguments()
