"""A bounded mapping of clients, so that asking twice for the same thing makes it once."""

from __future__ import annotations

from tokenwire.errors import LlmConfigError
from tokenwire.process_lock import ProcessLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from tokenwire.interface.interface import LlmClientInterface

    Client = TypeVar("Client", bound=LlmClientInterface)


class PoolStats:
    """What a pool did so far.

    Attributes:
        size: Clients that it holds now.
        hits: How often a client was there.
        misses: How often one was made.
        evicted: How often the one unused for longest was let go, to make room.
    """

    __match_args__ = ("size", "hits", "misses", "evicted")
    __slots__ = ("evicted", "hits", "misses", "size")

    def __init__(self, size: int, hits: int, misses: int, evicted: int) -> None:
        self.size = size
        self.hits = hits
        self.misses = misses
        self.evicted = evicted

    def to_dict(self) -> dict[str, int]:
        """The numbers by name."""
        return {name: getattr(self, name) for name in self.__match_args__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PoolStats) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the numbers."""
        return f"PoolStats({', '.join(f'{k}={v}' for k, v in self.to_dict().items())})"


class ClientPool:
    """Clients by what makes them differ; safe across threads, event loops and forks.

    Connections belong to the process and not to a client, so a client that makes room is let go and
    never closed: whoever holds it goes on, be a call of it live or not.

    Args:
        max_clients: Most clients that are held; the one unused for longest makes room.
    """

    def __init__(self, max_clients: int = 256) -> None:
        if type(max_clients) is not int or max_clients < 1:
            raise LlmConfigError(f"max_clients: {max_clients!r} is not a whole number from 1")
        self.max_clients = max_clients
        self._clients: dict[object, Any] = {}
        self._hits = self._misses = self._evicted = 0
        # Reentrant, because `make` may run code that asks this pool again.
        self._lock = ProcessLock()

    def get(self, key: object, make: Callable[[], Client]) -> Client:
        """The client of this key, made if there is none or if it was closed.

        Args:
            key: What makes this client differ; equal and hashable, and without a secret in clear.
            make: Called at most once for a key, however many threads ask.
        """
        with self._lock.own():
            # Taken out and put back: a dict keeps the order, and the first is the oldest.
            client: Client | None = self._clients.pop(key, None)
            if client is None or getattr(client, "_closed", False):
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
        """What the pool did so far."""
        with self._lock.own():
            return PoolStats(len(self._clients), self._hits, self._misses, self._evicted)

    def close_all(self) -> None:
        """Close every client that is held: calls in flight go on, later ones are refused.

        The pool stays usable and makes new ones.
        """
        with self._lock.own():
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def __len__(self) -> int:
        """How many clients are held."""
        return len(self._clients)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the bound: clients and counts are this process's."""
        return type(self), (self.max_clients,)
