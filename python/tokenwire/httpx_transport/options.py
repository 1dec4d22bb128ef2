"""The arguments of a transport and of a client, and what the engine is given for them."""

from __future__ import annotations

from tokenwire._engine import Limits, Timeout
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# Arguments of `Client` that are options of its transport.
OF_TRANSPORT = (
    *("verify", "cert", "trust_env", "http1", "http2", "limits", "proxy", "uds"),
    *("local_address", "retries", "socket_options", "check_streams"),
)
# The engine's longest time, which stands for none.
_A_YEAR = 365 * 86_400.0


def refuse_others(
    *, http1: bool, http2: bool, local_address: object, retries: int, socket_options: object
) -> None:
    """Refuse the options of the family's transport that this one does not have.

    Raises:
        LlmConfigError: One is set.
    """
    refused = {
        "http1=False: this transport speaks HTTP/1.1 only; leave it out": not http1,
        "http2=True: this transport speaks HTTP/1.1 only; leave it out": http2,
        "local_address: the system chooses it; leave it out": local_address is not None,
        "retries: connections are not retried here; use the client's own retries": retries,
        "socket_options: the engine sets them; leave it out": socket_options is not None,
    }
    for problem, is_set in refused.items():
        if is_set:
            raise LlmConfigError(problem)


def ca_bundle(verify: object) -> str | None:
    """Return the path of the certificates to trust; None for the environment's or the system's.

    Raises:
        LlmConfigError: It is neither True nor the path of a file or folder.
    """
    if verify is True:
        return None
    if isinstance(verify, str) or hasattr(verify, "__fspath__"):
        return _existing(verify, "verify")
    if verify is False:
        problem = "False would trust any server; give the path of the server's own certificate"
    elif type(verify).__name__ == "SSLContext":
        problem = "an SSLContext cannot be used; give the path of its root certificates, and cert="
    else:
        problem = f"give True or the path of a PEM file, not {type(verify).__name__}"
    raise LlmConfigError(f"verify: {problem}")


def client_cert(cert: object) -> tuple[str, str | None, str | None] | None:
    """Return certificate file, key file and password of a client certificate.

    Raises:
        LlmConfigError: It has another form, or a file does not exist.
    """
    if cert is None:
        return None
    if not isinstance(cert, (tuple, list)):
        return _existing(cert, "cert"), None, None
    if len(cert) not in (2, 3):
        form = "a path, (certificate file, key file) or (certificate file, key file, password)"
        raise LlmConfigError(f"cert: give {form}")
    password = cert[2] if len(cert) == 3 else None
    if isinstance(password, bytes):
        password = password.decode()
    return _existing(cert[0], "cert"), _existing(cert[1], "cert"), password


def _existing(value: Any, name: str) -> str:
    from pathlib import Path

    path = path_of(value, name)
    if not Path(path).exists():
        raise LlmConfigError(f"{name}: there is no file {path}")
    return path


def path_of(value: Any, name: str) -> str:
    """Return a path as a str.

    Raises:
        LlmConfigError: It is not a path.
    """
    from os import fspath

    try:
        path: str | bytes = fspath(value)
    except TypeError:
        raise LlmConfigError(f"{name}: give a path, not {type(value).__name__}") from None
    return path if isinstance(path, str) else path.decode()


def proxy_url(proxy: Any, family: ModuleType) -> str | None:
    """Return the address of a proxy, with its credentials.

    Raises:
        LlmConfigError: It has headers or an SSLContext of its own, or is not a proxy.
    """
    if proxy is None or isinstance(proxy, str):
        return proxy
    if isinstance(proxy, family.URL):
        return str(proxy)
    if not isinstance(proxy, family.Proxy):
        form = f"a str, {family.__name__}.URL or {family.__name__}.Proxy"
        raise LlmConfigError(f"proxy: give {form}, not {type(proxy).__name__}")
    if proxy.headers:
        raise LlmConfigError("proxy: headers cannot be sent to it; use auth= for credentials")
    if proxy.ssl_context is not None:
        raise LlmConfigError("proxy: an SSLContext cannot be used; give its certificates to verify")
    if proxy.auth is None:
        return str(proxy.url)
    return str(proxy.url.copy_with(username=proxy.auth[0], password=proxy.auth[1]))


def limits_of(limits: Any, family: ModuleType) -> Limits | None:
    """Return the engine's limits for the family's; None, its own, for None.

    How many idle connections are kept is not limited: each is closed after `keepalive_expiry`.

    Raises:
        LlmConfigError: A limit is out of range, or this is not a `Limits`.
    """
    if limits is None or isinstance(limits, Limits):
        return limits
    if not isinstance(limits, family.Limits):
        form = f"{family.__name__}.Limits(…)"
        raise LlmConfigError(f"limits: give {form}, not {type(limits).__name__}")
    if limits.max_keepalive_connections == 0:
        problem = "connections are always kept; send the header Connection: close instead"
        raise LlmConfigError(f"limits.max_keepalive_connections=0: {problem}")
    expiry = limits.keepalive_expiry
    return Limits(
        max_connections=limits.max_connections, keepalive=_A_YEAR if expiry is None else expiry
    )


def stream_limits(timeout: object) -> tuple[float | None, float | None]:
    """Return the limits of a stream: to its first content, and between two pieces of content.

    Raises:
        LlmConfigError: It is not a `tokenwire.Timeout`, or has limits that are the client's.
    """
    if timeout is None:
        return None, None
    if not isinstance(timeout, Timeout):
        problem = "this one is for streams; the four others are arguments of the client"
        raise LlmConfigError(f"timeout: give tokenwire.Timeout(first_token=…, idle=…): {problem}")
    plain = Timeout()
    for name in ("connect", "pool", "total"):
        if getattr(timeout, name) != getattr(plain, name):
            problem = "here, only first_token and idle count; the others are the client's"
            raise LlmConfigError(f"timeout.{name}: {problem}")
    return timeout.first_token, timeout.idle


def split_options(options: dict[str, Any], family: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of the transport and those of the family's client.

    Raises:
        LlmConfigError: There is a transport already.
    """
    if options.get("transport") is not None:
        problem = f"tokenwire.{family} provides it; use {family} itself for another one"
        raise LlmConfigError(f"transport: {problem}")
    ours = {name: options[name] for name in OF_TRANSPORT if name in options}
    theirs = {
        name: value for name, value in options.items() if name not in ours and name != "transport"
    }
    if isinstance(timeout := theirs.get("timeout"), Timeout):
        ours["timeout"] = timeout
        # The family's own limits must not be reached before those that know content.
        limits = (timeout.first_token, timeout.idle)
        longest = None if None in limits else max(limit for limit in limits if limit is not None)
        theirs["timeout"] = (timeout.connect, longest, longest, timeout.pool)
    # The client reads ~/.netrc and the like with it, too.
    if "trust_env" in ours:
        theirs["trust_env"] = ours["trust_env"]
    return ours, theirs


def tls_context(bundle: str | None, cert: tuple[str, str | None, str | None] | None) -> Any:
    """Return what the family's own transport takes as `verify` for the same certificates."""
    if bundle is None and cert is None:
        return True
    import ssl
    from pathlib import Path

    if bundle is not None and Path(bundle).is_dir():
        context = ssl.create_default_context(capath=bundle)
    else:
        context = ssl.create_default_context(cafile=bundle)
    if cert is not None:
        context.load_cert_chain(*cert)
    return context


def timeouts(extensions: Any) -> dict[str, float | None]:
    """Return the four limits of a request."""
    given = extensions.get("timeout") or {}
    return {name: given.get(name) for name in ("connect", "read", "write", "pool")}


def refuse_extensions(extensions: Any, family: str) -> None:
    """Refuse what a request asks of its transport and this one does not do.

    Raises:
        LlmConfigError: The request has such an extension.
    """
    for name in ("sni_hostname", "target"):
        if name in extensions:
            problem = f"is not supported; send this request with {family} itself"
            raise LlmConfigError(f"extensions[{name!r}] {problem}")
