"""The `tokenwire` logger. Imported when the engine has something to say, so logging is needed."""

from __future__ import annotations

import logging
import os

LOGGER = logging.getLogger("tokenwire")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def write_log(lines: list[tuple[str, str]]) -> None:
    """Write what the engine gathered: (level, text)."""
    for level, text in lines:
        LOGGER.log(_LEVELS[level], "%s", text)


def callback_failed(callback: object, error: BaseException) -> None:
    """Write that a callback of `on_call` raised; its caller's call goes on."""
    LOGGER.error("a callback of on_call raised: %r", callback, exc_info=error)


def configure_log() -> None:
    """Follow `TOKENWIRE_LOG`: a handler on stderr at that level, unless the program has its own."""
    wanted = os.environ.get("TOKENWIRE_LOG", "").strip().lower()
    if wanted not in _LEVELS:
        return
    LOGGER.setLevel(_LEVELS[wanted])
    if not LOGGER.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        LOGGER.addHandler(handler)
