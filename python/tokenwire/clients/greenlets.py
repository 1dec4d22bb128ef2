"""Sync calls in a program that gevent has patched: each waits in a thread, not in the hub.

The engine waits without Python, so nothing that gevent patches sees it: a call would hold all
greenlets of its thread. Here the call runs on a native thread, and only its greenlet waits.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextvars import copy_context
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tokenwire._engine import CustomReply, LlmStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from tokenwire._engine import LlmResponse

# A call in flight has a thread. The hub's own pool has ten, which its lookups of names need.
_MAX_THREADS = 512
_pools: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
# A forked child has no threads, and gevent drops what waits for them.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_pools.clear)


def are_patched() -> bool:
    """Whether gevent has patched the program. For eventlet there is only a warning, once."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("socket"):
        return True
    patcher: Any = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("socket"):
        _warn_of_eventlet()
    return False


@lru_cache(1)
def _warn_of_eventlet() -> None:
    warnings.warn(
        "eventlet has patched this program: a sync call of tokenwire holds all green threads of it "
        "until it ends; call it by eventlet.tpool.execute, or use native threads",
        RuntimeWarning,
        stacklevel=2,
    )


def waiting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same while other greenlets run."""
    return partial(_in_thread, function)


def stream(inner: LlmStream) -> LlmStream:
    """Return the stream in a form for greenlets."""
    return _GreenletStream(CustomReply(provider="", model=""), inner)


def _in_thread(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function on a native thread while other greenlets run. Errors are raised here."""
    from gevent._hub_local import get_hub_if_exists  # type: ignore[import-not-found,import-untyped,unused-ignore]

    hub = get_hub_if_exists()
    if hub is None:
        # A native thread without greenlets.
        return function(*arguments, **keywords)
    if hub not in _pools:
        from gevent.threadpool import ThreadPool  # type: ignore[import-not-found,import-untyped,unused-ignore]

        _pools[hub] = ThreadPool(_MAX_THREADS, hub=hub)
    call = partial(copy_context().run, function, *arguments, **keywords)
    value, error = _pools[hub].spawn(_outcome, call).get()
    if error is None:
        return value
    try:
        raise error
    finally:
        del error


def _outcome(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Keep an error as a value: gevent prints those that are raised in a thread."""
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 (the greenlet raises it)
        return None, error


class _GreenletStream(LlmStream):
    """A stream of the engine, each step of which waits in a thread."""

    def __init__(self, _reply: CustomReply, inner: LlmStream) -> None:
        self._inner = inner

    def __enter__(self) -> Self:
        _in_thread(self._inner.__enter__)
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __next__(self) -> Any:
        item = _in_thread(next, self._inner, None)
        if item is None:
            raise StopIteration
        return item

    @property
    def text_stream(self) -> Iterator[str]:
        return _steps(self._inner.text_stream)

    def events(self) -> Iterator[Any]:
        return _steps(self._inner.events())

    def batches(self) -> Iterator[Any]:
        return _steps(self._inner.batches())

    def partial(self, kind: Any = None) -> Any:
        values: Any = self._inner.partial(kind)
        values.texts = _steps(values.texts)
        return values

    @property
    def response(self) -> LlmResponse[Any]:
        return self._inner.response

    def close(self) -> None:
        _in_thread(self._inner.close)

    def __repr__(self) -> str:
        return repr(self._inner)


def _steps(iterator: Iterator[Any]) -> Iterator[Any]:
    return iter(partial(_in_thread, next, iterator, None), None)
