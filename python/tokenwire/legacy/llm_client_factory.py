"""`LlmClientFactory` of the older interface: a client for a configuration key or a descriptor.

The application's `ConfigurationManager` and `du` (its module `utils.util`) are names of this
module, as they were of the old one. Tests may replace them, so they are looked up at each use.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from tokenwire import _engine
from tokenwire.legacy import _vendors
from tokenwire.legacy._install import ApplicationNamesModule, application_names
from tokenwire.legacy._settings import defaults_wanted, literal, warn, warn_once
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
    # Found in the application when they are used.
    "ConfigurationManager",
    "du",
]

_COMPLETION_FORMATS = ("instruction_completion", "special_token")
_SHIPPED_DEFAULTS = {"temperature": 0.7, "max_tokens": 1024}


class LlmClientFactory(_vendors.VendorTables):
    """Creates clients. There is one factory per process, with the arguments of the first call.

    Attributes:
        config_mgr: The configuration. Its clients get the `debug` and `verbose` of the factory.
        VENDOR_URLS: Base URL by vendor; an empty one means `TOKENWIRE_LEGACY_BASE_URL`.
        VENDOR_API_ENV_VARS: Variable with the key by vendor.
        CLIENT_DEFAULT_PARAMS: Arguments of clients from a descriptor.
        VENDOR_CONFIG: Variable, key file and type of client by vendor.
    """

    _instance: ClassVar[Any] = None
    _lock: ClassVar[Any] = threading.RLock()

    CLIENT_DEFAULT_PARAMS: ClassVar[dict[str, Any]] = dict(_SHIPPED_DEFAULTS)

    config_mgr: Any
    debug: bool
    verbose: bool

    def __new__(cls, debug: bool = False, verbose: bool = False) -> Self:
        """Return the one factory, created by the first call."""
        warn_once("LlmClientFactory")
        with cls._lock:
            factory: Self | None = cls._instance
            if factory is None:
                factory = super().__new__(cls)
                factory.debug = debug
                factory.verbose = verbose
                factory.config_mgr = _here().ConfigurationManager(
                    env_var_name="LUPIN_CONFIG_MGR_CLI_ARGS"
                )
                cls._instance = factory
            return factory

    def get_client(
        self,
        model_config_key: str,
        debug: bool | None = None,
        verbose: bool | None = None,
    ) -> Any:
        """A client for a key of the configuration, or for a descriptor such as `groq:llama-…`.

        `debug` and `verbose` apply to later calls as well, unless they are None.

        Raises:
            ValueError: The descriptor's vendor is unknown.
            LlmConfigError: There is no key, or a value of the configuration is wrong.
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
        for name in params:
            if not isinstance(name, str):
                raise LlmConfigError(f"{key}_params: put the name {name!r} in quotes")
        settings = {
            "model_tokenizer_map": _as_dict(tokenizers, "model_tokenizer_map"),
            **params,
            "debug": self.debug,
            "verbose": self.verbose,
        }
        if not spec.startswith("vllm://"):
            return _here().ChatClient(model_name=spec, **settings)
        address, model = _vendors.private_spec(spec)
        if prompt_format in _COMPLETION_FORMATS:
            settings["base_url"] = f"{address}/completions"
            return _here().CompletionClient(
                model_name=model, prompt_format=prompt_format, **settings
            )
        settings["base_url"] = address
        return _here().ChatClient(model_name=_vendors.WholeModelId(model), **settings)

    def _described(self, descriptor: str, *, debug: bool, verbose: bool) -> Any:
        vendor, model = self._parse_model_descriptor(descriptor)
        config = self.VENDOR_CONFIG.get(vendor)
        if config is None:
            raise ValueError(f"Unsupported vendor: {vendor}")
        settings = {"debug": debug, "verbose": verbose, **self._default_params()}
        if config.get("client_type") == "completion":
            if descriptor.startswith("vllm://") and "@" in descriptor:
                url, model = _vendors.private_spec(descriptor)
            else:
                url = self._address(vendor)
            return _here().CompletionClient(
                base_url=f"{url.rstrip('/').removesuffix('/completions')}/completions",
                model_name=model,
                prompt_format="instruction_completion",
                **settings,
            )
        return _here().ChatClient(
            model_name=_vendors.KnownVendor(f"{vendor}:{model}"),
            base_url=self._address(vendor),
            api_key=self._key(vendor, config.get("key_name")),
            **settings,
        )

    def _default_params(self) -> dict[str, Any]:
        """The arguments of clients from a descriptor; changed entries always apply."""
        params = dict(self.CLIENT_DEFAULT_PARAMS)
        if defaults_wanted():
            return params
        return {
            name: value for name, value in params.items() if _SHIPPED_DEFAULTS.get(name) != value
        }

    def _key(self, vendor: str, key_file: str | None) -> str | None:
        """The vendor's key, from its variable or else from the application's key file."""
        variables = self._key_variables(vendor)
        key = _vendors.key_from(variables)
        if key is None and key_file:
            key = str(_here().du.get_api_key(key_file) or "").strip()
        if not key and variables and not _engine.is_intercepted():
            raise _vendors.missing_key(vendor, variables)
        return key or None

    def _parse_model_descriptor(self, model_descriptor: str) -> tuple[str, str]:
        """The vendor and the model of a descriptor."""
        vendor, separator, model = model_descriptor.partition(":")
        if separator:
            return vendor.strip().lower(), model.strip()
        if model_descriptor.startswith("llm_deepily_"):
            return "deepily", model_descriptor
        vendor, separator, model = model_descriptor.partition("/")
        known = vendor.strip().lower()
        if separator and known in self.VENDOR_CONFIG:
            warn(
                f"{model_descriptor!r} means a model of the private server; write "
                f"{known}:{model.strip()} (with a colon) for the vendor"
            )
        return "vllm", model_descriptor


_vendors.VendorTables.in_use = LlmClientFactory


def _here() -> Any:
    """This module, to look up the names that tests replace."""
    return sys.modules[__name__]


def _as_dict(value: Any, name: str) -> dict[str, Any]:
    """A value of the configuration as a new dict."""
    try:
        content = literal(value) if isinstance(value, str) else value
        return {} if content is None else dict(content)
    except (TypeError, ValueError, SyntaxError) as error:
        # The value itself may contain a key.
        raise LlmConfigError(f"{name}: write a dict such as {{'top_p': 0.5}}: {error}") from error


def __getattr__(name: str) -> Any:
    return application_names(name, __name__)


sys.modules[__name__].__class__ = ApplicationNamesModule
