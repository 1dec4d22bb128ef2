"""The family's errors for the engine's, by kind."""

from __future__ import annotations

from tokenwire.errors import (
    LlmAPIError,
    LlmClientClosedError,
    LlmConfigError,
    LlmConnectError,
    LlmConnectionLostError,
    LlmConnectTimeoutError,
    LlmDNSError,
    LlmError,
    LlmPoolTimeoutError,
    LlmProtocolError,
    LlmProxyError,
    LlmStreamIncompleteError,
    LlmStreamingError,
    LlmTimeoutError,
    LlmTLSError,
    LlmWriteTimeoutError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

# The first class of an error's MRO that is listed counts, so a subclass needs a row only if it
# differs. What is not listed is raised as it is.
_NAMES: dict[type[LlmError], str] = {
    LlmConfigError: "LocalProtocolError",
    LlmTimeoutError: "ReadTimeout",
    LlmConnectTimeoutError: "ConnectTimeout",
    LlmPoolTimeoutError: "PoolTimeout",
    LlmWriteTimeoutError: "WriteTimeout",
    LlmConnectError: "ConnectError",
    LlmDNSError: "ConnectError",
    LlmTLSError: "ConnectError",
    LlmProxyError: "ProxyError",
    LlmAPIError: "ReadError",
    LlmConnectionLostError: "RemoteProtocolError",
    LlmProtocolError: "RemoteProtocolError",
    LlmStreamingError: "ReadError",
    LlmClientClosedError: "ReadError",
}


def name_of(error: LlmError) -> str | None:
    """Return the name of the family's class for an error; None if the error itself is raised."""
    if isinstance(error, LlmConnectionLostError) and getattr(error, "_was_reset", False):
        return "ReadError"
    return next((_NAMES[one] for one in type(error).__mro__ if one in _NAMES), None)


def raised_by(
    family: ModuleType, incomplete: Callable[[str], BaseException]
) -> Callable[[LlmError], BaseException]:
    """Return what makes the error that a caller sees from the engine's.

    Args:
        family: `httpx` or `httpx2`.
        incomplete: The class for a stream that ended before its end marker.
    """

    def error_of(error: LlmError) -> BaseException:
        if isinstance(error, LlmStreamIncompleteError):
            seen = incomplete(error.message)
            seen.__dict__.update(error.__dict__)
        else:
            name = name_of(error)
            if name is None:
                return error
            seen = getattr(family, name)(error.message)
        seen.__cause__ = error
        return seen

    return error_of


class IncompleteStream:
    """A stream that ended cleanly, but before its end marker, such as `data: [DONE]`.

    A public class adds the family's `RemoteProtocolError` and our `LlmStreamIncompleteError`.
    """

    def __reduce__(self) -> tuple[object, ...]:
        # Without the request, whose headers have the key.
        fields = {name: value for name, value in self.__dict__.items() if name != "_request"}
        return type(self), self.args, {**fields, "_request": None}  # type: ignore[attr-defined]


def closed_error(name: str) -> LlmClientClosedError:
    """Return the error for the use of a closed transport."""
    return LlmClientClosedError(f"{name} is closed; make another one")


def wrong_client(family: str, given: str, client: str, needed: str) -> LlmConfigError:
    """Return the error for a transport in a client of the other kind."""
    module = f"tokenwire.{family}"
    return LlmConfigError(
        f"transport: {module}.{given} does not work in {client} client; use {module}.{needed}"
    )


def missing(family: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a public module whose family is not installed."""

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(f"tokenwire.{family} needs {family}: pip install {family}")

    return __getattr__
