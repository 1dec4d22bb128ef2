"""`tokenwire migrate` under its public name; the code is in `tokenwire.cli.migrate`."""

from __future__ import annotations

from tokenwire.cli.migrate import Plan, add_arguments, main, planned, run

__all__ = ["Plan", "add_arguments", "main", "planned", "run"]
