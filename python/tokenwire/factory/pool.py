"""A bounded dict of clients, so that the same client is created only once."""

from __future__ import annotations

from types import SimpleNamespace

from tokenwire.errors import LlmConfigError
from tokenwire.process_lock import ProcessLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from tokenwire.interface.interface import LlmClientInterface

    Client = TypeVar("Client", bound=LlmClientInterface)


class PoolStats(SimpleNamespace):
    """The counts of a pool.

    Attributes:
        size: Clients in the pool now.
        hits: How often a client was found.
        misses: How often a client was created.
        evicted: How often the least recently used client was removed to make room.
    """

    size: int
    hits: int
    misses: int
    evicted: int
    __match_args__ = ("size", "hits", "misses", "evicted")

    def __init__(self, size: int, hits: int, misses: int, evicted: int) -> None:
        super().__init__(size=size, hits=hits, misses=misses, evicted=evicted)

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return dict(vars(self))


class ClientPool:
    """Clients by key; safe across threads, event loops and forks.

    Connections belong to the process and not to a client. A client that is removed to make room is
    therefore not closed, and its calls go on.

    Args:
        max_clients: Size of the pool. The least recently used client is removed to make room.
    """

    def __init__(self, max_clients: int = 256) -> None:
        if type(max_clients) is not int or max_clients < 1:
            raise LlmConfigError(
                f"max_clients: {max_clients!r} is not a whole number of at least 1"
            )
        self.max_clients = max_clients
        self._clients: dict[object, Any] = {}
        self._hits = self._misses = self._evicted = 0
        # Reentrant, because `make` may run code that calls this pool again.
        self._lock = ProcessLock()

    def get(self, key: object, make: Callable[[], Client]) -> Client:
        """The client of this key, or a new one if it is missing or closed.

        Args:
            key: Equal for equal clients only, hashable, and without a secret in clear text.
            make: Called at most once for a key, however many threads ask.
        """
        with self._lock.current():
            # Removed and added again: a dict keeps the order, and the first is the oldest.
            client: Client | None = self._clients.pop(key, None)
            # One that found its key later has what the environment held then.
            is_stale = getattr(client, "_closed", False) or getattr(client, "_found_late", False)
            if client is None or is_stale:
                client = make()
                self._misses += 1
            else:
                self._hits += 1
            self._clients[key] = client
            while len(self._clients) > self.max_clients:
                del self._clients[next(iter(self._clients))]
                self._evicted += 1
            return client

    def stats(self) -> PoolStats:
        """The counts so far."""
        with self._lock.current():
            return PoolStats(len(self._clients), self._hits, self._misses, self._evicted)

    def close_all(self) -> None:
        """Close every client: calls in flight go on, later ones are refused.

        The pool stays usable and creates new clients.
        """
        with self._lock.current():
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def __len__(self) -> int:
        return len(self._clients)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle only the bound: clients and counts belong to this process."""
        return type(self), (self.max_clients,)
