"""Functions and types as the model sees them.

`functions` makes tools of functions and calls them, `json_schema` makes schemas and their strict
form, `docstrings` reads what a function says of its arguments, `typed_output` asks for values of a
type and reads them.
"""

from __future__ import annotations

from tokenwire.tools.functions import (
    Tool,
    ToolLike,
    call_tool,
    description_of,
    name_of,
    parameters_of,
    tool_schema,
)

__all__ = [
    "Tool",
    "ToolLike",
    "call_tool",
    "description_of",
    "name_of",
    "parameters_of",
    "tool_schema",
]
