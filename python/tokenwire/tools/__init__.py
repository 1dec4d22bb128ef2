"""Python functions and types as the model sees them.

`functions` turns functions into tools and calls them, with the help of `signatures` and
`docstrings`. `typed_output` asks for a value of a type and reads it. Both get their schemas from
`json_schema`, to which `descriptions` adds what annotations say. `growing` makes the value while
its text arrives, by the `shapes` of types: `nodes` and `records` hold what there is of a value.
"""

from __future__ import annotations

from tokenwire.tools.functions import Tool as Tool
from tokenwire.tools.functions import ToolLike as ToolLike
from tokenwire.tools.functions import call_tool as call_tool
from tokenwire.tools.functions import description_of as description_of
from tokenwire.tools.functions import name_of as name_of
from tokenwire.tools.functions import parameters_of as parameters_of
from tokenwire.tools.functions import tool_schema as tool_schema
