"""A lock that a fork does not leave held."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock


class ProcessLock:
    """One reentrant lock per process.

    A lock that another thread held at a fork is never released in the child, so the child uses a
    new one.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, RLock] = {}

    def current(self) -> RLock:
        """The lock of this process."""
        from os import getpid

        process = getpid()
        lock = self._locks.get(process)
        if lock is None:
            # The class behind threading.RLock, without the import of threading.
            from _thread import RLock

            # setdefault is atomic: two threads that call it at the same time get the same lock.
            lock = self._locks.setdefault(process, RLock())
        return lock

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy it as a new lock."""
        return ProcessLock, ()
