"""What a call gets that is refused while its request is still being sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenwire import LlmConnectionLostError, LlmError

if TYPE_CHECKING:
    from collections.abc import Callable


def outcome(call: Callable[[], object]) -> str | int:
    """Return the status of the error of a call, or its class."""
    try:
        call()
    except LlmError as error:
        return getattr(error, "status_code", None) or type(error).__name__
    return "no error"


def check_closed(seen: list[str | int], status: int, transport: str | None) -> None:
    """Check the outcomes where the server closes as soon as it has answered with `status`."""
    if transport == "general":
        # A write error can come first there: hyper reports only that (docs/connections.md).
        assert set(seen) <= {status, LlmConnectionLostError.__name__}
    else:
        assert seen == [status] * len(seen)
