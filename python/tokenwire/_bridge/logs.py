"""Where the engine's lines go. Imported when it has something to say, so logging is needed."""

from __future__ import annotations

from tokenwire.logs import callback_failed
from tokenwire.logs import configure_from_environment as configure_log
from tokenwire.logs import emit as write_log

__all__ = ["callback_failed", "configure_log", "write_log"]
