"""`Plan`: what a name comes to, before a client is made of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tokenwire.catalog.provider import LlmProvider


class Plan:
    """What to make."""

    __slots__ = ("api", "key_vars", "name", "row", "settings", "text", "variables")

    def __init__(
        self,
        name: str,
        api: str,
        settings: dict[str, Any],
        key_vars: Sequence[str] | None,
        variables: Sequence[str],
    ) -> None:
        self.text: str | None = None
        # Of a provider that is the user's.
        self.row: LlmProvider | None = None
        self.api = api
        self.name = name
        self.settings = settings
        self.key_vars = key_vars
        self.variables = variables
