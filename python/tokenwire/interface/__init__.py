"""The interface of all clients, and what it does for custom clients.

Read `defaults` first: the methods that ask a model, and how each falls back on another. `interface`
adds the rest: `run`, `parse`, `map` and more. `map` runs many calls at once, `reask` reads
typed output and asks again, and `custom` creates custom clients for a factory.
"""

from __future__ import annotations

from tokenwire.interface.interface import LlmClientInterface

__all__ = ["LlmClientInterface"]
