"""A lock that a fork does not leave held."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock


class ProcessLock:
    """One reentrant lock for each process.

    A lock that another thread held at a fork is never released in the child, so the child takes one
    of its own.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, RLock] = {}

    def own(self) -> RLock:
        """The lock of this process."""
        from os import getpid

        own = getpid()
        lock = self._locks.get(own)
        if lock is None:
            # The class that threading shows, without threading's import.
            from _thread import RLock

            # setdefault is one step: two threads that come at once get the same one.
            lock = self._locks.setdefault(own, RLock())
        return lock

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy it as a new one."""
        return ProcessLock, ()
