"""What the parts of this package need of openai, checked when it is imported.

openai changes often. A part whose shapes are not the known ones is left to openai, with one
warning. What is loaded with openai is checked when this package is imported, the rest when it is
first used.
"""

from __future__ import annotations

from sys import modules

import openai

from tokenwire.openai import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from types import CodeType
    from typing import Any

# The major versions that the tests cover.
_TESTED = ("2", "3")


class Parts:
    """Which parts are on, and why the others are not.

    Attributes:
        streams: Whether streams are read by the engine.
        requests: Whether plain requests are sent as they are.
        replies: Whether replies are built by the validators of their classes.
        reasons: What is not known, one phrase each.
    """

    def __init__(self) -> None:
        self.reasons: list[str] = []
        major = openai.__version__.partition(".")[0]
        if major not in _TESTED:
            self.reasons.append(f"only versions {' and '.join(_TESTED)} are tested")
            self.streams = self.requests = self.replies = False
            return
        self.replies = self._holds(_replies())
        self.requests = self._holds(_requests())
        self.streams = self._holds(_streams())

    def _holds(self, reasons: Iterator[str]) -> bool:
        found = list(reasons)
        self.reasons += [reason for reason in found if reason not in self.reasons]
        return not found


def check() -> Parts:
    """Return the parts that are on, and warn once of those that are not."""
    parts = Parts()
    if parts.reasons:
        warn_of(parts.reasons)
    return parts


def warn_once(reasons: list[str]) -> None:
    """Warn of what is seen only later, the first time."""
    # What one resource has, its async twin has, too.
    if not _has_warned:
        _has_warned.append(True)
        warn_of(reasons)


_has_warned: list[bool] = []


def warn_of(reasons: list[str]) -> None:
    """Warn that something is left to openai, since it is not known."""
    from warnings import warn

    from tokenwire._engine import __version__

    is_older = openai.__version__.partition(".")[0] in ("0", "1")
    warn(
        f"tokenwire {__version__} does not know openai {openai.__version__} "
        f"({'; '.join(reasons)}), so it leaves that to openai: "
        f"upgrade {'openai' if is_older else 'tokenwire'}",
        RuntimeWarning,
        stacklevel=3,
    )


def _replies() -> Iterator[str]:
    client, model, name = openai.OpenAI, openai.BaseModel, "_process_response_data"
    yield from _parameters(client, name, known.PROCESS_PARAMETERS)
    for either in (client, openai.AsyncOpenAI):
        yield from _parameters(either, "_process_response", known.RESPONSE_PARAMETERS)
    yield from _uses(f"OpenAI.{name}", [_of(client, name)], known.PROCESS)
    config = dict(getattr(model, "model_config", ()))
    config.pop("defer_build", None)
    if config != {"extra": "allow"} or any(name in vars(model) for name in known.HOOKS):
        yield "it builds its models differently"
    module = modules.get("openai._models")
    parts = [_of(module, "construct_type"), _of(module, "_construct_field")]
    yield from _uses("BaseModel.construct", [_of(model, "construct"), *parts], known.CONSTRUCT)


def _requests() -> Iterator[str]:
    module = modules.get("openai._utils._transform")
    walk = [_of(module, name) for name in known.WALK_FUNCTIONS]
    yield from _uses("maybe_transform", walk, known.WALK)


def _streams() -> Iterator[str]:
    for client in (openai.OpenAI, openai.AsyncOpenAI):
        yield from _parameters(client, "request", known.REQUEST_PARAMETERS)
        make = _of(client, "_make_sse_decoder")
        yield from _uses(f"{client.__name__}._make_sse_decoder", [make], {"SSEDecoder"})
    for stream, iterates in ((openai.Stream, "__iter__"), (openai.AsyncStream, "__aiter__")):
        yield from _parameters(stream, "__init__", known.STREAM_PARAMETERS)
        loop = [_of(stream, "__stream__"), _of(stream, "_iter_events")]
        shown = f"the loop of {stream.__name__}"
        yield from _uses(shown, loop, known.LOOP, known.NEEDED_IN_LOOP, texts=True)
        yield from _uses(f"{stream.__name__}.{iterates}", [_of(stream, iterates)], {"_iterator"})
    step = _of(openai.AsyncStream, "__anext__")
    yield from _uses("AsyncStream.__anext__", [step], {"_iterator", "__anext__"})
    module = modules.get("openai._streaming")
    kinds = [_of(module, name) for name in ("SSEDecoder", "ServerSentEvent", "_SSELineDecoder")]
    functions = [
        function
        for kind in kinds
        for function in getattr(kind, "__dict__", {}).values()
        if type(function) is type(_of)
    ]
    yield from _uses("SSEDecoder", functions, known.DECODER, {"decode", "event"}, texts=True)
    yield from _replies()


def _parameters(owner: Any, name: str, forms: tuple[set[str], set[str]]) -> Iterator[str]:
    function, shown = _of(owner, name), f"{owner.__name__}.{name}"
    if function is _REPLACED:
        return
    code = getattr(function, "__code__", None)
    if code is None:
        yield f"{shown} is not a function"
        return
    found = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    passed, others = forms
    # The flags are CO_VARARGS and CO_VARKEYWORDS.
    if not passed <= found <= passed | others or code.co_flags & 0x0C:
        yield f"{shown} takes different arguments"


def _uses(
    shown: str,
    functions: list[Any],
    allowed: set[str],
    needed: AbstractSet[str] = frozenset(),
    *,
    texts: bool = False,
) -> Iterator[str]:
    """Yield a reason if functions use a name that is not known, or a text."""
    seen: set[str] = set()
    for function in functions:
        if function is _REPLACED:
            return
        code = getattr(function, "__code__", None)
        if code is None:
            yield f"{shown} is not a function"
            return
        _read(code, function.__doc__, seen, texts=texts)
    if not needed <= seen <= allowed:
        yield f"{shown} has changed"


def _read(code: CodeType, doc: str | None, seen: set[str], *, texts: bool) -> None:
    seen.update(code.co_names)
    for one in code.co_consts:
        if hasattr(one, "co_consts"):
            _read(one, None, seen, texts=texts)
        # Up to Python 3.10, a nested function's name is a constant.
        elif texts and isinstance(one, str) and one != doc and "<locals>" not in one:
            seen.add(one)


# A function that was replaced before this was imported: what it does is seen when it is used.
_REPLACED = object()


def _of(owner: Any, name: str) -> Any:
    """Return openai's function of a name; None without one."""
    function: Any = getattr(owner, name, None)
    # A class method is around its function.
    function = getattr(function, "__func__", function)
    # A decorator of openai's checks that arguments are there.
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    found = getattr(function, "__globals__", {}).get("__name__", "openai")
    return function if found.partition(".")[0] == "openai" else _REPLACED
