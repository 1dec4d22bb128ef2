"""Everything that the engine calls in Python, in one table.

`rust/bindings/src/ground/python.rs` is the other side: it looks a name up on first use and keeps
what it finds. Most names are functions of the packages below. Four modules exist for the engine
alone: `wake` runs the tasks of an event loop, `keys` enters streams whose key a callable returns,
`logs` writes the engine's log lines, and `schema` describes compiled classes to pydantic.
"""

from __future__ import annotations

# Every client looks KINDS up when it is made, so raising an error needs no import.
from tokenwire.errors import KINDS as KINDS

# The module and the attribute behind each name.
_HOMES = {
    "callback_failed": ("_bridge.logs", "callback_failed"),
    "configure_log": ("_bridge.logs", "configure_log"),
    "cost": ("catalog.cost", "cost_of"),
    "dumped": ("_pydantic", "dumped"),
    "enter_with_key": ("_bridge.keys", "enter_with_key"),
    "enter_with_key_async": ("_bridge.keys", "enter_with_key_async"),
    "from_chunks": ("streaming.custom_stream", "from_chunks"),
    "largest_answer": ("catalog.registry", "largest_answer"),
    "message": ("types.message", "message_from_parts"),
    "parsed": ("interface.reask", "parsed"),
    "partial": ("interface.partial", "partial"),
    "run_woken": ("_bridge.wake", "run_woken"),
    "schema": ("_bridge.schema", "schema"),
    "tool_result": ("types.message", "tool_message"),
    "wake_socket": ("_bridge.wake", "wake_socket"),
    "watch_socket": ("_bridge.wake", "watch_socket"),
    "write_log": ("_bridge.logs", "write_log"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    # `importlib` would be one more module to load.
    return getattr(__import__(f"tokenwire.{module}", fromlist=("",)), attribute)


def kind_of(error: BaseException) -> str:
    """Return the kind of an error, for `CallEvent.error_kind`; ``"other"`` if it is not ours."""
    kinds = {known: kind for kind, known in KINDS.items()}
    return next((kinds[base] for base in type(error).__mro__ if base in kinds), "other")
