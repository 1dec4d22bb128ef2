"""`Plan`: a client that a factory can create, and its key in the pool."""

from __future__ import annotations

from collections import namedtuple

from tokenwire import _engine
from tokenwire.clients.chat import ChatClient
from tokenwire.clients.completion import CompletionClient
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    from tokenwire.interface.interface import LlmClientInterface
    from tokenwire.settings.model_string import ProviderRow

    Value = TypeVar("Value")


class Plan(namedtuple("Plan", "model api settings key_vars variables row")):  # noqa: PYI024 (needs typing)
    """A client to create.

    Attributes:
        model: The model, as the constructor of a client takes it.
        api: The API; None leaves the choice to the provider's row, or to a custom client.
        settings: Arguments of the client, with secrets sealed.
        key_vars: Variables that hold the key, in place of the provider's.
        variables: Environment variables that the client reads.
        row: The provider, unless it is built in.
    """

    __slots__ = ()

    model: str
    api: str | None
    settings: dict[str, Any]
    key_vars: tuple[str, ...] | None
    variables: Sequence[str]
    row: ProviderRow | None

    def key(self) -> object:
        """A value that is equal for equal clients only. Keys in it are sealed."""
        from os import environ

        return (
            self.model,
            self.api,
            frozen(self.settings),
            self.key_vars,
            *(Secret(environ.get(name, "")) for name in self.variables),
        )

    def create(self) -> LlmClientInterface:
        """Create the client.

        Raises:
            LlmConfigError: A setting cannot work, or a custom client has no key.
        """
        settings = {name: _copied(value) for name, value in self.settings.items()}
        if self.row is not None and self.row.client is not None:
            from tokenwire.interface.custom import create

            return create(self.row.client, self.row, self.model, settings, self.key_vars)
        row = self.row
        api = self.api if row is None else self.api or row.api
        family = _engine.apis().get(str(api))
        kind = CompletionClient if family == "completions" else ChatClient
        arguments = {"api": self.api, **settings}
        # The key comes from these variables only, also after pickling.
        return kind._from_arguments(self.model, arguments, key_vars=self.key_vars)


def frozen(value: Any) -> object:
    """A hashable form of a setting, equal for equal settings only."""
    if isinstance(value, str):
        # A field of the body may hold a key.
        return type(value), Secret(value)
    if isinstance(value, dict):
        return frozenset((type(name), name, frozen(item)) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    kind = type(value)
    if isinstance(value, (_engine.Timeout, _engine.Limits, _engine.RetryPolicy)):
        return kind, frozen(value.to_dict())
    try:
        hash(value)
    except TypeError:
        # The client holds it, so no other object gets this id in the meantime.
        return kind, id(value)
    # With its type, because 1, 1.0 and True are equal.
    return kind, value


def _copied(value: Value) -> Value:
    """A copy that later changes of the caller do not reach."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [_copied(item) for item in value]  # type: ignore[return-value]
    return value
