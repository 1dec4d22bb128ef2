"""A tool that a model may call."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003, pydantic reads the annotations of fields
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field
from typing_extensions import Self

from tokenwire.types._base import Model, Str, base_init, given

if TYPE_CHECKING:
    from collections.abc import Mapping


class Tool(Model):
    """A tool by name, description and JSON schema, with or without the function behind it.

    Args:
        name: The name that the model uses.
        description: What it does and when to use it.
        parameters: JSON schema of the arguments, an object's; from `function` where not given.
        strict: Whether the provider must hold the model to the schema; None leaves it to the
            provider.
        function: What `call` calls; not part of a dump.

    Raises:
        LlmConfigError: An argument does not exist, or the function cannot be a tool.
        LlmValidationError: A value has a wrong type.
    """

    model_config = ConfigDict(extra="forbid")

    name: Str
    description: Str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    strict: bool | None = None
    function: Callable[..., Any] | None = Field(default=None, exclude=True, repr=False)

    @base_init
    def __init__(
        self,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, object] | None = None,
        *,
        strict: bool | None = None,
        function: Callable[..., object] | None = None,
        **unknown: object,
    ) -> None:
        if parameters is None and function is not None:
            from tokenwire.tools import parameters_of

            parameters = parameters_of(function)
        fields = given(
            name=name,
            description=description,
            parameters=parameters,
            strict=strict,
            function=function,
        )
        super().__init__(**fields, **unknown)

    @classmethod
    def from_function(
        cls,
        function: Callable[..., object],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool | None = None,
    ) -> Self:
        """A tool from a function, its name and docstring; what is given here wins.

        Raises:
            LlmConfigError: The function cannot be a tool; the message says why.
        """
        from tokenwire.tools import description_of, name_of

        return cls(
            name=name or name_of(function),
            description=description or description_of(function),
            strict=strict,
            function=function,
        )

    def call(self, arguments: str) -> object:
        """Checks the model's arguments and calls the function; an async one gives its coroutine.

        Args:
            arguments: JSON text, as in `ToolCall.arguments`.

        Raises:
            LlmConfigError: The tool has no function.
            LlmValidationError: The arguments do not fit the function; the message names the path
                and is worth sending back to the model.
        """
        from tokenwire.tools import call_tool

        return call_tool(self, arguments)
