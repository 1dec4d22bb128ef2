"""`CallingClient`: the calls of a client over the Rust engine, and how they get their arguments."""

from __future__ import annotations

from tokenwire._typing import overload
from tokenwire.clients.api_key import with_key, with_key_async
from tokenwire.interface.defaults import check_open
from tokenwire.interface.interface import LlmClientInterface
from tokenwire.settings.client_settings import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeVar

    from typing_extensions import Unpack

    from tokenwire._engine import AsyncLlmStream, Engine, LlmResponse, LlmStream
    from tokenwire.types import AnyParams
    from tokenwire.types.prompt import KeySource, Prompt

    T = TypeVar("T")


# Parameters that Python converts for the engine.
_CONVERTED = {"tools", "tool_choice", "response_format", "output_mode", "headers", "model"}


class CallingClient(LlmClientInterface):
    """What the two clients do with their settings, which `BaseClient` sets."""

    _family = ""
    _takes_sealed = True  # its methods take parameters whose secrets are sealed
    _left_out: Sequence[str] = ()  # what a pickle left out, in words
    _late: Sequence[str]  # variables that may hold the key or the address later
    _engine: Engine
    _key_source: KeySource | None
    _base: dict[str, Any]  # the default parameters, as the engine takes them
    _parse_as: Any
    _output_mode: Any
    _steering: dict[str, Any]  # what each call passes besides its parameters
    _greenlets: Any  # how calls wait in a program that gevent has patched; None in all others

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

            params, parse_as = converted(params, engine)
            output_mode = params.pop("output_mode", None)
        if self._base:
            from tokenwire.clients.arguments import merged

            params = merged(self._base, params)
            if parse_as is None and params.get("response_format") is not None:
                parse_as = self._parse_as
        if parse_as is not None or params.get("tool_choice") is not None:
            from tokenwire.clients.arguments import settled

            mode = output_mode or self._output_mode
            if mode is None and parse_as is not None:
                mode = engine.output_mode(params.get("model"))
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
        from tokenwire.clients.models import ModelList

        self._check_usable({})
        ask: Callable[..., str] = self._engine.models
        if self._greenlets is not None:
            ask = self._greenlets.waiting(ask)
        listed = ModelList()
        while listed.add(with_key(self._key_source, ask, self._base, page=listed.page)):
            pass
        return listed.ids

    async def models_async(self) -> list[str]:
        """Return the ids of the server's models; see `models`."""
        from tokenwire.clients.models import ModelList

        self._check_usable({})
        source, ask, listed = self._key_source, self._engine.models_async, ModelList()
        while listed.add(await with_key_async(source, ask, self._base, page=listed.page)):
            pass
        return listed.ids

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
