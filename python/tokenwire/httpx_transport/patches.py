"""Whether something has replaced the family's own transport, as mocks and instrumentation do.

respx replaces methods of httpcore's pools; pytest-httpx, httpx2-pytest, vcrpy and OpenTelemetry
replace a method of the family's transport. A method that is still the library's own is a plain
function whose globals are those of a module of that library. A wrapper has the globals of the
library that wrote it, even where `functools.wraps` copied the name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Methods:
    """The methods that mocks replace, for sync or for async clients.

    Args:
        family: `httpx` or `httpx2`.
        transport: The family's own transport, such as `HTTPTransport`.
        pools: The classes of httpcore that send requests.
        method: The method of all of them.
    """

    def __init__(
        self, family: ModuleType, *, transport: str, pools: tuple[str, ...], method: str
    ) -> None:
        self._family = family.__name__
        self._core = core_of(family)
        self._transport: Any = getattr(family, transport)
        self._pools = pools
        self._method = method

    def stock(self, **options: Any) -> Any:
        """Return a transport of the family's."""
        return self._transport(**options)

    def stock_over(self, pool: Any) -> Any:
        """Return a transport of the family's over another pool."""
        transport = object.__new__(self._transport)
        transport._pool = pool
        return transport

    def is_transport_replaced(self) -> bool:
        """Whether the method of the family's own transport is another one."""
        return not is_method_of(self._family, self._transport, self._method)

    def is_pool_replaced(self) -> bool:
        """Whether a method of httpcore's is another one."""
        from sys import modules

        core = modules.get(self._core)
        # What nothing has imported, nothing has replaced.
        return core is not None and not all(
            is_method_of(self._core, getattr(core, pool), self._method) for pool in self._pools
        )


def core_of(family: ModuleType) -> str:
    """Return the name of the module that sends the family's requests."""
    # After httpx2's `alias_httpx`, the name of `httpx` is httpx2.
    return family.__name__.replace("httpx", "httpcore")


def family_request(request: Any, family: ModuleType) -> Any:
    """Return httpcore's request as one of the family's."""
    url = request.url
    host = url.host.decode()
    return family.Request(
        request.method.decode(),
        family.URL(scheme=url.scheme.decode(), host=host, port=url.port, raw_path=url.target),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def core_response(response: Any, family: ModuleType) -> Any:
    """Return the family's response as one of httpcore's."""
    from sys import modules

    return modules[core_of(family)].Response(
        response.status_code,
        headers=response.headers.raw,
        content=response.stream,
        extensions=response.extensions,
    )


def is_method_of(package: str, kind: type, name: str) -> bool:
    """Return whether a method of a class is still the package's own."""
    return is_function_of(package, getattr(kind, name))


def is_function_of(package: str, function: Any) -> bool:
    """Return whether a function is of a package, and not one that was put in its place."""
    # A proxy around a function has its globals, but not its type.
    if type(function) is not _FUNCTION:
        return False
    module: str = function.__globals__.get("__name__", "")
    return module.partition(".")[0] == package


_FUNCTION = type(is_method_of)
