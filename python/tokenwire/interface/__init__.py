"""The interface that all clients have, and what it gives to clients of your own.

`interface` is the class; `defaults` has the methods that stand on the others; `map` and `map_async`
ask many prompts at once; `reask` asks again for a value of a type; `custom` checks the constructors
of clients that a factory makes.
"""

from __future__ import annotations

from tokenwire.interface.interface import LlmClientInterface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire.types.prompt import KeySource as KeySource
    from tokenwire.types.prompt import Prompt as Prompt

__all__ = ["LlmClientInterface"]
