"""Vendors of the older interface: their addresses and keys, and what a chat model's name means."""

from __future__ import annotations

import os
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import tokenwire as tw
from tokenwire import _engine
from tokenwire.legacy._settings import private_address
from tokenwire.legacy.llm_exceptions import LlmConfigError
from tokenwire.settings.secret import revealed, sealed


class _Vendor(NamedTuple):
    """A vendor as it is shipped; one without a URL is the private server."""

    url: str = ""
    key_variables: tuple[str, ...] = ()
    key_file: str = ""


_ANTHROPIC_HOST = "api.anthropic.com"
_GOOGLE_HOST = "generativelanguage.googleapis.com"
_SHIPPED = {
    "openai": _Vendor("https://api.openai.com/v1", ("OPENAI_API_KEY",), "openai"),
    "groq": _Vendor("https://api.groq.com/openai/v1", ("GROQ_API_KEY",), "groq"),
    "anthropic": _Vendor(f"https://{_ANTHROPIC_HOST}/v1", ("ANTHROPIC_API_KEY",), "claude"),
    "google-gla": _Vendor(
        f"https://{_GOOGLE_HOST}/v1", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "gemini"
    ),
    "mistralai": _Vendor("https://api.mistral.ai/v1", ("MISTRAL_API_KEY",), "mistral"),
    "vllm": _Vendor(),
    "deepily": _Vendor(),
}
# The variable that holds another address, and what its value lacks of a base URL.
_URL_VARIABLES = {
    "openai": ("OPENAI_BASE_URL", ""),
    "groq": ("GROQ_BASE_URL", "/openai/v1"),
    "anthropic": ("ANTHROPIC_BASE_URL", "/v1"),
    "google-gla": ("GOOGLE_GEMINI_BASE_URL", ""),
}
# How the names of a vendor's models begin.
_PREFIXES = {
    "openai": ("gpt", "o1", "o3"),
    "anthropic": ("claude",),
    "google-gla": ("gemini",),
}
# The engine's own rows apply at these addresses. Any other server speaks OpenAI's dialect.
_ROWS = {
    "api.openai.com": "openai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
}
# These models refuse max_tokens wherever they are served.
_WITHOUT_MAX_TOKENS = ("o1", "o3", "o4", "gpt-5")
COMPATIBLE = "openai-compatible"
# The key of a server that asks for none.
NO_KEY = "EMPTY"


class VendorTables:
    """The factory's tables. An application may change their entries, or replace them."""

    # The class that chat clients look vendors up in: the factory, once it is imported.
    in_use: ClassVar[type[VendorTables]]
    VENDOR_URLS: ClassVar[dict[str, str]] = {name: row.url for name, row in _SHIPPED.items()}
    VENDOR_API_ENV_VARS: ClassVar[dict[str, str | None]] = {
        name: row.key_variables[0] if row.key_variables else None for name, row in _SHIPPED.items()
    }
    VENDOR_CONFIG: ClassVar[dict[str, dict[str, Any]]] = {
        name: {"env_var": row.key_variables[0], "key_name": row.key_file, "client_type": "chat"}
        if row.key_variables
        else {"client_type": "completion"}
        for name, row in _SHIPPED.items()
    }

    @classmethod
    def _address(cls, vendor: str) -> str:
        """The base URL of a vendor: a changed entry, else its variable, else the entry."""
        shipped = _SHIPPED.get(vendor, _Vendor())
        url = str(cls.VENDOR_URLS.get(vendor) or "")
        variable, ending = _URL_VARIABLES.get(vendor, ("", ""))
        address = os.environ.get(variable, "").strip().rstrip("/")
        if address and url in ("", shipped.url):
            return f"{address.removesuffix(ending)}{ending}"
        if url:
            return url
        if shipped.url or vendor not in _SHIPPED:
            # The private server must not receive another vendor's key.
            raise LlmConfigError(f"VENDOR_URLS: add an address for {vendor!r}")
        return private_address()

    @classmethod
    def _key_variables(cls, vendor: str) -> tuple[str, ...]:
        """The variables that may hold a vendor's key, in order. Changed entries take precedence."""
        shipped = _SHIPPED.get(vendor, _Vendor()).key_variables
        usual = shipped[0] if shipped else None
        entries = (
            cls.VENDOR_CONFIG.get(vendor, {}).get("env_var", usual),
            cls.VENDOR_API_ENV_VARS.get(vendor, usual),
        )
        changed = [name for name in entries if name != usual]
        return tuple(str(name) for name in changed if name) if changed else shipped


VendorTables.in_use = VendorTables


class WholeModelId(str):
    """A model's id in which neither a colon nor the beginning names a vendor."""

    __slots__ = ()


class KnownVendor(str):
    """`vendor:model`, with a vendor from the factory's own tables."""

    __slots__ = ()


class ChatTarget(NamedTuple):
    """The arguments of a new chat client, whose key is sealed, and the variables with its key."""

    provider: str
    model: str
    base_url: str | None
    api_key: Any
    vendor: str = ""
    key_variables: tuple[str, ...] = ()

    def client(self, api_key: Any) -> tw.ChatClient:
        """The new client for this target, with a key."""
        return tw.ChatClient(
            self.model,
            provider=self.provider,
            base_url=self.base_url,
            api_key=api_key,
            api="chat",
        )


def chat_target(model_name: str, api_key: Any, base_url: str | None) -> ChatTarget:
    """What `ChatClient(model_name, api_key, base_url)` of the older interface means.

    `api_key` is sealed.

    Raises:
        LlmConfigError: The name has no vendor and there is no address, or there is no key.
    """
    tables = VendorTables.in_use
    name: Any = model_name
    if not isinstance(name, str) or not name.strip():
        raise LlmConfigError('model_name: pass a string such as "openai:gpt-4o-mini"')
    if isinstance(model_name, WholeModelId):
        return ChatTarget(COMPATIBLE, str(model_name), base_url, api_key)
    if isinstance(model_name, KnownVendor):
        vendor, _, model = model_name.partition(":")
        return _target(vendor, model, base_url, api_key, tables._key_variables(vendor))
    if model_name.lower().startswith("vllm://"):
        address, model = private_spec(model_name)
        return ChatTarget(COMPATIBLE, model, base_url or address, api_key)
    vendor, model = _split_vendor(model_name)
    if not vendor:
        if base_url is None:
            raise LlmConfigError(
                f"model_name: {model_name!r} does not begin with a vendor "
                f"({', '.join(tables.VENDOR_CONFIG)}); write one, as in openai:{model_name}, or "
                "pass base_url="
            )
        return _target("", model, base_url, api_key)
    address = base_url or tables._address(vendor)
    variables = tables._key_variables(vendor)
    key = api_key or sealed(key_from(variables))
    # A server on plain HTTP is a local one, which needs no key.
    is_local = address.strip().lower().startswith("http://")
    if key is None and variables and not is_local and not _engine.is_intercepted():
        raise missing_key(vendor, variables)
    return _target(vendor, model, address, key, variables)


def private_spec(spec: str) -> tuple[str, str]:
    """The base URL and the model of `vllm://host:port@model`."""
    # Ids may be file paths that contain another @, so the first one separates.
    address, separator, model = spec.partition("://")[2].partition("@")
    address = address.strip().rstrip("/").removesuffix("/v1")
    if not (separator and address and model):
        raise LlmConfigError(f"model: write vllm://host:port@model, not {spec!r}")
    return f"http://{address}/v1", model


def key_from(variables: tuple[str, ...]) -> str | None:
    """The key in the first of these variables that is set."""
    values = (os.environ.get(name, "").strip() for name in variables)
    return next((value for value in values if value), None)


def missing_key(vendor: str, variables: tuple[str, ...]) -> LlmConfigError:
    """The error that names the variables of a vendor's key."""
    return LlmConfigError(_engine._missing_key(vendor, list(variables)))


def _split_vendor(model_name: str) -> tuple[str, str]:
    """The vendor in a chat model's name, or an empty string, and the model."""
    head, separator, rest = model_name.partition(":")
    vendor = head.strip().lower()
    if separator and vendor in VendorTables.in_use.VENDOR_CONFIG:
        if not rest.strip():
            raise LlmConfigError(f"model_name: add a model after {head!r}, as in {head}:model")
        return vendor, rest.strip()
    for known, prefixes in _PREFIXES.items():
        if model_name.startswith(prefixes):
            return known, model_name
    return "", model_name


def not_found_at(target: ChatTarget) -> str:
    """What to add to an error 404: some vendors' addresses serve only the vendor's own dialect.

    At the vendor's own host, 404 means that the model was not found.
    """
    host = urlsplit(target.base_url or "").hostname
    if target.vendor not in ("anthropic", "google-gla") or host in (_ANTHROPIC_HOST, _GOOGLE_HOST):
        return ""
    return (
        f"tokenwire calls {target.vendor} in OpenAI's dialect, at "
        f"{target.base_url}/chat/completions, which this address does not serve"
    )


def _target(
    vendor: str,
    model: str,
    address: str | None,
    key: Any,
    variables: tuple[str, ...] = (),
) -> ChatTarget:
    parts = urlsplit(address or "")
    host = parts.hostname or ""
    if host == _GOOGLE_HOST and parts.path.rstrip("/") in ("", "/v1", "/v1beta"):
        address = f"https://{_GOOGLE_HOST}/v1beta/openai"
    row = _ROWS.get(host, COMPATIBLE)
    if (
        vendor == "openai"
        and revealed(key) not in (None, NO_KEY)
        and model.startswith(_WITHOUT_MAX_TOKENS)
    ):
        row = "openai"
    return ChatTarget(row, model, address, key, vendor, variables)
