"""The public path of typed output, which is defined in `tokenwire.tools.typed_output`."""

from __future__ import annotations

from tokenwire.tools.typed_output import parse_reply, reask_message, response_format_for

__all__ = ["parse_reply", "reask_message", "response_format_for"]
