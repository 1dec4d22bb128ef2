"""Types for annotations: the first argument of a call, `api_key=` and settings of a client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from os import PathLike
from typing import Any, Literal, TypeAlias

from tokenwire.types.message import LlmMessage
from tokenwire.types.request import LlmRequest

# The first argument of `complete`, `stream` and the other calls.
Prompt: TypeAlias = str | list[Any] | tuple[Any, ...] | LlmRequest | LlmMessage
# `api_key=` may be a string, or a function that returns a key or an awaitable of one.
KeySource: TypeAlias = Callable[[], str | Awaitable[str]]
# What carries the calls of a client.
Transport: TypeAlias = Literal["auto", "direct", "general"]
_File: TypeAlias = str | PathLike[str]
# `client_cert=` may be one file, or certificate file, key file and password.
ClientCert: TypeAlias = _File | tuple[_File, _File | None] | tuple[_File, _File | None, str | None]
