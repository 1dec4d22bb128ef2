"""The handler of streams by its public path; it stands in `tokenwire.streaming`."""

from __future__ import annotations

from tokenwire.streaming.handler import StreamingHandler
from tokenwire.streaming.tee import Tee, TeeReader

__all__ = ["StreamingHandler", "Tee", "TeeReader"]
