"""The `tokenwire` logger. Imported when the engine has a line to log: `logging` is slow to load."""

from __future__ import annotations

import logging
import os

LOGGER = logging.getLogger("tokenwire")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def write_log(lines: list[tuple[str, str]]) -> None:
    """Write the lines that the engine collected, each a level and a text."""
    for level, text in lines:
        LOGGER.log(_LEVELS[level], "%s", text)


def callback_failed(callback: object, error: BaseException) -> None:
    """Log that a callback of `on_call` raised. The call that it was about goes on."""
    LOGGER.error("a callback of on_call raised: %r", callback, exc_info=error)


def configure_log() -> None:
    """Log to stderr at the level of `TOKENWIRE_LOG`, unless the program has its own handler."""
    level = os.environ.get("TOKENWIRE_LOG", "").strip().lower()
    if level not in _LEVELS:
        return
    LOGGER.setLevel(_LEVELS[level])
    if not LOGGER.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        LOGGER.addHandler(handler)
