"""How an event loop runs the tasks that the engine woke. Imported at a loop's first wait."""

from __future__ import annotations

from tokenwire.wake import arm as watch_socket
from tokenwire.wake import pair as wake_socket
from tokenwire.wake import run as run_woken

__all__ = ["run_woken", "wake_socket", "watch_socket"]
