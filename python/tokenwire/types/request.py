"""A whole request as a value: the prompt or messages, and the arguments of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    field_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import Self, Unpack

from tokenwire._pydantic import CONFIG_PROBLEM, Model, Str, base_init, dumped
from tokenwire.errors import LlmConfigError, LlmError
from tokenwire.tools.functions import Tool, tool_schema
from tokenwire.tools.typed_output import response_format_for
from tokenwire.types.message import LlmMessage, Role
from tokenwire.types.params import OutputMode  # noqa: TC001, pydantic reads it

if TYPE_CHECKING:
    from tokenwire.types.params import AnyParams

Prompt: TypeAlias = str | list[str] | list[int] | list[list[int]]

_ROLES = frozenset(get_args(Role))

_Int = Annotated[int, Strict()]
_Float = Annotated[float, Strict()]
_Bool = Annotated[bool, Strict()]


def _prompt_kind(value: object) -> str | None:
    if isinstance(value, str):
        return "str"
    if not isinstance(value, (list, tuple)):
        return None
    first = value[0] if value else ""
    if isinstance(first, str):
        return "strings"
    return "token_lists" if isinstance(first, (list, tuple)) else "tokens"


# The first item decides which kind it is. So problems stay on one line, and lists of tokens cheap.
_Prompt = Annotated[
    Annotated[Str, Tag("str")]
    | Annotated[list[Str], Tag("strings")]
    | Annotated[list[_Int], Tag("tokens")]
    | Annotated[list[list[_Int]], Tag("token_lists")],
    Discriminator(
        _prompt_kind,
        custom_error_type="prompt_type",
        custom_error_message="a prompt must be a string, token ids, or a list of either",
    ),
]


def _message_kind(value: object) -> str | None:
    """Separate our messages, dumped ones too, from dicts that are sent as they are."""
    if isinstance(value, LlmMessage):
        return "message"
    if _is_dumped(value):
        return "dict"
    if not isinstance(value, Mapping):
        return None
    ours = "parts" in value or isinstance(value.get("content"), str)
    return "message" if ours and value.get("role") in _ROLES else "dict"


def _is_dumped(value: object) -> bool:
    """Whether it is a message of the caller's own, such as one of the official SDKs."""
    is_own = hasattr(value, "model_dump") or hasattr(value, "__dataclass_fields__")
    return is_own and not isinstance(value, type)


def _as_dict(value: object) -> object:
    return dumped(value) if _is_dumped(value) else value


def _with_role(value: dict[str, Any]) -> dict[str, Any]:
    # An item of Responses, such as the output of a call, has a type instead.
    if not isinstance(value.get("role", value.get("type")), str):
        raise PydanticCustomError("message_role", "a message needs a role")
    return value


_Message = Annotated[
    Annotated[LlmMessage, Tag("message")]
    | Annotated[dict[str, Any], BeforeValidator(_as_dict), AfterValidator(_with_role), Tag("dict")],
    Discriminator(
        _message_kind,
        custom_error_type="message_type",
        custom_error_message="a message must be an LlmMessage, a dict or a pydantic model",
    ),
]


def _check_tool(value: object) -> object:
    if isinstance(value, (Tool, Mapping)) or callable(value):
        return value
    raise PydanticCustomError("tool_type", "a tool must be a function, a Tool or a dict")


def _name_of_tool(value: object) -> object:
    if isinstance(value, Tool) or callable(value):
        return tool_schema(value)["function"]["name"]
    return value


class LlmRequest(Model):
    """A prompt or messages with arguments, for `complete`, `stream` and `parse`.

    Give either `prompt` or `messages`. A dict in `messages` whose content is a string becomes an
    `LlmMessage`, which is sent in the same form. Any other dict stays as it is. The other
    arguments are those of a call (`ChatParams`, `CompletionParams`); only those that you give are
    sent.

    The result of `model_dump()` contains the schemas of the functions and models in `tools` and
    `response_format`. A request that is loaded from it is sent in the same form, but it cannot call
    the functions or parse the reply.

    Raises:
        LlmConfigError: An argument does not exist (the message names the nearest one), or `prompt`
            and `messages` are both given or both missing.
        LlmValidationError: A value has the wrong type or is not finite; the message names its path.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    prompt: _Prompt | None = None
    messages: list[_Message] | None = None

    max_tokens: _Int | None = None
    max_completion_tokens: _Int | None = None
    temperature: _Float | None = None
    top_p: _Float | None = None
    top_k: _Int | None = None
    stop: Str | list[Str] | None = None
    seed: _Int | None = None
    random_seed: _Int | None = None
    n: _Int | None = None
    logprobs: _Bool | _Int | None = None
    top_logprobs: _Int | None = None
    frequency_penalty: _Float | None = None
    presence_penalty: _Float | None = None
    logit_bias: dict[Str | _Int, _Float] | None = None
    tools: list[Annotated[Any, BeforeValidator(_check_tool)]] | None = None
    tool_choice: Annotated[Str | dict[Str, Any] | None, BeforeValidator(_name_of_tool)] = None
    parallel_tool_calls: _Bool | None = None
    response_format: Any = None
    output_mode: OutputMode | None = None
    reasoning_effort: Str | None = None
    verbosity: Str | None = None
    user: Str | None = None
    metadata: dict[Str, Any] | None = None
    prompt_cache_key: Str | None = None
    store: _Bool | None = None
    previous_response_id: Str | None = None
    conversation: Str | dict[Str, Any] | None = None
    background: _Bool | None = None

    suffix: Str | None = None
    echo: _Bool | None = None
    best_of: _Int | None = None

    model: Str | None = None
    # Seconds or a compiled Timeout. The engine checks it, so that there is one rule.
    timeout: Any = None
    max_retries: _Int | None = None
    # Not in the repr, because they may hold keys. A dump has them.
    headers: dict[Str, Str] | None = Field(default=None, repr=False)
    stream_usage: _Bool | None = None
    drop_unsupported: _Bool | None = None
    think_tags: _Bool | None = None
    extra_body: dict[Str, Any] | None = None
    extra_headers: dict[Str, Str] | None = Field(default=None, repr=False)
    extra_query: dict[Str, Any] | None = Field(default=None, repr=False)

    @base_init
    def __init__(
        self,
        prompt: Prompt | Sequence[LlmMessage | Mapping[str, object]] | None = None,
        messages: Sequence[LlmMessage | Mapping[str, object]] | None = None,
        **params: Unpack[AnyParams],
    ) -> None:
        first = prompt[0] if isinstance(prompt, (list, tuple)) and prompt else None
        if messages is None and (isinstance(first, Mapping) or _is_dumped(first)):
            prompt, messages = None, prompt
        try:
            super().__init__(prompt=prompt, messages=messages, **params)
        except LlmError:
            # Headers and query may be secret, and a traceback may show local variables.
            params.clear()  # type: ignore[attr-defined]
            raise
        if "timeout" in params:
            # Here None is a value: no limit.
            self.model_fields_set.add("timeout")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise PydanticCustomError(CONFIG_PROBLEM, "give either prompt= or messages=, not both")
        return self

    def split(self) -> tuple[Prompt | list[LlmMessage | dict[str, Any]], dict[str, Any]]:
        """Split into the prompt or messages, and the arguments that were given.

        Returns:
            The prompt or the messages, and the arguments by name, as they were given. None counts
            as not given, except for `timeout`, where it means no limit.
        """
        asked = self.prompt if self.messages is None else self.messages
        if asked is None:
            # Only an assignment after construction leads here.
            raise LlmConfigError("LlmRequest: give either prompt= or messages=, not both")
        arguments = self.model_fields_set - {"prompt", "messages"}
        return asked, {
            name: value
            for name, value in self
            if name in arguments and (value is not None or name == "timeout")
        }

    @field_serializer("messages")
    def _dump_messages(self, messages: list[_Message] | None) -> list[dict[str, Any]] | None:
        # When the dump is loaded, the key `parts` marks a message as ours, not the provider's.
        if messages is None:
            return None
        return [m if isinstance(m, dict) else _dump_message(m) for m in messages]

    @field_serializer("tools", when_used="json-unless-none")
    def _dump_tools(self, tools: list[Any]) -> list[dict[str, Any]]:
        return [tool_schema(tool) for tool in tools]

    @field_serializer("response_format", when_used="json-unless-none")
    def _dump_response_format(self, target: type | dict[str, Any]) -> dict[str, Any]:
        return response_format_for(target)


def _dump_message(message: LlmMessage) -> dict[str, Any]:
    dump = message.model_dump(exclude_unset=False)
    if isinstance(dump["content"], list):
        return {("parts" if key == "content" else key): value for key, value in dump.items()}
    return dump
