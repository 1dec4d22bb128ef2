"""What a stream's `events()` brings. For type checkers alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from tokenwire._engine import (
        End,
        ReasoningDelta,
        RefusalDelta,
        TextDelta,
        ToolCallDelta,
        ToolCallDone,
        UsageReported,
    )

    _Piece: TypeAlias = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ToolCallDone
    Event: TypeAlias = _Piece | UsageReported | End
