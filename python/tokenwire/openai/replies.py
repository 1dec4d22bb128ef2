"""Replies, built by the validator of their class."""

from __future__ import annotations

from functools import cache
from sys import modules
from types import MethodType

import openai

from tokenwire.httpx_transport.patches import is_function_of, is_method_of
from tokenwire.openai.validators import validator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# With this header, openai returns the response itself, whose JSON belongs to the caller.
_RAW: str | None = getattr(modules.get("openai._constants"), "RAW_RESPONSE_HEADER", None)


@cache
def _classes() -> frozenset[Any]:
    from openai.types import Completion, CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion
    from openai.types.responses import Response

    return frozenset((ChatCompletion, Completion, CreateEmbeddingResponse, Response))


class Replies:
    """A client whose replies are built by the validators of their classes, if they fit."""

    def _process_response(self, *, cast_to: Any, response: Any, **others: Any) -> Any:
        """Build a plain reply before openai parses its JSON, which takes as long as the rest."""
        is_plain = _RAW is not None and _RAW not in response.request.headers
        if is_plain and not others.get("stream"):
            built = _built(self, cast_to, response)
            if built is not None:
                response.json = _once(response, built)
        return super()._process_response(cast_to=cast_to, response=response, **others)  # type: ignore[misc]

    def _process_response_data(self, *, data: object, cast_to: Any, response: Any) -> Any:
        if isinstance(data, _Built):
            return data.reply
        built = _built(self, cast_to, response)
        if built is not None:
            return built
        return super()._process_response_data(data=data, cast_to=cast_to, response=response)  # type: ignore[misc]


class _Built:
    """A reply in place of its JSON."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply


def _once(response: Any, reply: Any) -> Any:
    """Return what stands for a response's `json` for one call."""

    def json() -> _Built:
        del response.json
        return _Built(reply)

    return json


def _built(client: Any, cast_to: Any, response: Any) -> Any:
    """Return the reply in a response; None if openai has to build it."""
    # A set of classes, some of which cannot be hashed.
    if not isinstance(cast_to, type) or client._strict_response_validation:
        return None
    if not are_of_library(response, "json"):
        return None
    if cast_to not in _classes() or not are_built_by_openai(client):
        return None
    try:
        return validator(cast_to)(response.content, strict=True)
    # It does not fit the class, or it is an event of a stream, which has no content.
    except (ValueError, RuntimeError):
        return None


def are_of_library(response: Any, *names: str) -> bool:
    """Return whether methods of a response are its library's own.

    A hook of the http client, or a subclass, may have put others in their place.
    """
    return vars(response).keys().isdisjoint(names) and any(
        all(is_function_of(library, getattr(type(response), name, None)) for name in names)
        for library in ("httpx2", "httpx")
    )


def are_built_by_openai(client: Any) -> bool:
    """Return whether the replies of a client are those of openai's own method.

    A subclass, or who has replaced the method, wants to see each reply and each event.
    """
    name = "_process_response_data"
    if name in vars(client) or not is_method_of("tokenwire", type(client), name):
        return False
    theirs: Any = getattr(super(Replies, client), name)
    construct: Any = openai.BaseModel.construct
    # A wrapper of another type has what it wraps under the same name.
    return all(
        type(method) is MethodType
        and is_function_of("openai", method.__func__)
        and is_function_of("openai", method.__func__.__globals__.get("construct_type"))
        for method in (theirs, construct)
    )
