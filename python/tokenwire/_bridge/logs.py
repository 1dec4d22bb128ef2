"""The `tokenwire` logger. Imported when the engine has a line to log: `logging` is slow to load."""

from __future__ import annotations

import logging
import os

LOGGER = logging.getLogger("tokenwire")
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# Values of a variable that switch it off.
_OFF = ("", "0", "off", "no", "false", "none")


def write_log(lines: list[tuple[str, str]]) -> None:
    """Write the lines that the engine collected, each a level and a text."""
    for level, text in lines:
        LOGGER.log(_LEVELS[level], "%s", text)


def callback_failed(callback: object, error: BaseException) -> None:
    """Log that a callback of `on_call` raised. The call that it was about goes on."""
    LOGGER.error("a callback of on_call raised: %r", callback, exc_info=error)


def configure_log() -> None:
    """Log to stderr at the level of `TOKENWIRE_LOG`, unless the program has its own handler."""
    level = _value_of("TOKENWIRE_LOG")
    if level not in _LEVELS:
        if level not in _OFF:
            LOGGER.warning("TOKENWIRE_LOG is not a level: write debug, info, warning or error")
        return
    LOGGER.setLevel(_LEVELS[level])
    if not LOGGER.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        LOGGER.addHandler(handler)
    if _value_of("TOKENWIRE_LOG_BODIES") not in (*_OFF, "1"):
        LOGGER.warning("TOKENWIRE_LOG_BODIES is ignored: only 1 switches it on")


def _value_of(variable: str) -> str:
    return os.environ.get(variable, "").strip().lower()
