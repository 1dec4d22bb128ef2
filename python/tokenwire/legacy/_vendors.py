"""Vendors of the older interface: their tables, and what a chat model's name comes to."""

from __future__ import annotations

import os
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from tokenwire import _engine
from tokenwire.legacy._settings import private_address
from tokenwire.legacy.llm_exceptions import LlmConfigError

# Without an entry of its own, the address of a private machine comes from the environment.
URLS = {
    "openai": "https://api.openai.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "google-gla": "https://generativelanguage.googleapis.com/v1",
    "mistralai": "https://api.mistral.ai/v1",
    "vllm": "",
    "deepily": "",
}
KEY_VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "groq": "GROQ_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google-gla": "GEMINI_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "vllm": None,
    "deepily": None,
}
KEY_FILES = {
    "openai": "openai",
    "groq": "groq",
    "anthropic": "claude",
    "google-gla": "gemini",
    "mistralai": "mistral",
}
# Variables that hold another address, and what their values lack of a base URL.
_URL_VARIABLES = {
    "openai": ("OPENAI_BASE_URL", ""),
    "groq": ("GROQ_BASE_URL", "/openai/v1"),
    "anthropic": ("ANTHROPIC_BASE_URL", "/v1"),
    "google-gla": ("GOOGLE_GEMINI_BASE_URL", ""),
}
_SECOND_KEY_VARIABLES = {"GEMINI_API_KEY": "GOOGLE_API_KEY"}
_PREFIXES = (
    ("gpt", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("claude", "anthropic"),
    ("gemini", "google-gla"),
)
# At a vendor's own address the engine's row for it counts; any other server is of OpenAI's dialect.
_ROWS = {
    "api.openai.com": "openai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
}
_GOOGLE_HOST = "generativelanguage.googleapis.com"
COMPATIBLE = "openai-compatible"
# What stands for the key of a server that asks for none.
NO_KEY = "EMPTY"


class ShippedTables:
    """The tables as they are shipped. The factory's attributes begin as copies of them."""

    VENDOR_URLS: ClassVar[dict[str, str]] = URLS
    VENDOR_API_ENV_VARS: ClassVar[dict[str, str | None]] = KEY_VARIABLES
    VENDOR_CONFIG: ClassVar[dict[str, dict[str, Any]]] = {
        **{
            vendor: {
                "env_var": KEY_VARIABLES[vendor],
                "key_name": key_file,
                "client_type": "chat",
            }
            for vendor, key_file in KEY_FILES.items()
        },
        "vllm": {"client_type": "completion"},
        "deepily": {"client_type": "completion"},
    }


class _Tables:
    """The tables that count: the factory's, which an application may change."""

    in_use: Any = ShippedTables


def use_tables(factory: Any) -> None:
    """Look things up in this class's tables from now on."""
    _Tables.in_use = factory


class WholeModelId(str):
    """A model's id in which a colon or the beginning says nothing of a vendor."""

    __slots__ = ()


class KnownVendor(str):
    """`vendor:model` whose vendor, key and address a factory has found in its own tables."""

    __slots__ = ()


class ChatTarget(NamedTuple):
    """What a new chat client is made of; `vendor` says whose variable holds another key."""

    provider: str
    model: str
    base_url: str | None
    api_key: str | None
    vendor: str | None = None

    def __repr__(self) -> str:
        """Name all but the key."""
        return f"ChatTarget({self.provider}:{self.model}, base_url={self.base_url!r})"


def chat_target(model_name: str, api_key: str | None, base_url: str | None) -> ChatTarget:
    """What `ChatClient(model_name, api_key, base_url)` of the older interface means.

    Raises:
        LlmConfigError: The name says no vendor and there is no address, or there is no key.
    """
    given: Any = model_name
    if not isinstance(given, str) or not given.strip():
        raise LlmConfigError('model_name: give a string such as "openai:gpt-4o-mini"')
    if isinstance(model_name, WholeModelId):
        return ChatTarget(COMPATIBLE, str(model_name), base_url, api_key)
    if isinstance(model_name, KnownVendor):
        found, _, model = model_name.partition(":")
        return _target(found, model, base_url, api_key)
    if model_name.lower().startswith("vllm://"):
        server, model = private_spec(model_name)
        return ChatTarget(COMPATIBLE, model, base_url or f"{server}/v1", api_key)
    vendor, model = split_vendor(model_name)
    if vendor is None and base_url is None:
        raise LlmConfigError(
            f"unknown model: {model_name!r} names no vendor; write vendor:model, such as "
            f"openai:{model_name}, or give base_url="
        )
    if vendor is not None and not is_vendor(vendor):
        return _target_of_the_engine(vendor, model, api_key, base_url)
    address: str | None = base_url or (vendor_address(vendor) if vendor else None)
    key = api_key or (vendor_key(vendor) if vendor else None)
    is_remote = not is_local(address) and not _engine.is_intercepted()
    if key is None and vendor and key_variables(vendor) and is_remote:
        raise missing_key(vendor)
    return _target(vendor, model, address, key)


def private_spec(spec: str) -> tuple[str, str]:
    """`vllm://host:port@model` as the server's address, without `/v1`, and the model.

    Raises:
        LlmConfigError: It is not of that form.
    """
    # The first @ splits: ids that are file paths, or hold another @, occur.
    address, separator, model = spec.partition("://")[2].partition("@")
    address = address.strip().rstrip("/").removesuffix("/v1")
    if not (separator and address and model):
        raise LlmConfigError(f"model: {spec!r} is not of the form vllm://host:port@model")
    return f"http://{address}", model


def is_vendor(name: str) -> bool:
    """Whether the factory's tables know the vendor."""
    return name in _Tables.in_use.VENDOR_CONFIG


def is_local(address: str | None) -> bool:
    """Whether the address is of a server that needs no key."""
    return address is not None and address.strip().lower().startswith("http://")


def vendor_address(vendor: str, tables: Any = None) -> str:
    """The base URL of a vendor: a changed entry, else its variable, else the entry.

    Raises:
        LlmConfigError: There is none, or it is the private machine's, and the variable for that is
            not set.
    """
    url = (tables or _Tables.in_use).VENDOR_URLS.get(vendor)
    if url and url != URLS.get(vendor):
        return str(url)
    variable, ending = _URL_VARIABLES.get(vendor, ("", ""))
    address = os.environ.get(variable, "").strip().rstrip("/") if variable else ""
    if address:
        return f"{address.removesuffix(ending)}{ending}"
    if url:
        return str(url)
    if URLS.get(vendor) != "":
        # The private machine must not get another vendor's key.
        raise LlmConfigError(f"VENDOR_URLS: there is no address for {vendor!r}")
    return private_address()


def key_variables(vendor: str, tables: Any = None) -> list[str]:
    """The variables that may hold a vendor's key, in order. A changed entry of a table counts."""
    tables = tables or _Tables.in_use
    shipped = KEY_VARIABLES.get(vendor)
    own = tables.VENDOR_CONFIG.get(vendor, {}).get("env_var", shipped)
    listed = tables.VENDOR_API_ENV_VARS.get(vendor, shipped)
    changed = [name for name in (own, listed) if name != shipped]
    names = [str(name) for name in (changed or [shipped]) if name]
    second = _SECOND_KEY_VARIABLES.get(names[0]) if names else None
    return [*names, second] if second else names


def vendor_key(vendor: str, tables: Any = None) -> str | None:
    """The key from a vendor's variable."""
    values = (os.environ.get(name, "").strip() for name in key_variables(vendor, tables))
    return next((value for value in values if value), None)


def missing_key(vendor: str, tables: Any = None) -> LlmConfigError:
    """The error that says where a vendor's key is looked for."""
    return LlmConfigError(_engine._missing_key(vendor, key_variables(vendor, tables)))


def split_vendor(model_name: str) -> tuple[str | None, str]:
    """The vendor that a chat model's name says, and the model."""
    head, separator, rest = model_name.partition(":")
    vendor = head.strip().lower()
    if separator and (is_vendor(vendor) or _engine.is_provider(vendor)):
        if not rest.strip():
            raise LlmConfigError(f"model_name: there is no model after {head!r}")
        return vendor, rest.strip()
    for prefix, vendor_of_prefix in _PREFIXES:
        if model_name.startswith(prefix):
            return vendor_of_prefix, model_name
    return None, model_name


def not_found_at(target: ChatTarget) -> str:
    """What to say where an address has no `/chat/completions`: some vendors' own dialect has none.

    At the vendor's own address it is the model that is not found.
    """
    host = urlsplit(target.base_url or "").hostname
    if target.vendor not in ("anthropic", "google-gla") or host in (
        "api.anthropic.com",
        _GOOGLE_HOST,
    ):
        return ""
    return (
        f"{target.vendor} is asked in OpenAI's dialect, at {target.base_url}/chat/completions; "
        "this address does not serve it"
    )


def _target(vendor: str | None, model: str, address: str | None, key: str | None) -> ChatTarget:
    parts = urlsplit(address or "")
    host = parts.hostname or ""
    if host == _GOOGLE_HOST and parts.path.rstrip("/") in ("", "/v1", "/v1beta"):
        address = f"https://{_GOOGLE_HOST}/v1beta/openai"
    row = _ROWS.get(host, COMPATIBLE)
    if (
        vendor == "openai"
        and key not in (None, NO_KEY)
        and model.startswith(("o1", "o3", "o4", "gpt-5"))
    ):
        # These refuse max_tokens wherever they are served.
        row = "openai"
    return ChatTarget(row, model, address, key, vendor)


def _target_of_the_engine(
    provider: str, model: str, api_key: str | None, base_url: str | None
) -> ChatTarget:
    """A provider that the older interface had no table for."""
    if api_key is None and is_local(base_url):
        return ChatTarget(COMPATIBLE, model, base_url, None)
    return ChatTarget(provider, model, base_url, api_key)
