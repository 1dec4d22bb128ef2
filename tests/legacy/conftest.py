"""Fixtures for the tests of the older interface: a clean adapter for each test."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

import tokenwire.legacy
from tokenwire.legacy import _install, _settings
from tokenwire.legacy.llm_client_factory import LlmClientFactory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenwire.testing import SimServer

TABLES = ("VENDOR_URLS", "VENDOR_API_ENV_VARS", "CLIENT_DEFAULT_PARAMS", "VENDOR_CONFIG")
WARNED = frozenset(
    {
        "ChatClient",
        "CompletionClient",
        "LlmClient",
        "LlmClientFactory",
        "LlmCompletion",
        "ModelRegistry",
        "TokenCounter",
    }
)


@pytest.fixture(autouse=True)
def _clean_adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the factory, its tables, the served packages and the warnings after each test."""
    monkeypatch.setattr(_settings._Chosen, "warned", WARNED)
    monkeypatch.setattr(LlmClientFactory, "_instance", None)
    for name in TABLES:
        monkeypatch.setattr(LlmClientFactory, name, copy.deepcopy(getattr(LlmClientFactory, name)))
    yield
    tokenwire.legacy.use_defaults(None)
    tokenwire.legacy.use_config(None)
    for package in _install._FINDER.packages:
        tokenwire.legacy.uninstall(package)


@pytest.fixture
def private(sim: SimServer, monkeypatch: pytest.MonkeyPatch) -> SimServer:
    """The simulator, as the private server of the old defaults."""
    monkeypatch.setenv("TOKENWIRE_LEGACY_BASE_URL", sim.base_url)
    return sim
