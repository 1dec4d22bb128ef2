"""Whether two results of openai's are the same, to whoever uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
from openai import BaseModel

import tokenwire.openai as ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.openai.both_clients import Outcome

# What an error of openai's says.
_SAID = ("status_code", "request_id", "body", "code", "param", "type", "message")


def difference(theirs: Any, built: Any, at: str = "") -> str | None:
    """Return where two objects first differ, in class, fields, order or values; None if nowhere."""
    if type(theirs) is not type(built):
        return f"{at}: {theirs!r:.200} is now {built!r:.200}"
    if isinstance(theirs, BaseModel):
        return difference(theirs.__dict__, built.__dict__, at) or difference(
            theirs.__pydantic_extra__, built.__pydantic_extra__, f"{at}+"
        )
    if isinstance(theirs, dict):
        if list(theirs) != list(built):
            return f"{at}: {list(theirs)} are now {list(built)}"
        pairs: Iterator[tuple[str, Any, Any]] = (
            (f".{name}", theirs[name], built[name]) for name in theirs
        )
    elif isinstance(theirs, list):
        if len(theirs) != len(built):
            return f"{at}: {len(theirs)} are now {len(built)}"
        both = enumerate(zip(theirs, built, strict=True))
        pairs = ((f"[{n}]", one, other) for n, (one, other) in both)
    else:
        # Compared as text, NaN equals NaN, and -0.0 differs from 0.0.
        same = repr(theirs) == repr(built)
        return None if same else f"{at}: {theirs!r:.200} is now {built!r:.200}"
    return _first(pairs, at)


def _first(pairs: Iterator[tuple[str, Any, Any]], at: str = "") -> str | None:
    found = (difference(one, other, at + name) for name, one, other in pairs)
    return next(filter(None, found), None)


def dumps(item: Any) -> list[Any]:
    """Return what becomes of an item when it is written; of an error of that, its class."""
    if not isinstance(item, BaseModel):
        return [repr(item)]
    writers: list[Callable[..., Any]] = [item.model_dump, item.model_dump_json, item.to_dict]
    return [*map(_written, writers), getattr(item, "_request_id", None)]


def _written(write: Callable[..., Any]) -> Any:
    try:
        return write(warnings=False)
    except Exception as error:  # noqa: BLE001
        return type(error)


def _error(theirs: BaseException | None, raised: BaseException | None) -> str | None:
    if type(theirs) is not type(raised):
        return f"raised {raised!r}, not {theirs!r}"
    if str(theirs) != str(raised):
        return f"says {str(raised)!r}, not {str(theirs)!r}"
    said = ((name, getattr(theirs, name, None), getattr(raised, name, None)) for name in _SAID)
    return _first(said, "error.")


def is_incomplete(outcome: Outcome) -> bool:
    """Whether it is the error that ours has for a stream which has not ended."""
    error = outcome.error
    return isinstance(error, ours.StreamIncompleteError) and isinstance(
        error, openai.APIConnectionError
    )


def unlike(theirs: Outcome, built: Outcome, *, with_dumps: bool = True) -> str | None:
    """Return how our outcome differs from openai's; None if it does not.

    That a stream which openai's client ends in silence is incomplete is left to the caller.
    """
    if theirs.is_stream is not built.is_stream:
        return f"a stream: {built.is_stream}"
    ended = (
        None if is_incomplete(built) and theirs.error is None else _error(theirs.error, built.error)
    )
    why = ended or difference(theirs.items, built.items, "items")
    return why or (_dumps(theirs, built) if with_dumps else None)


def _dumps(theirs: Outcome, built: Outcome) -> str | None:
    both = enumerate(zip(theirs.items, built.items, strict=True))
    return _first((f"dumps of item {n}", dumps(one), dumps(other)) for n, (one, other) in both)
