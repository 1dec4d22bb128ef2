"""Requests of plain JSON, sent without openai's walk through the types of their values.

That walk replaces names that have an alias, dates, files and models, and takes milliseconds for a
long conversation. Plain JSON has none of these. So `create` is openai's own except for the walk,
which it finds under a name of its module.
"""

from __future__ import annotations

from functools import cache, wraps
from inspect import iscoroutinefunction
from marshal import dumps, loads

import openai

from tokenwire._engine import is_plain_json
from tokenwire.httpx_transport.patches import is_function_of, is_method_of
from tokenwire.openai.known import FORMATS
from tokenwire.openai.shapes import warn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

_WALK, _ASYNC_WALK = "maybe_transform", "async_maybe_transform"
_ABSENT = openai.NotGiven, openai.Omit


@cache
def plain_resource(stock: Any) -> Any:
    """Return the subclass of a resource of openai's whose `create` sends plain JSON as it is."""
    create: Any
    # Otherwise, an async client's gives a coroutine.
    if iscoroutinefunction(stock.create):

        @wraps(stock.create)
        async def create(self: Any, *args: Any, **options: Any) -> Any:
            return await _create(stock, args, options)(self, *args, **options)

    else:

        @wraps(stock.create)
        def create(self: Any, *args: Any, **options: Any) -> Any:
            return _create(stock, args, options)(self, *args, **options)

    # Wrappers look there, one level deep, for an async function.
    create.__wrapped__ = getattr(stock.create, "__wrapped__", stock.create)
    body = {"__module__": stock.__module__, "__doc__": stock.__doc__, "create": create}
    plain: Any = type(stock.__name__, (stock,), body)
    return plain


def _create(stock: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Callable[..., Any]:
    """Return openai's `create` for a call, without its walk if it is known."""
    theirs = stock.create
    # Whoever has replaced `create` wants to see what it is called with.
    if args or not is_method_of("openai", stock, "create"):
        return theirs  # type: ignore[no-any-return]
    function = theirs
    # Around it, openai has a check that arguments are there.
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    names = function.__globals__
    if not _required(function.__code__, frozenset(function.__kwdefaults__ or ())) <= options.keys():
        return theirs  # type: ignore[no-any-return]
    walks = {
        name: ours(names[name])
        for name, ours in ((_WALK, _unwalked), (_ASYNC_WALK, _unwalked_async))
        # Whoever has replaced the walk wants to see what goes through it.
        if is_function_of("openai", names.get(name))
    }
    # Each time, since a name of the module may have been replaced.
    copy = type(function)(
        function.__code__,
        {**names, **walks},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy  # type: ignore[no-any-return]


@cache
def _required(code: CodeType, optional: frozenset[str]) -> frozenset[str]:
    end = code.co_argcount + code.co_kwonlyargcount
    return frozenset(code.co_varnames[code.co_argcount : end]) - optional


@cache
def _unwalked(walk: Any) -> Any:
    def body_of(*args: Any, **options: Any) -> Any:
        plain = _as_it_is(*args, **options)
        return walk(*args, **options) if plain is None else plain

    return body_of


@cache
def _unwalked_async(walk: Any) -> Any:
    async def body_of(*args: Any, **options: Any) -> Any:
        plain = _as_it_is(*args, **options)
        return await walk(*args, **options) if plain is None else plain

    return body_of


def _as_it_is(data: Any, kind: Any = None, *others: Any, **options: Any) -> dict[str, Any] | None:
    """Return a body that openai's walk would not change; None if it may."""
    # With other arguments, the walk is another one.
    if others or options or type(data) is not dict or kind is None or _has_alias(kind):
        return None
    given = {name: value for name, value in data.items() if not isinstance(value, _ABSENT)}
    if not is_plain_json(given):
        return None
    # A copy, as the walk makes: a retry sends it again, whatever the caller has changed by then.
    copied: dict[str, Any] = loads(dumps(given))  # noqa: S302 (what we have just written)
    return copied


@cache
def _has_alias(kind: Any) -> bool:
    """Return whether a name in the values of a type is sent as another one, or a text."""
    try:
        has_alias = _names_alias(kind, set())
    except (NameError, TypeError):
        return True
    if has_alias:
        warn_once([f"{kind.__name__} sends names or texts as other ones"])
    return has_alias


def _names_alias(kind: Any, seen: set[int]) -> bool:
    from typing import get_args

    from openai._utils import PropertyInfo

    # `typing`'s own does not know the dicts of `typing_extensions`.
    from typing_extensions import get_type_hints, is_typeddict

    if id(kind) in seen:
        return False
    seen.add(id(kind))
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        return any(_names_alias(hint, seen) for hint in hints.values())
    # Of an `Annotated`, the arguments after the first are what openai says of it.
    if isinstance(kind, PropertyInfo):
        return kind.alias is not None or kind.format not in FORMATS
    return any(_names_alias(argument, seen) for argument in get_args(kind))
