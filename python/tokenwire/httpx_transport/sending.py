"""Sending a request through the engine: the sync and the async transport."""

from __future__ import annotations

from tokenwire._engine import HttpClient
from tokenwire.httpx_transport import options
from tokenwire.httpx_transport.address import address_of
from tokenwire.httpx_transport.body import OpenBodies
from tokenwire.httpx_transport.failures import closed_error, raised_by, wrong_client
from tokenwire.httpx_transport.loops import running_loop, waiting
from tokenwire.httpx_transport.patches import Methods, core_response, family_request
from tokenwire.httpx_transport.upload import END, Declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from types import ModuleType
    from typing import Any, ClassVar, NoReturn

    from tokenwire._engine import HttpExchange, Limits, Timeout
    from tokenwire.errors import LlmConfigError


class Family:
    """httpx or httpx2, with our classes over theirs.

    Attributes:
        name: The name of our public module: `httpx` or `httpx2`.
        module: The module itself; after httpx2's `alias_httpx`, `httpx` is `httpx2`.
    """

    def __init__(
        self,
        name: str,
        module: ModuleType,
        *,
        body: Callable[[HttpExchange], Any],
        async_body: Callable[[HttpExchange], Any],
        incomplete: Any,
    ) -> None:
        self.name = name
        self.module = module
        self.body = body
        self.async_body = async_body
        self.raised = raised_by(module, incomplete)
        self.methods = Methods(
            module,
            transport="HTTPTransport",
            pools=("ConnectionPool", "HTTPProxy", "HTTPConnection"),
            method="handle_request",
        )
        self.async_methods = Methods(
            module,
            transport="AsyncHTTPTransport",
            pools=("AsyncConnectionPool", "AsyncHTTPProxy", "AsyncHTTPConnection"),
            method="handle_async_request",
        )


class Sending:
    """What the two transports share: the options, and how a request becomes an exchange.

    Args:
        verify: True, or the path of a file or folder of certificates to trust.
        cert: A client certificate: a path, (certificate file, key file) or those and a password.
        trust_env: Whether to read the environment: proxies and certificates.
        http1: Always True.
        http2: Always False.
        limits: The family's `Limits`, or ours. `max_connections` counts the connections of the
            process to one server, and `max_keepalive_connections` is not needed: idle connections
            are closed after `keepalive_expiry`. None is `tokenwire.Limits()`.
        proxy: A proxy for all requests, instead of the environment's.
        uds: The path of a unix socket to connect to, whatever the address of a request.
        local_address: Refused.
        retries: Refused, except for 0.
        socket_options: Refused.
        timeout: `tokenwire.Timeout(first_token=…, idle=…)` limits streams by their content; None
            does not. The four limits of the family come with each request.
        check_streams: Whether a stream that ends without its end marker, such as
            `data: [DONE]`, raises `StreamIncompleteError` after its last byte.

    Raises:
        LlmConfigError: An option is wrong, or cannot be offered.
    """

    family: ClassVar[Family]

    def __init__(
        self,
        *,
        verify: bool | str | PathLike[str] = True,
        cert: str | PathLike[str] | Sequence[Any] | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits | Any = None,
        proxy: Any = None,
        uds: str | PathLike[str] | None = None,
        local_address: None = None,
        retries: int = 0,
        socket_options: None = None,
        timeout: Timeout | None = None,
        check_streams: bool = True,
    ) -> None:
        options.refuse_others(
            http1=http1,
            http2=http2,
            local_address=local_address,
            retries=retries,
            socket_options=socket_options,
        )
        module = self.family.module
        self._first_token, self._idle = options.stream_limits(timeout)
        self._check = check_streams
        self._closed = False
        self._bodies = OpenBodies()
        self._client = HttpClient(
            limits=options.limits_of(limits, module),
            ca_bundle=options.ca_bundle(verify),
            client_cert=options.client_cert(cert),
            proxy=options.proxy_url(proxy, module),
            trust_env=trust_env,
            uds=None if uds is None else options.path_of(uds, "uds"),
        )
        # A function, because its variables are not shown with those of the transport.
        self._stock_options: Callable[[], dict[str, Any]] = lambda: {
            "verify": options.tls_context(options.ca_bundle(verify), options.client_cert(cert)),
            "trust_env": trust_env,
            "proxy": proxy,
            "uds": uds,
        }

    def __reduce__(self) -> NoReturn:
        name = type(self).__qualname__
        raise TypeError(f"a {name} has connections and cannot be pickled; make another one")

    def _check_open(self) -> None:
        if self._closed:
            raise closed_error(f"this {type(self).__qualname__}")

    def _end(self) -> None:
        """Refuse further requests, and end those that are going on."""
        self._closed = True
        self._bodies.end()

    def _content(self, request: Any) -> bytes | None:
        """Return the body of a request; None if it is a stream that is read while it is sent."""
        if isinstance(request.stream, self.family.module.ByteStream):
            return b"".join(request.stream)
        return None

    def _open(self, request: Any, content: bytes | None) -> HttpExchange:
        options.refuse_extensions(request.extensions, self.family.module.__name__)
        # The headers are in no local variable, which a traceback may show.
        return self._client.open(
            request.method,
            address_of(request.url, self.family.module),
            request.headers.raw,
            content,
            **options.timeouts(request.extensions),
            first_token=self._first_token,
            idle=self._idle,
            check=self._check,
            raised=self.family.raised,
        )

    def _response(self, head: tuple[int, bytes, bytes, Any], body: Any) -> Any:
        status, reason, version, headers = head
        return self.family.module.Response(
            status,
            headers=headers,
            stream=body,
            extensions={"http_version": version, "reason_phrase": reason},
        )


class SyncSending(Sending):
    """The sync transport, without its family's base class."""

    _stock: Any = None

    def handle_request(self, request: Any) -> Any:
        """Send a request and return its response, whose body is read from `stream`."""
        self._check_open()
        methods = self.family.methods
        if methods.is_pool_replaced():
            if self._stock is None:
                self._stock = methods.stock(**self._stock_options())
            return self._stock.handle_request(request)
        if methods.is_transport_replaced():
            return methods.stock_over(_Pool(self)).handle_request(request)
        return self._send(request)

    def _send(self, request: Any) -> Any:
        content = self._content(request)
        exchange = self._open(request, content)
        body = self.family.body(exchange)
        self._bodies.add(body)
        try:
            # Another thread may have closed it in between.
            self._check_open()
            if content is None:
                pieces, declared = iter(request.stream), Declared(request, self.family.module)
                while exchange.wants():
                    piece = next(pieces, END)
                    if piece is END:
                        declared.end()
                        exchange.end()
                        break
                    piece = declared.count(piece)
                    # In chunked encoding, an empty piece would end the body.
                    if piece:
                        exchange.push(piece)
            return self._response(exchange.head(), body)
        except BaseException:
            exchange.close()
            raise

    def close(self) -> None:
        """Refuse further requests, and end those that are going on."""
        self._end()
        if self._stock is not None:
            self._stock.close()

    async def handle_async_request(self, _request: Any) -> NoReturn:
        """Refuse a request of an async client."""
        raise self._wrong_client()

    async def __aenter__(self) -> NoReturn:
        raise self._wrong_client()

    async def aclose(self) -> None:
        """Close it, although it is in an async client."""
        self.close()

    def _wrong_client(self) -> LlmConfigError:
        return wrong_client(self.family.name, "Transport", "an async", "AsyncTransport")


class AsyncSending(Sending):
    """The async transport, without its family's base class. It serves any number of loops."""

    # The family's own transport belongs to the loop that it was made in: None under trio.
    _stock: tuple[object, Any] = (None, None)

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request and return its response, whose body is read from `stream`."""
        self._check_open()
        methods = self.family.async_methods
        if methods.is_pool_replaced():
            loop, stock = self._stock
            if stock is None or loop is not running_loop():
                stock = methods.stock(**self._stock_options())
                self._stock = running_loop(), stock
            return await stock.handle_async_request(request)
        if methods.is_transport_replaced():
            return await methods.stock_over(_AsyncPool(self)).handle_async_request(request)
        return await self._send(request)

    async def _send(self, request: Any) -> Any:
        wait = waiting()
        content = self._content(request)
        exchange = self._open(request, content)
        body = self.family.async_body(exchange)
        self._bodies.add(body)
        try:
            # Another thread may have closed it in between.
            self._check_open()
            if content is None:
                pieces, declared = aiter(request.stream), Declared(request, self.family.module)
                while await wait(exchange.wants_async()):
                    piece = await anext(pieces, END)
                    if piece is END:
                        declared.end()
                        exchange.end()
                        break
                    piece = declared.count(piece)
                    # In chunked encoding, an empty piece would end the body.
                    if piece:
                        exchange.push(piece)
            return self._response(await wait(exchange.head_async()), body)
        except BaseException:
            exchange.close()
            raise

    async def aclose(self) -> None:
        """Refuse further requests, and end those that are going on."""
        self._end()
        loop, stock = self._stock
        if stock is not None and loop is running_loop():
            await stock.aclose()

    def handle_request(self, _request: Any) -> NoReturn:
        """Refuse a request of a sync client."""
        raise self._wrong_client()

    def __enter__(self) -> NoReturn:
        raise self._wrong_client()

    def close(self) -> None:
        """Close it, although it is in a sync client."""
        self._end()

    def _wrong_client(self) -> LlmConfigError:
        return wrong_client(self.family.name, "AsyncTransport", "a sync", "Transport")


class _Pool:
    """The pool of a transport of the family's whose method is replaced: our transport.

    So what the replacement passes on still goes through the engine.
    """

    def __init__(self, transport: SyncSending) -> None:
        self._transport = transport

    def handle_request(self, request: Any) -> Any:
        module = self._transport.family.module
        return core_response(self._transport._send(family_request(request, module)), module)


class _AsyncPool:
    """The same as `_Pool`, for async transports."""

    def __init__(self, transport: AsyncSending) -> None:
        self._transport = transport

    async def handle_async_request(self, request: Any) -> Any:
        module = self._transport.family.module
        return core_response(await self._transport._send(family_request(request, module)), module)
