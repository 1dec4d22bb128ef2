"""The errors of streams: openai's and ours in one."""

from __future__ import annotations

from functools import cache

import openai

from tokenwire import errors
from tokenwire.errors import LlmError, LlmStreamIncompleteError, LlmTimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What an error of openai's holds besides its message.
_THEIRS = ("request", "body", "code", "param", "type")


class _Failed:
    """What the classes of this module share."""

    # openai's constructor sets it, and in our base it is a property that cannot be set.
    message: str = ""

    def __reduce__(self) -> tuple[object, ...]:
        # Without the request, whose headers have the key.
        fields = {name: value for name, value in vars(self).items() if name != "request"}
        ours = next(one for one in type(self).__mro__[1:] if one.__module__ == LlmError.__module__)
        return _revived, (ours, str(self), fields)


@cache
def error_class(ours: type[LlmError]) -> Any:
    """Return the class for one of our errors, which is a connection error of openai's as well."""
    theirs = (
        openai.APITimeoutError if issubclass(ours, LlmTimeoutError) else openai.APIConnectionError
    )
    # `APITimeoutError` takes no message, so the constructor is that of its base.
    body = {
        "__module__": "tokenwire.openai",
        "__doc__": ours.__doc__,
        "__init__": openai.APIConnectionError.__init__,
    }
    return type(ours.__name__.removeprefix("Llm"), (_Failed, theirs, ours), body)


if TYPE_CHECKING:

    class StreamIncompleteError(openai.APIConnectionError, LlmStreamIncompleteError):
        """The stream ended before it was complete."""
else:
    StreamIncompleteError = error_class(LlmStreamIncompleteError)


def error_named(name: str) -> Any:
    """Return the class of a name, such as `ConnectionLostError`; None if no error has it."""
    ours: Any = getattr(errors, f"Llm{name}", None)
    is_ours = isinstance(ours, type) and issubclass(ours, LlmError)
    return error_class(ours) if is_ours else None


def error_of(error: BaseException, request: Any) -> BaseException:
    """Return what a reader of a stream sees for an error; one of another origin stays as it is.

    Args:
        error: What the transport raised, or what openai made of it.
        request: The request of the stream.
    """
    ours: BaseException | None = error
    theirs = None
    while ours is not None and not isinstance(ours, LlmError):
        ours, theirs = ours.__cause__, ours
    if ours is None:
        return error
    # The family's error for an incomplete stream is ours already.
    kind: Any = next(one for one in type(ours).__mro__ if one.__module__ == LlmError.__module__)
    seen: BaseException = error_class(kind)(message=ours.message, request=request)
    fields = {name: value for name, value in vars(ours).items() if not name.startswith("_")}
    vars(seen).update((name, value) for name, value in fields.items() if name not in _THEIRS)
    # As with openai, the error of the library that it sends with, whose own cause is ours.
    seen.__cause__ = theirs or (ours if type(ours) is kind else ours.__cause__)
    return seen


def _revived(ours: Any, message: str, fields: dict[str, Any]) -> BaseException:
    error: BaseException = error_class(ours)(message=message, request=None)
    vars(error).update(fields)
    return error
