"""Replies, built by the validator of their class."""

from __future__ import annotations

from functools import cache

from tokenwire.httpx_transport.patches import is_function_of, is_method_of
from tokenwire.openai.validators import validator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire.openai.validators import Validate


@cache
def _validators() -> dict[Any, Validate]:
    from openai.types import Completion, CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion
    from openai.types.responses import Response

    return {
        kind: validator(kind)
        for kind in (ChatCompletion, Completion, CreateEmbeddingResponse, Response)
    }


class Replies:
    """A client whose replies are built by the validators of their classes, if they fit."""

    def _process_response_data(self, *, data: object, cast_to: Any, response: Any) -> Any:
        # A set of classes, some of which cannot be hashed.
        if isinstance(cast_to, type) and not self._strict_response_validation:  # type: ignore[attr-defined]
            validate = _validators().get(cast_to)
            if validate is not None and are_built_by_openai(self):
                try:
                    return validate(response.content, strict=True)
                # It does not fit the class, or it is an event of a stream, which has no content.
                except (ValueError, RuntimeError):
                    pass
        return super()._process_response_data(data=data, cast_to=cast_to, response=response)  # type: ignore[misc]


def are_built_by_openai(client: Any) -> bool:
    """Return whether the replies of a client are those of openai's own method.

    A subclass, or who has replaced the method, wants to see each reply and each event.
    """
    name = "_process_response_data"
    if not is_method_of("tokenwire", type(client), name):
        return False
    theirs = getattr(super(Replies, client), name)
    # A wrapper of another type has what it wraps under the same name.
    return is_function_of("openai", theirs.__func__ if type(theirs) is _METHOD else None)


_METHOD = type(Replies()._process_response_data)
