"""What the engine calls in Python, in one place.

The other side of each name stands in `rust/bindings/src/ground/python.rs`. The engine looks a name
up when it first needs it, and keeps what it finds. `KINDS` stands here: each client looks it up
when it is made, so that raising an error takes no import. `values` makes what only Python can make
(messages, costs), `logs` writes what the engine has to say, and `wake` runs the tasks of an event
loop.
"""

from __future__ import annotations

from tokenwire.errors import KINDS as KINDS

_MODULES = {
    "cost": "values",
    "enter_with_key": "values",
    "enter_with_key_async": "values",
    "from_chunks": "values",
    "kind_of": "values",
    "message": "values",
    "parsed": "values",
    "schema": "values",
    "tool_result": "values",
    "callback_failed": "logs",
    "configure_log": "logs",
    "write_log": "logs",
    "run_woken": "wake",
    "wake_socket": "wake",
    "watch_socket": "wake",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The import system's own function: importlib is not loaded in every process.
    return getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
