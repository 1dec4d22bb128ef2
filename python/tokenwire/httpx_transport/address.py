"""The address that a request is sent to."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def address_of(url: Any, family: ModuleType) -> str:
    """Return an address as it is sent: without user name, password and fragment.

    Raises:
        UnsupportedProtocol: The class of the family; its scheme is another one, or missing.
    """
    scheme = url.scheme
    if scheme not in ("http", "https") or not url.raw_host:
        raise family.UnsupportedProtocol(_problem(scheme, url.raw_host, family.__name__))
    return f"{scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def _problem(scheme: str, host: bytes, family: str) -> str:
    if not scheme or not host:
        return "Request URL is missing an 'http://' or 'https://' protocol."
    if scheme in ("ws", "wss"):
        return f"{scheme}:// is for WebSockets; send them with {family} itself, as in mounts="
    return f"Request URL has an unsupported protocol '{scheme}://'."
