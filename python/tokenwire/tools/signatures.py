"""What a call of a function can give: its parameters without those that are bound already."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def open_signature(function: Callable[..., object]) -> tuple[inspect.Signature, Any]:
    """Return the signature of a function, and the object that has its annotations.

    `inspect.signature` shows a keyword that `functools.partial` binds as one with a default, which
    a caller may replace. Here a bound argument is not a parameter. A decorated function has the
    signature of the function that it wraps only if it passes any keyword on.

    Raises:
        ValueError: The signature cannot be read.
        TypeError: What is bound does not fit the function.
    """
    stated = getattr(function, "__signature__", None)
    if isinstance(function, functools.partial):
        signature, source = open_signature(function.func)
        if stated is None:
            bound: Mapping[str, object] = _bound(signature, function)
        else:
            signature, bound = stated, function.keywords
        return _without(signature, bound), source
    if inspect.ismethod(function):
        inner = function.__func__
        # A `partialmethod` of an object that is not a function. The name is that of 3.13.
        method = getattr(inner, "__partialmethod__", getattr(inner, "_partialmethod", None))
        if method is not None:
            whole = functools.partial(
                method.func, function.__self__, *method.args, **method.keywords
            )
            return open_signature(whole)
        signature, source = open_signature(inner)
        return _without(signature, list(signature.parameters)[:1]), source
    if stated is None and hasattr(function, "__wrapped__") and _passes_keywords(function):
        return open_signature(function.__wrapped__)
    is_plain = inspect.isroutine(function) or isinstance(function, type)
    if stated is None and not is_plain:
        kind = type(function)
        return open_signature(kind.__call__.__get__(function, kind))
    place: Any = function if is_plain else type(function).__call__
    if isinstance(function, type) and not any(map(inspect.get_annotations, function.__mro__)):
        place = place.__init__
    return inspect.signature(function, follow_wrapped=False), place


def _bound(signature: inspect.Signature, partial: functools.partial[Any]) -> Mapping[str, object]:
    return signature.bind_partial(*partial.args, **partial.keywords).arguments


def _without(signature: inspect.Signature, names: Any) -> inspect.Signature:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    left = [
        parameter
        for name, parameter in signature.parameters.items()
        if name not in names or parameter.kind in variable
    ]
    return signature.replace(parameters=left)


def _passes_keywords(function: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    except ValueError:
        # It is compiled, such as that of `functools.lru_cache`.
        return True
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
