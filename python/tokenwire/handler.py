"""The public path of `tokenwire.streaming.handler` and `tokenwire.streaming.tee`."""

from __future__ import annotations

from tokenwire.streaming.handler import StreamingHandler
from tokenwire.streaming.tee import Tee, TeeReader

__all__ = ["StreamingHandler", "Tee", "TeeReader"]
