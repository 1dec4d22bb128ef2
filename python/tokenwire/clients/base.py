"""`BaseClient`: a client over the Rust engine: its settings, and how it is copied and pickled."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.clients.calls import CallingClient
from tokenwire.clients.lookup import create_engine, greenlets_in_use, note_left_out
from tokenwire.settings.client_settings import (
    CLIENT_SETTINGS,
    engine_arguments,
    merged_settings,
    seal,
)
from tokenwire.settings.model_string import resolve
from tokenwire.settings.secret import LeftOut, sealed, sealed_certificate, sealed_url, sealed_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any, TypeVar

    from typing_extensions import Self

    from tokenwire._engine import (
        Limits,
        RetryPolicy,
        Timeout,
    )
    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.settings.model_string import Found
    from tokenwire.types.prompt import ClientCert, KeySource, Transport

    T = TypeVar("T")


class BaseClient(CallingClient):
    """What `ChatClient` and `CompletionClient` share."""

    # `lookup` sets these.
    _found: Found
    _found_late = False
    _has_key: bool
    api: str
    model = provider = base_url = ""  # for `repr` in a traceback, if the constructor fails

    def __init__(
        self,
        model: str,
        *,
        provider: str | LlmProvider | None = None,
        api_key: str | KeySource | None = None,
        base_url: str | None = None,
        api: str | None = None,
        region: str | None = None,
        project: str | None = None,
        resource: str | None = None,
        system: str | None = None,
        timeout: float | Timeout | None = _engine.Timeout(),  # noqa: B008 (frozen)
        max_retries: int | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        transport: Transport | None = None,
        compression: bool = False,
        ca_bundle: str | PathLike[str] | None = None,
        client_cert: ClientCert | None = None,
        trust_env: bool = True,
        headers: Mapping[str, str] | None = None,
        **defaults: Any,
    ) -> None:
        """Create a client. It does not connect to anything before the first call.

        Key and address may be missing until then: a call looks again in the provider's variables.

        Args:
            model: `provider:model` or `vllm://host:port@model`; with `provider` or `base_url`, the
                model's id.
            provider: Name of the provider, or an `LlmProvider`.
            api_key: The key, or a callable (sync or async) that returns it: for each call, in the
                caller's thread, and again after a 401. The default is the provider's variable.
            base_url: Address of the API, such as `http://localhost:8000/v1` or
                `unix:///run/vllm.sock:/v1`.
            api: Which API to speak. The default is the provider's for the model.
            region: Fills `{region}` in the provider's address.
            project: See `region`.
            resource: See `region`; on Azure, the NAME of `https://NAME.openai.azure.com`.
            system: System prompt of each call. Text completions do not have one.
            timeout: Seconds (`total` for a whole reply, `first_token` and `idle` for a stream), a
                `Timeout`, or None for no limit.
            max_retries: Attempts after the first one (default 2); not together with `retry`.
            retry: When and how often to retry a failed attempt.
            limits: Limits on connections and memory.
            proxy: Proxy URL. The default comes from the environment, if `trust_env` is set.
            transport: "direct" (HTTP/1.1 straight to the server), "general" (also through proxies)
                or "auto". The default is TOKENWIRE_TRANSPORT if `trust_env` is set, or "auto".
            compression: Whether to ask for whole replies in gzip, br or zstd; streams stay as is.
            ca_bundle: PEM file or folder of the certificates to trust instead of the system's.
            client_cert: PEM file with the certificate chain and the key, or a tuple: certificate
                file, key file (None if one file has both), and the password of an encrypted key.
            trust_env: Whether the environment may name proxies, root certificates, the transport.
            headers: Headers to add to each request.
            **defaults: Request parameters of each call.

        Raises:
            LlmConfigError: A setting is wrong; the message names it, or its variable, and the fix.
        """
        # First of all, because a traceback may show local variables.
        api_key, headers = sealed(api_key), sealed_values(headers)
        base_url, proxy = sealed_url(base_url), sealed_url(proxy)
        client_cert = sealed_certificate(client_cert)
        seal(defaults)
        # By name, so that a setting that the signature lacks is found at once.
        arguments = locals()
        self._set_up(model, {name: arguments[name] for name in CLIENT_SETTINGS}, defaults)

    def _set_up(
        self,
        model: str,
        settings: dict[str, Any],
        defaults: dict[str, Any],
        key_vars: Sequence[str] | None = None,
        parent: BaseClient | None = None,
    ) -> None:
        """Check the settings, which are sealed, and create the engine's client.

        `key_vars` may hold the key, instead of the provider's variables. `parent` is the client
        that this one is derived from.
        """
        self._model = model
        self._settings = settings
        self._key_vars = key_vars
        self._closed = False
        arguments = engine_arguments(settings)
        self._target = target = resolve(
            model, settings["provider"], settings["base_url"], api=settings["api"]
        )
        self.model = target.model
        self.provider = target.provider
        create_engine(self, arguments, parent)
        self._siblings: dict[str, BaseClient] = {}
        self.defaults = defaults
        self._base = {}
        self._parse_as = self._output_mode = None
        if defaults:
            from tokenwire.clients.arguments import converted

            self._base, self._parse_as = converted(defaults, self._engine)
            self._output_mode = self._base.pop("output_mode", None)
            self._base.pop("model", None)
        self._steering = {}
        if settings["system"] is not None:
            self._steering["system"] = settings["system"]
        self._greenlets = greenlets_in_use()
        # Wrong defaults are found here, not at the first call.
        self._engine.check(self._base, is_draft=True, **self._steering)

    def with_options(self, **settings: Any) -> Self:
        """Return a client with other settings. It shares this one's connections and retry budget.

        A `retry` with another `budget` has its own. `api_key`, `headers`, `extra_headers` and
        `extra_query` are for one server: with another address, give them again, or None.

        Raises:
            LlmConfigError: A setting does not exist, is wrong, or is for another server.
        """
        seal(settings)
        if self._late:
            from tokenwire.clients.late import take_what_is_there

            take_what_is_there(self)
        merged = merged_settings({**self._settings, **self.defaults}, settings)
        key_vars = None if "api_key" in settings else self._key_vars
        child = self._from_arguments(merged.pop("model", self._model), merged, key_vars, self)
        from tokenwire.clients.one_server import check_child

        check_child(self, child, settings)
        return child

    @classmethod
    def _from_arguments(
        cls,
        model: str,
        arguments: dict[str, Any],
        key_vars: Sequence[str] | None,
        parent: BaseClient | None = None,
    ) -> Self:
        """A client of the constructor's arguments, whose keys are sealed."""
        settings = {name: arguments.pop(name, row.default) for name, row in CLIENT_SETTINGS.items()}
        client = object.__new__(cls)
        client._set_up(model, settings, arguments, key_vars, parent)
        note_left_out(client, arguments)
        return client

    def close(self) -> None:
        """Refuse further calls. Calls in flight go on; connections belong to the process."""
        self._closed = True
        _engine.drop_idle_lanes()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the configuration without secrets. The first call says which ones are missing."""
        arguments = {**self._settings, **self.defaults}
        if self._has_key or isinstance(self._settings["api_key"], LeftOut):
            # A callable may contain a key, too.
            arguments["api_key"] = LeftOut()
        return type(self)._from_arguments, (self._model, arguments, self._key_vars)

    def __copy__(self, _memo: object = None) -> Self:
        """Return a client with the same settings and the same key, which is closed separately."""
        return self.with_options()

    __deepcopy__ = __copy__

    def __repr__(self) -> str:
        """Return the class, the model, the address and the transport if one is set; no key."""
        name = _engine.escaped(f"{self.provider}:{self.model}")
        transport = self._settings.get("transport") if self.model else None
        rest = f", transport={transport!r}" if transport else ""
        return f"{type(self).__name__}({name}, base_url={self.base_url!r}{rest})"
