"""What makes a client differ from another: the key under which a factory keeps it."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire.factory.plan import Plan

_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def identity(plan: Plan) -> bytes:
    """What makes a client differ, as a keyed hash: neither a key nor a header stands in it."""
    if plan.text is None:
        settings = _frozen(plan.settings) if plan.settings else ()
        plan.text = repr((plan.api, plan.name, settings, plan.key_vars))
    text = plan.text
    if plan.variables:
        from os import environ

        text += repr([environ.get(name) for name in plan.variables])
    if _engine.is_intercepted():
        # Made without key or address, it must not be found once calls go where they belong.
        text += "intercepted"
    keyed = (_process.get("hash") or _keyed_hash()).copy()
    keyed.update(text.encode("utf-8", "surrogatepass"))
    digest: bytes = keyed.digest()
    return digest


def _frozen(value: Any) -> object:
    """A value whose `repr` is equal for equal settings, and only for those."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Secret):
        return ("secret", value.reveal())
    if isinstance(value, dict):
        return ("dict", sorted((repr(name), _frozen(item)) for name, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", [_frozen(item) for item in value])
    if isinstance(value, (_engine.Timeout, _engine.Limits, _engine.RetryPolicy)):
        return (kind.__name__, _frozen(value.to_dict()))
    # A function, a type, a tool: the client holds it, so its number is nobody else's meanwhile.
    return ("object", kind.__name__, id(value))


# Made once for the process: threads that come at once get the same, since `setdefault` is one step.
_process: dict[str, Any] = {}


def _keyed_hash() -> Any:
    """A hash that this process has the key of: nobody can try out what went in."""
    try:
        # hashlib loads OpenSSL, which takes longer than all that is done here.
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    from os import urandom

    return _process.setdefault("hash", blake2b(key=urandom(16), digest_size=16))
