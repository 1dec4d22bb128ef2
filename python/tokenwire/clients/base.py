"""`BaseClient`: a client over the Rust engine. Its settings, its key, the arguments of a call."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire._typing import overload
from tokenwire.clients.api_key import with_key, with_key_async
from tokenwire.clients.lookup import create_engine, greenlets_in_use, note_left_out
from tokenwire.interface.defaults import check_open
from tokenwire.interface.interface import LlmClientInterface
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
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from typing import Any, TypeVar

    from typing_extensions import Self, Unpack

    from tokenwire._engine import (
        AsyncLlmStream,
        Engine,
        Limits,
        LlmResponse,
        LlmStream,
        RetryPolicy,
        Timeout,
    )
    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.settings.model_string import Found
    from tokenwire.types import AnyParams
    from tokenwire.types.prompt import ClientCert, KeySource, Prompt, Transport

    T = TypeVar("T")


# Parameters that Python converts for the engine.
_CONVERTED = {"tools", "tool_choice", "response_format", "output_mode", "headers", "model"}


class BaseClient(LlmClientInterface):
    """What `ChatClient` and `CompletionClient` share."""

    _family = ""
    _takes_sealed = True  # its methods take parameters whose secrets are sealed
    _left_out: Sequence[str] = ()  # what a pickle left out, in words
    # `lookup` sets these.
    _late: Sequence[str]  # variables that may hold the key or the address later
    _found: Found
    _found_late = False
    _has_key: bool
    _key_source: KeySource | None
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
        self._target = target = resolve(model, settings["provider"], settings["base_url"])
        self.model = target.model
        self.provider = target.provider
        self._engine: Engine
        create_engine(self, arguments, parent)
        self._siblings: dict[str, BaseClient] = {}
        self.defaults = defaults
        self._base: dict[str, Any] = {}
        self._parse_as: Any = None
        self._output_mode: Any = None
        if defaults:
            from tokenwire.clients.arguments import converted

            self._base, self._parse_as = converted(defaults)
            self._output_mode = self._base.pop("output_mode", None)
            self._base.pop("model", None)
        self._steering: dict[str, Any] = {}  # what each call passes besides its parameters
        if settings["system"] is not None:
            self._steering["system"] = settings["system"]
        # How calls wait beside the greenlets of gevent; None in all other programs.
        self._greenlets = greenlets_in_use()
        # Wrong defaults are found here, not at the first call.
        self._engine.check(self._base, is_draft=True, **self._steering)

    def _check_usable(self, params: Mapping[str, Any]) -> None:
        check_open(self)
        if self._late or self._left_out:
            from tokenwire.clients.late import check_usable

            check_usable(self, params)

    def _call(self, asked: Prompt, params: Any) -> tuple[Engine, Prompt, Any, dict[str, Any]]:
        """The engine, the input, the parameters and the other arguments of one call."""
        seal(params)
        kind = type(asked)
        if kind is not str and kind is not list:
            from tokenwire.clients.arguments import unpacked

            asked, params = unpacked(asked, params)
            seal(params)
        self._check_usable(params)
        engine = self._engine
        steering = self._steering
        parse_as = output_mode = None
        if not _CONVERTED.isdisjoint(params):
            if params.get("model") is not None:
                from tokenwire.clients.one_server import for_model

                engine, params = for_model(self, params)
            from tokenwire.clients.arguments import converted

            params, parse_as = converted(params)
            output_mode = params.pop("output_mode", None)
        if self._base:
            from tokenwire.clients.arguments import merged

            params = merged(self._base, params)
            if parse_as is None and params.get("response_format") is not None:
                parse_as = self._parse_as
        if parse_as is not None or params.get("tool_choice") is not None:
            from tokenwire.clients.arguments import settled

            mode = output_mode or self._output_mode or engine.output_mode
            return engine, *settled(mode, parse_as, asked, params, steering, family=self._family)
        return engine, asked, params, steering

    @overload
    def complete(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    def complete(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    def complete(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask the model, and return the whole reply.

        Raises:
            LlmConfigError: An argument does not exist, or is wrong.
            LlmValidationError: A value cannot be sent; the message names its path.
            LlmAPIError: The provider answered with an error, or the connection failed.
            LlmTimeoutError: A time limit was exceeded.
        """
        engine, asked, params, steering = self._call(request_or_prompt, params)
        ask: Callable[..., LlmResponse[Any]] = engine.complete
        if self._greenlets is not None:
            ask = self._greenlets.waiting(ask)
        return with_key(self._key_source, ask, asked, params, **steering)

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    async def complete_async(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask the model, and return the whole reply; see `complete`."""
        engine, asked, params, steering = self._call(request_or_prompt, params)
        return await with_key_async(
            self._key_source, engine.complete_async, asked, params, **steering
        )

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> LlmStream:
        """Ask the model, and read the reply as it arrives.

        Entering `with` sends the request; without `with`, the first step sends it.

        Raises:
            LlmConfigError: An argument does not exist, or is wrong.
            LlmValidationError: A value cannot be sent; the message names its path.
        """
        engine, asked, arguments, steering = self._call(request_or_prompt, params)
        stream = engine.stream(asked, arguments, key_source=self._key_source, **steering)
        if self._greenlets is not None:
            return self._greenlets.stream(stream)  # type: ignore[no-any-return]
        return stream

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> AsyncLlmStream:
        """Ask the model, and read the reply as it arrives; see `stream`. Returns at once."""
        engine, asked, arguments, steering = self._call(request_or_prompt, params)
        return engine.stream_async(asked, arguments, key_source=self._key_source, **steering)

    def _check_ready(self, params: Mapping[str, Any]) -> None:
        if self._late and not self._left_out:
            # A call may go to another provider, or have a header with a key.
            names = ("model", "headers", "extra_headers")
            self._check_call({name: params[name] for name in names if name in params})

    def _check_call(self, params: dict[str, Any]) -> None:
        """Check that a call with these parameters would have a key and an address."""
        engine, _, arguments, steering = self._call("-", params)
        engine.check(arguments, key_source=self._key_source, **steering)

    def _map_calls(self, params: Mapping[str, Any], _concurrency: int) -> Any:
        from tokenwire.clients.map import EngineCalls

        call = lambda asked: self._call(asked, dict(params))  # noqa: E731
        return EngineCalls(call, self._key_source, self._greenlets)

    def models(self) -> list[str]:
        """Return the ids of the server's models (`GET /models`), in the server's order."""
        from tokenwire.clients.models import model_ids

        self._check_usable({})
        ask: Callable[..., str] = self._engine.models
        if self._greenlets is not None:
            ask = self._greenlets.waiting(ask)
        return model_ids(with_key(self._key_source, ask, self._base))

    async def models_async(self) -> list[str]:
        """Return the ids of the server's models; see `models`."""
        from tokenwire.clients.models import model_ids

        self._check_usable({})
        ask = self._engine.models_async
        return model_ids(await with_key_async(self._key_source, ask, self._base))

    def validate_config(self, *, probe: bool = False) -> None:
        """Check that there are a key and an address. With `probe`, also ask the server.

        Raises:
            LlmConfigError: One of them is missing; the message names the fix.
            LlmError: The probe failed.
        """
        self._check_call({})
        super().validate_config(probe=probe)

    async def validate_config_async(self, *, probe: bool = False) -> None:
        """Check the configuration; see `validate_config`."""
        self.validate_config()
        await super().validate_config_async(probe=probe)

    def get_supported_parameters(self) -> frozenset[str]:
        """Return the names of the request parameters that this provider's API takes."""
        return frozenset(self._engine.parameters())

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
