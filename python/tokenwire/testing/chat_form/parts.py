"""What the forms of several APIs share."""

from __future__ import annotations

from typing import Any


def rename(body: dict[str, Any], old: str, new: str) -> None:
    """Give a field another name, if it is there."""
    if old in body:
        body[new] = body.pop(old)


def single_text(parts: list[Any]) -> Any:
    """A str for a single text, as most messages are, otherwise the parts."""
    if len(parts) == 1 and isinstance(parts[0], dict) and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts
