"""Requests of plain JSON, sent without openai's walk through the types of their values.

That walk replaces names that have an alias, dates, files and models, and takes milliseconds for a
long conversation. Plain JSON has none of these. So `create` is openai's own, called with empty
values in place of the long ones, which are put back into the body that it sends.
"""

from __future__ import annotations

from functools import cache, wraps

from tokenwire._engine import is_plain_json
from tokenwire.httpx_transport.patches import is_method_of
from tokenwire.openai.shapes import unknown_create, warn_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# The parameters whose values may be long.
_LONG = ("messages", "input", "prompt", "tools", "functions")


class _NotKnownError(Exception):
    """openai's `create` does not send the values that it was given under their names."""


@cache
def plain_resource(stock: Any, *, is_async: bool) -> Any:
    """Return the subclass of a resource of openai's whose `create` sends plain JSON as it is.

    It is the resource itself if that is not known.
    """
    if reasons := unknown_create(stock, _LONG):
        _warn_once(reasons)
        return stock
    create: Any
    if is_async:

        @wraps(stock.create)
        async def create(self: Any, *args: Any, **options: Any) -> Any:
            shadow = _shadow(stock, self, options)
            if shadow is not None:
                try:
                    return await shadow()
                except _NotKnownError:
                    pass
            return await super(plain, self).create(*args, **options)

    else:

        @wraps(stock.create)
        def create(self: Any, *args: Any, **options: Any) -> Any:
            shadow = _shadow(stock, self, options)
            if shadow is not None:
                try:
                    return shadow()
                except _NotKnownError:
                    pass
            return super(plain, self).create(*args, **options)

    body = {"__module__": stock.__module__, "__doc__": stock.__doc__, "create": create}
    plain: Any = type(stock.__name__, (stock,), body)
    return plain


def _shadow(stock: Any, resource: Any, options: dict[str, Any]) -> Callable[[], Any] | None:
    """Return openai's `create` with the long values left out; None if it must have them."""
    # Whoever has replaced `create` wants to see what it is called with.
    if not is_method_of("openai", stock, "create"):
        return None
    long = {
        name: value
        for name in _LONG
        if type(value := options.get(name)) in (list, dict)
        and value
        and is_plain_json(value)
        and not _has_alias(stock, name)
    }
    if not long:
        return None

    def post(path: str, *, body: Any = None, **rest: Any) -> Any:
        if type(body) is not dict or any(body.get(name) != type(long[name])() for name in long):
            raise _NotKnownError
        # In the order of openai's body.
        return resource._post(path, body={**body, **long}, **rest)

    shadow = object.__new__(stock)
    shadow.__dict__.update(resource.__dict__, _post=post)
    empty = {name: type(value)() for name, value in long.items()}
    return lambda: stock.create(shadow, **{**options, **empty})


@cache
def _has_alias(stock: Any, parameter: str) -> bool:
    """Return whether a name in the values of a parameter of `create` is sent as another one."""
    # `typing`'s own does not know the dicts of `typing_extensions`.
    from typing_extensions import get_type_hints

    try:
        kind = get_type_hints(stock.create, include_extras=True)[parameter]
    except (KeyError, NameError, TypeError):
        return True
    has_alias = _names_alias(kind, set())
    if has_alias:
        _warn_once([f"{stock.__name__}.create sends names in {parameter} as other ones"])
    return has_alias


def _names_alias(kind: Any, seen: set[int]) -> bool:
    from typing import get_args

    from typing_extensions import get_type_hints, is_typeddict

    if id(kind) in seen:
        return False
    seen.add(id(kind))
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        return any(_names_alias(hint, seen) for hint in hints.values())
    # Of an `Annotated`, the arguments after the first are what openai says of it.
    return getattr(kind, "alias", None) is not None or any(
        _names_alias(argument, seen) for argument in get_args(kind)
    )


_has_warned: list[bool] = []


def _warn_once(reasons: list[str]) -> None:
    # What one resource has, its async twin has, too.
    if not _has_warned:
        _has_warned.append(True)
        warn_of(reasons)
