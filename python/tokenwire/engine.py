"""A client over the Rust engine: settings, arguments of a call, keys."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import (
    LlmAuthenticationError,
    LlmClientClosedError,
    LlmConfigError,
    LlmValidationError,
)
from tokenwire.interface import LlmClientInterface, checked_concurrency
from tokenwire.keys import await_key, call_key
from tokenwire.models import key_and_address, listed_ids, resolve
from tokenwire.secret import Secret, revealed, seal, without_secrets
from tokenwire.settings import certificate, check_text, check_types, path_of, retry_policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, TypeVar, overload

    from typing_extensions import Self, Unpack

    from tokenwire._engine import (
        AsyncLlmStream,
        Engine,
        Fanout,
        LlmResponse,
        LlmStream,
    )
    from tokenwire.interface import KeySource, Prompt
    from tokenwire.mapping import MapRow
    from tokenwire.types import AnyParams

    T = TypeVar("T")
else:
    from tokenwire.interface import overload

# Arguments that Python turns into JSON before they cross.
_CONVERTED = frozenset(("tools", "response_format", "headers", "model"))
_WIRE_FORMATS = ("json_object", "json_schema", "text")


class EngineClient(LlmClientInterface):
    """What `ChatClient` and `CompletionClient` share."""

    _is_engines = True
    _family = ""
    # A traceback with local variables shows clients whose making failed, too.
    model = provider = base_url = ""

    def _set_up(self, settings: dict[str, Any], defaults: dict[str, Any]) -> None:
        """Check the settings, and make the engine's client of them."""
        self._settings = settings
        self._closed = False
        check_types(settings)
        target = resolve(settings["model"], settings["provider"], settings["base_url"])
        self.model = target.model
        self.provider = target.provider
        api = settings["api"] or None
        if api is not None and not isinstance(api, str):
            raise LlmConfigError(f"api: give a str, not {type(api).__name__}")
        api_key = settings["api_key"]
        source = api_key if callable(api_key) else None
        if source is None and api_key is not None and not isinstance(api_key, Secret):
            raise LlmConfigError("api_key: give a str or a callable that returns one")
        key: Secret | None = None
        base_url = target.base_url
        if target.provider == "sim":
            base_url = base_url or _engine.embedded_sim()
        else:
            given = None if source else api_key
            key, base_url = key_and_address(target, given, settings.get("key_vars"))
        texts = ("api", api), ("api_key", key), ("base_url", base_url), ("proxy", settings["proxy"])
        for name, held in texts:
            if held is not None:
                check_text(revealed(held), name)
        self._key_source: KeySource | None = source
        self._engine: Engine = _engine.Engine(
            provider=target.provider,
            model=target.model,
            family=self._family,
            api=api,
            own_provider=target.row,
            base_url=revealed(base_url),
            api_key=None if source else revealed(key),
            headers=revealed(settings["headers"]),
            timeout=settings["timeout"],
            limits=settings["limits"],
            retry=retry_policy(settings["max_retries"], settings["retry"]),
            ca_bundle=path_of(settings["ca_bundle"], "ca_bundle"),
            client_cert=certificate(settings["client_cert"]),
            proxy=revealed(settings["proxy"]),
            trust_env=settings["trust_env"],
            parent=settings.get("parent"),
        )
        self.base_url = self._engine.base_url
        self._siblings: dict[str, EngineClient] = {}
        self.defaults = defaults
        _refuse_private(defaults)
        base = self._converted(defaults) if defaults else {}
        base.pop("model", None)
        if settings.get("system") is not None:
            base["_system"] = settings["system"]
        # A missing key, and misspelt or mistyped defaults, are found here, not at the first call.
        self._engine.check(base if source is None else {**base, "_key_source": source})
        self._base = base

    def _call(self, asked: Prompt, params: Any) -> tuple[Engine, Prompt, dict[str, Any]]:
        """The engine, the input and the arguments of one call."""
        self._check_open()
        kind = type(asked)
        if kind is not str and kind is not list:
            asked, params = _unpacked(asked, params)
        engine = self._engine
        if params:
            _refuse_private(params)
        if not _CONVERTED.isdisjoint(params):
            if params.get("model") is not None:
                engine, params = self._for_model(params)
            params = self._converted(params)
        if self._base:
            params = {**self._base, **params}
            if params.get("response_format") is None:
                params.pop("_parse_as", None)
        return engine, asked, params

    def _check_open(self) -> None:
        if self._closed:
            raise LlmClientClosedError("this client is closed; make a new one")

    def _converted(self, params: dict[str, Any]) -> dict[str, Any]:
        params = dict(params)
        headers = params.pop("headers", None)
        if headers is not None:
            if not hasattr(headers, "keys"):
                raise LlmConfigError("headers: give a dict of str to str")
            try:
                params["extra_headers"] = {**headers, **(params.get("extra_headers") or {})}
            except TypeError:
                raise LlmConfigError("headers: give a dict of str to str") from None
        tools = params.get("tools")
        if tools is not None:
            if not isinstance(tools, (list, tuple)):
                raise LlmValidationError(f"tools: give a list of tools, not {type(tools).__name__}")
            from tokenwire.tools import tool_schema

            params["tools"] = [tool_schema(tool) for tool in tools]
        target = params.get("response_format")
        if target is not None:
            params["_parse_as"] = target
            # A form in the provider's words passes without pydantic.
            if not (isinstance(target, dict) and target.get("type") in _WIRE_FORMATS):
                from tokenwire.parsing import response_format_for

                params["response_format"] = response_format_for(target)
        return params

    def _for_model(self, params: dict[str, Any]) -> tuple[Engine, dict[str, Any]]:
        """The engine for `model=` of a call: ours, or another provider's."""
        model = params["model"]
        if not isinstance(model, str) or not model.strip():
            raise LlmConfigError('model: give a string such as "gpt-4o-mini"')
        check_text(model, "model")
        head, separator, rest = model.partition(":")
        names_address = rest.startswith("//")
        if separator and head == self.provider and not names_address:
            return self._engine, {**params, "model": rest}
        if not separator or not _engine.is_provider(head):
            return self._engine, params
        if self._settings["api_key"] is not None or self._settings["base_url"] is not None:
            own = "api_key" if self._settings["api_key"] is not None else "base_url"
            raise LlmConfigError(
                f'model: "{model}" is another provider\'s, and this client was given its own '
                f"{own}, which is not sent to a stranger; make a client for that model"
            )
        place = model if names_address else head
        sibling = self._siblings.get(place)
        if sibling is None:
            sibling = self.with_options(model=model, provider=None)
            self._siblings[place] = sibling
        return sibling._engine, {**params, "model": sibling.model if names_address else rest}

    @overload
    def complete(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    def complete(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    def complete(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask, and return the whole reply.

        Raises:
            LlmConfigError: An argument does not exist, or does not fit.
            LlmValidationError: A value cannot be sent; the message names its path.
            LlmAPIError: The provider answered with an error, or there was no usable connection.
            LlmTimeoutError: A limit ran out.
        """
        engine, asked, params = self._call(request_or_prompt, params)
        if self._key_source is None:
            return engine.complete(asked, params)
        # The key stands in no local variable: a traceback may show those.
        try:
            return engine.complete(
                asked, {**params, "_api_key": call_key(self._key_source), "_may_renew": True}
            )
        except LlmAuthenticationError as error:
            if error.status_code != 401:
                raise
        return engine.complete(asked, {**params, "_api_key": call_key(self._key_source)})

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    async def complete_async(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask, and return the whole reply; see `complete`."""
        engine, asked, params = self._call(request_or_prompt, params)
        if self._key_source is None:
            return await engine.complete_async(asked, params)
        source = self._key_source
        try:
            return await engine.complete_async(
                asked, {**params, "_api_key": await await_key(source), "_may_renew": True}
            )
        except LlmAuthenticationError as error:
            if error.status_code != 401:
                raise
        return await engine.complete_async(asked, {**params, "_api_key": await await_key(source)})

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> LlmStream:
        """Ask, and read the reply as it comes.

        The request goes out on entering `with`, or at the first step without it.

        Raises:
            LlmConfigError: An argument does not exist, or does not fit.
            LlmValidationError: A value cannot be sent; the message names its path.
        """
        engine, asked, arguments = self._call(request_or_prompt, params)
        if self._key_source is not None:
            arguments["_key_source"] = self._key_source
        return engine.stream(asked, arguments)

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> AsyncLlmStream:
        """Ask, and read the reply as it comes; see `stream`. Returns at once."""
        engine, asked, arguments = self._call(request_or_prompt, params)
        if self._key_source is not None:
            arguments["_key_source"] = self._key_source
        return engine.stream_async(asked, arguments)

    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        concurrency: int,
        ordered: bool = True,
        **params: Unpack[AnyParams],
    ) -> Iterator[MapRow]:
        """Ask many prompts at once, from plain sync code; see `LlmClientInterface.map`."""
        from tokenwire.mapping import map_with_engine

        return map_with_engine(
            self, prompts, checked_concurrency(concurrency), params, ordered=ordered
        )

    def _submit(
        self, fanout: Fanout, index: int, prompt: Prompt, params: Mapping[str, Any]
    ) -> None:
        engine, asked, params = self._call(prompt, dict(params))
        if self._key_source is None:
            fanout.submit(index, engine, asked, params)
        else:
            fanout.submit(index, engine, asked, {**params, "_api_key": call_key(self._key_source)})

    def models(self) -> list[str]:
        """Ids of the server's models (`GET /models`), in the server's order."""
        self._check_open()
        source = self._key_source
        return listed_ids(self._engine.models(None if source is None else call_key(source)))

    async def models_async(self) -> list[str]:
        """Ids of the server's models; see `models`."""
        self._check_open()
        source = self._key_source
        return listed_ids(
            await self._engine.models_async(None if source is None else await await_key(source))
        )

    def get_supported_parameters(self) -> frozenset[str]:
        """Names of the request parameters that this provider's API takes."""
        return frozenset(self._engine.parameters())

    def with_options(self, **settings: Any) -> Self:
        """A client with other settings or defaults that shares all that can be shared.

        Raises:
            LlmConfigError: A setting does not exist, or does not fit.
        """
        seal(settings)
        merged = {**self._settings, **self.defaults, **settings, "parent": self._engine}
        retries, policy = settings.get("max_retries"), merged["retry"]
        if retries is not None and policy is not None and "retry" not in settings:
            # Of a policy only the number changes: what it forbids stays forbidden.
            rules = {**policy.to_dict(), "max_retries": retries}
            merged.update(retry=_engine.RetryPolicy(**rules), max_retries=None)
        if "retry" in settings and "max_retries" not in settings:
            merged["max_retries"] = None
        client = object.__new__(type(self))
        own = {name: merged.pop(name) for name in (*self._settings, "parent") if name in merged}
        client._set_up(own, merged)
        return client

    def close(self) -> None:
        """Refuse further calls. Calls in flight go on; connections belong to the process."""
        self._closed = True
        _engine.drop_idle_lanes()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the configuration, never a key: that comes from the environment again."""
        settings = {**without_secrets(self._settings), "api_key": None}
        settings.pop("parent", None)
        return _unpickled, (type(self), settings, without_secrets(self.defaults))

    def __copy__(self) -> Self:
        """Return a client with the same settings, the key included, that is closed by itself."""
        return self.with_options()

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return a client with the same settings, the key included, that is closed by itself."""
        return self.with_options()

    def __repr__(self) -> str:
        """Name the class, the model and the address; never the key."""
        return f"{type(self).__name__}({self.provider}:{self.model}, base_url={self.base_url!r})"


def _refuse_private(params: Mapping[str, Any]) -> None:
    # By such names the engine is told what no caller may set.
    for name in params:
        if name[:1] == "_":
            raise LlmConfigError(f"{name}: there is no such parameter")


def _unpickled(
    kind: type[EngineClient], settings: dict[str, Any], defaults: dict[str, Any]
) -> EngineClient:
    client = object.__new__(kind)
    client._set_up(settings, defaults)
    return client


def _unpacked(asked: Any, params: dict[str, Any]) -> tuple[Prompt, dict[str, Any]]:
    """An `LlmRequest`, a single message or another sequence as input and arguments."""
    if isinstance(asked, (str, list)):
        return asked, params
    if isinstance(asked, tuple):
        return list(asked), params
    if hasattr(asked, "messages") and hasattr(asked, "split"):
        asked, own = asked.split()
        return asked, {**own, **params}
    if isinstance(asked, dict) or hasattr(asked, "__tokenwire_json__"):
        return [asked], params
    raise LlmConfigError(
        f"prompt: give a str, a list of messages or an LlmRequest, not {type(asked).__name__}"
    )
