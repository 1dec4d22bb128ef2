"""`LlmClientFactory` of the older interface: a client for a key of the configuration or a name.

The application's own `ConfigurationManager` and `du` (its `utils.util`) are names of this module,
as they were of the old one; they are looked up here each time, so tests may replace them.
"""

from __future__ import annotations

import ast
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from tokenwire import _engine
from tokenwire.legacy import _vendors
from tokenwire.legacy._application import FindingModule, application_names
from tokenwire.legacy._settings import by_the_adapter, defaults_wanted, warn, warn_once
from tokenwire.legacy.base_llm_client import LlmClientInterface
from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.completion_client import CompletionClient
from tokenwire.legacy.llm_client import LlmClient
from tokenwire.legacy.llm_exceptions import LlmConfigError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [  # noqa: RUF022, F822
    "ChatClient",
    "CompletionClient",
    "LlmClient",
    "LlmClientFactory",
    "LlmClientInterface",
    # The application's, found when they are asked for.
    "ConfigurationManager",
    "du",
]

_COMPLETION_FORMATS = ("instruction_completion", "special_token")
_SHIPPED_DEFAULTS = {"temperature": 0.7, "max_tokens": 1024}


class LlmClientFactory:
    """Makes clients; one object for the whole process.

    Args:
        debug: For the clients that it makes; the first construction's counts.
        verbose: For the clients that it makes; the first construction's counts.

    Attributes:
        config_mgr: The configuration, made at the first construction.
        debug: What clients from the configuration get.
        verbose: What clients from the configuration get.
        VENDOR_URLS: Base URL by vendor; an empty one is `TOKENWIRE_LEGACY_BASE_URL`.
        VENDOR_API_ENV_VARS: Variable with the key by vendor.
        CLIENT_DEFAULT_PARAMS: What clients of a named vendor are made with.
        VENDOR_CONFIG: Variable, key file and type of client by vendor.
    """

    _instance: ClassVar[Any] = None
    _lock: ClassVar[Any] = threading.RLock()

    VENDOR_URLS: ClassVar[dict[str, str]] = dict(_vendors.ShippedTables.VENDOR_URLS)
    VENDOR_API_ENV_VARS: ClassVar[dict[str, str | None]] = dict(
        _vendors.ShippedTables.VENDOR_API_ENV_VARS
    )
    CLIENT_DEFAULT_PARAMS: ClassVar[dict[str, Any]] = dict(_SHIPPED_DEFAULTS)
    VENDOR_CONFIG: ClassVar[dict[str, dict[str, Any]]] = {
        vendor: dict(row) for vendor, row in _vendors.ShippedTables.VENDOR_CONFIG.items()
    }

    config_mgr: Any
    debug: bool
    verbose: bool

    def __new__(cls, debug: bool = False, verbose: bool = False) -> Self:
        """Return the one object, made at the first call."""
        warn_once("LlmClientFactory", 'tokenwire.client("openai:gpt-4o-mini")')
        with cls._lock:
            made: Self | None = cls._instance
            if made is None:
                made = super().__new__(cls)
                made.debug = debug
                made.verbose = verbose
                made.config_mgr = _here().ConfigurationManager(
                    env_var_name="LUPIN_CONFIG_MGR_CLI_ARGS"
                )
                cls._instance = made
            return made

    def __init__(self, debug: bool = False, verbose: bool = False) -> None:
        # All is done in __new__, once; Python calls this at every construction.
        pass

    def get_client(
        self,
        model_config_key: str,
        debug: bool | None = None,
        verbose: bool | None = None,
    ) -> Any:
        """A client for a key of the configuration, else for a descriptor such as `groq:llama-…`.

        Args:
            model_config_key: The key, or the descriptor.
            debug: Unless None, kept for later calls.
            verbose: Unless None, kept for later calls.

        Raises:
            ValueError: The descriptor's vendor is unknown.
            LlmConfigError: There is no key, or the configuration's value cannot be used.
        """
        if debug is not None:
            self.debug = debug
        if verbose is not None:
            self.verbose = verbose
        if self.config_mgr.exists(model_config_key):
            return self._configured(model_config_key)
        return self._described(model_config_key, debug=bool(debug), verbose=bool(verbose))

    def _configured(self, key: str) -> Any:
        config = self.config_mgr
        spec = str(config.get(key)).strip()
        params = _as_dict(
            config.get(f"{key}_params", default="{}", return_type="dict"), f"{key}_params"
        )
        tokenizers = config.get("model_tokenizer_map", default="{}", return_type="json")
        prompt_format = params.pop("prompt_format", None)
        if prompt_format is None:
            prompt_format = config.get("prompt_format_default", default="json_message")
        params.pop("model_name", None)
        names: list[Any] = list(params)
        odd = [name for name in names if not isinstance(name, str)]
        if odd:
            raise LlmConfigError(f"{key}_params: {odd[0]!r} is no name; write it in quotes")
        settings = {
            "model_tokenizer_map": _as_dict(tokenizers, "model_tokenizer_map"),
            **params,
            "debug": self.debug,
            "verbose": self.verbose,
        }
        with by_the_adapter():
            if not spec.startswith("vllm://"):
                return _here().ChatClient(model_name=spec, **settings)
            address, model = _vendors.private_spec(spec)
            if prompt_format in _COMPLETION_FORMATS:
                settings["base_url"] = f"{address}/v1/completions"
                return _here().CompletionClient(
                    model_name=model, prompt_format=prompt_format, **settings
                )
            settings["base_url"] = f"{address}/v1"
            return _here().ChatClient(model_name=_vendors.WholeModelId(model), **settings)

    def _described(self, descriptor: str, *, debug: bool, verbose: bool) -> Any:
        vendor, model = self._parse_model_descriptor(descriptor)
        config = self.VENDOR_CONFIG.get(vendor)
        if config is None:
            raise ValueError(f"Unsupported vendor: {vendor}")
        settings = {"debug": debug, "verbose": verbose, **self._default_params()}
        with by_the_adapter():
            if config.get("client_type") == "completion":
                url, model = self._address_and_model(vendor, model)
                return _here().CompletionClient(
                    base_url=f"{url.rstrip('/').removesuffix('/completions')}/completions",
                    model_name=model,
                    prompt_format="instruction_completion",
                    **settings,
                )
            return _here().ChatClient(
                model_name=_vendors.KnownVendor(f"{vendor}:{model}"),
                base_url=_vendors.vendor_address(vendor, self),
                api_key=self._key(vendor, config.get("key_name")),
                **settings,
            )

    def _address_and_model(self, vendor: str, model: str) -> tuple[str, str]:
        if vendor == "vllm" and model.startswith("//") and "@" in model:
            # `vllm://host:port@model` outside the configuration.
            address, model = _vendors.private_spec(f"vllm:{model}")
            return f"{address}/v1", model
        return _vendors.vendor_address(vendor, self), model

    def _default_params(self) -> dict[str, Any]:
        """What named clients are made with; entries that somebody changed count in any case."""
        params = dict(self.CLIENT_DEFAULT_PARAMS)
        if defaults_wanted():
            return params
        return {
            name: value for name, value in params.items() if _SHIPPED_DEFAULTS.get(name) != value
        }

    def _key(self, vendor: str, key_file: str | None) -> str | None:
        """The vendor's key: its variable's, else the application's file's."""
        key = _vendors.vendor_key(vendor, self)
        if key is None and key_file:
            found = _here().du.get_api_key(key_file)
            key = str(found).strip() if found else None
        if not key and _vendors.key_variables(vendor, self) and not _engine.is_intercepted():
            raise _vendors.missing_key(vendor, self)
        return key or None

    def _parse_model_descriptor(self, model_descriptor: str) -> tuple[str, str]:
        """A descriptor as vendor and model."""
        vendor, separator, model = model_descriptor.partition(":")
        if separator:
            return vendor.strip().lower(), model.strip()
        if model_descriptor.startswith("llm_deepily_"):
            return "deepily", model_descriptor
        vendor, separator, model = model_descriptor.partition("/")
        known = vendor.strip().lower()
        if separator and known in self.VENDOR_CONFIG:
            warn(
                f"{model_descriptor!r} is taken for a model of the private server; for the vendor "
                f"write {known}:{model.strip()} (a colon)"
            )
        return "vllm", model_descriptor


_vendors.use_tables(LlmClientFactory)


def _here() -> Any:
    """This module: tests replace its names, so they are looked up when they are used."""
    return sys.modules[__name__]


def _as_dict(value: Any, name: str) -> dict[str, Any]:
    """A value of the configuration as a new dict."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError) as error:
            raise LlmConfigError(f"{name}: {value!r} is no dict: {error}") from error
    if value is None:
        return {}
    try:
        return dict(value)
    except (TypeError, ValueError) as error:
        raise LlmConfigError(f"{name}: {type(value).__name__} is no dict") from error


def __getattr__(name: str) -> Any:
    return application_names(name, __name__)


sys.modules[__name__].__class__ = FindingModule
