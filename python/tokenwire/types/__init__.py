"""Messages, parts and requests: what a caller passes in, checked by pydantic.

Read `parts` first, then `media` (images, audio and documents, whose content `media_source` reads
and whose types `media_types` recognizes), then `message`, which is made of them, and `request`,
which holds messages.
`params` lists the keyword arguments of a call, and `prompt` the types of its first argument, of
`api_key=` and of `transport=`; both are for annotations only.

Names are imported on first use, because pydantic takes a while to load.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire.tools.functions import Tool as Tool
    from tokenwire.tools.functions import ToolLike as ToolLike
    from tokenwire.types.media import AudioPart as AudioPart
    from tokenwire.types.media import FilePart as FilePart
    from tokenwire.types.media import ImagePart as ImagePart
    from tokenwire.types.message import AnyPart as AnyPart
    from tokenwire.types.message import LlmMessage as LlmMessage
    from tokenwire.types.message import ToolCallPart as ToolCallPart
    from tokenwire.types.message import ToolResult as ToolResult
    from tokenwire.types.message import message_from_parts as message_from_parts
    from tokenwire.types.message import tool_message as tool_message
    from tokenwire.types.params import AnyParams as AnyParams
    from tokenwire.types.params import ChatParams as ChatParams
    from tokenwire.types.params import CompletionParams as CompletionParams
    from tokenwire.types.params import RequestParams as RequestParams
    from tokenwire.types.parts import OpaquePart as OpaquePart
    from tokenwire.types.parts import ReasoningPart as ReasoningPart
    from tokenwire.types.parts import RefusalPart as RefusalPart
    from tokenwire.types.parts import TextPart as TextPart
    from tokenwire.types.prompt import KeySource as KeySource
    from tokenwire.types.prompt import Prompt as Prompt
    from tokenwire.types.request import LlmRequest as LlmRequest

# The names above, by the module that defines them; a test compares the two lists.
_HOMES = {
    "tokenwire.tools.functions": "Tool ToolLike",
    "tokenwire.types.media": "AudioPart FilePart ImagePart",
    "tokenwire.types.message": (
        "AnyPart LlmMessage ToolCallPart ToolResult message_from_parts tool_message"
    ),
    "tokenwire.types.params": "AnyParams ChatParams CompletionParams RequestParams",
    "tokenwire.types.parts": "OpaquePart ReasoningPart RefusalPart TextPart",
    "tokenwire.types.prompt": "KeySource Prompt",
    "tokenwire.types.request": "LlmRequest",
}
__all__ = [name for names in _HOMES.values() for name in names.split()]


if not TYPE_CHECKING:  # see `tokenwire`

    def __getattr__(name: str) -> object:
        home = next((home for home, names in _HOMES.items() if name in names.split()), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # `importlib` would be one more module to load.
        value: object = getattr(__import__(home, fromlist=("",)), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
