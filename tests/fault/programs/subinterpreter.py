"""Imports the engine in a second interpreter, which must be refused, and continues in the first."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any

import tokenwire

# Coverage starts in every program by itself, but fails in a second interpreter.
os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
# Until Python 3.14 this module is private.
warnings.simplefilter("ignore")
name = "_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters"
interpreters: Any = importlib.import_module(name)
CODE = f"""
import sys
sys.path[:] = {sys.path!r}
try:
    import tokenwire._engine
except ImportError:
    pass
else:
    raise SystemError("imported")
"""
assert tokenwire.Timeout().connect == 10
one = interpreters.create()
failure = interpreters.run_string(one, CODE)
interpreters.destroy(one)
assert failure is None, failure
assert tokenwire.ChatClient("sim:chat").run("hi")
