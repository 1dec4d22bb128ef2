"""Functions as tools: their JSON schemas, and calling them with what the model wrote."""

from __future__ import annotations

import functools
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from pydantic import ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import from_json, to_jsonable_python
from typing_extensions import NotRequired, Self

from tokenwire._pydantic import Model, Str, base_init, given, validation_error
from tokenwire.errors import LlmConfigError, LlmDecodeError
from tokenwire.tools.docstrings import read_docstring
from tokenwire.tools.json_schema import adapter_for, record_adapter, schema_of, strict_form

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
        return call_tool(self, arguments)


# What stands for a tool in a request.
ToolLike: TypeAlias = Tool | Callable[..., object] | Mapping[str, object]


def tool_schema(tool: ToolLike) -> dict[str, Any]:
    """The tool as OpenAI writes it: ``{"type": "function", "function": {…}}``.

    Args:
        tool: A function or method (async too), a pydantic model or dataclass whose fields are the
            arguments, a `Tool`, or a dict: with a `type` it passes as it is, one of `name` and
            `parameters` is wrapped.

    Returns:
        The dict. What it holds is kept and shared between calls: do not change it.

    Raises:
        LlmConfigError: This cannot be a tool; the message names the parameter and the reason.
    """
    if isinstance(tool, Tool):
        function = {"name": tool.name, "description": tool.description}
        return _schema(function, tool.parameters, strict=tool.strict)
    if isinstance(tool, Mapping):
        return _schema_of_dict(tool)
    if not callable(tool):
        raise LlmConfigError(f"a tool is a function, a Tool or a dict, not {type(tool).__name__}")
    function = {"name": name_of(tool), "description": description_of(tool)}
    return _schema(function, parameters_of(tool))


def name_of(function: Callable[..., object]) -> str:
    """The name under which the model sees a function.

    Raises:
        LlmConfigError: It has none that providers take, such as a lambda.
    """
    inner = _inner(function)
    name = getattr(inner, "__name__", type(inner).__name__)
    if not _NAME.fullmatch(name):
        raise LlmConfigError(
            f"{name!r} is no name for a tool; wrap it: Tool.from_function(f, name=…)"
        )
    return str(name)


def description_of(function: Callable[..., object]) -> str:
    """A function's docstring before its sections; empty where it has none."""
    return _spec(function).description


def parameters_of(function: Callable[..., object]) -> dict[str, Any]:
    """The JSON schema of a function's arguments, kept per function as long as that lives.

    A parameter without an annotation takes anything. Descriptions come from
    ``Annotated[…, Field(description=…)]``, else from the docstring's ``Args:``.

    Raises:
        LlmConfigError: The function cannot be a tool; the message names the parameter.
    """
    return _spec(function).parameters


def call_tool(tool: Tool | Callable[..., object], arguments: str) -> object:
    """Checks the model's arguments and calls the function; an async one gives its coroutine.

    Args:
        tool: The function, or a `Tool` with one.
        arguments: JSON text, as in `ToolCall.arguments`; ``""`` reads as ``{}``.

    Raises:
        LlmConfigError: The tool has no function.
        LlmDecodeError: The arguments are no JSON.
        LlmValidationError: They do not fit the function; the message names the paths.
    """
    function = tool.function if isinstance(tool, Tool) else tool
    if function is None:
        raise LlmConfigError(f"tool {getattr(tool, 'name', '')!r} has no function to call")
    spec = _spec(function)
    owner = f"arguments of tool {spec.label!r}"
    text = arguments or "{}"
    try:
        values = spec.reader.validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["type"] == "json_invalid":
            raise LlmDecodeError(f"{owner}: {problem['msg']}") from error
        raise validation_error(owner, error, from_json(text)) from error
    # A model's or dataclass's reader has built the value already.
    return values if isinstance(function, type) else function(**values)


class _Spec:
    """What is known of a function."""

    def __init__(self, function: Callable[..., object]) -> None:
        inner = _inner(function)
        self.label = str(getattr(inner, "__name__", type(inner).__name__))
        if isinstance(inner, type):
            self.reader = adapter_for(inner)
            schema = schema_of(self.reader)
            self.description = str(schema.pop("description", ""))
            if schema.get("type") != "object":
                raise LlmConfigError(f"tool {self.label!r}: its fields are no JSON object")
            notes: dict[str, str] = {}
        else:
            self.description, notes = read_docstring(_documented(inner))
            fields, defaults = _fields(function, self.label)
            self.reader = _reader(fields, self.label)
            schema = schema_of(self.reader)
            for name, default in defaults.items():
                schema["properties"][name].update(default)
        schema.pop("title", None)
        for name, field in schema.get("properties", {}).items():
            if name in notes:
                field.setdefault("description", notes[name])
        self.parameters: dict[str, Any] = schema


# A method is a new object at each access, so its specification hangs on its function.
_of_functions: WeakKeyDictionary[Callable[..., object], _Spec] = WeakKeyDictionary()
_of_methods: WeakKeyDictionary[Callable[..., object], _Spec] = WeakKeyDictionary()


# The reader of a class holds that class, so a weak key would keep it for good.
_spec_of_class = functools.lru_cache(maxsize=256)(_Spec)


def _spec(function: Callable[..., object]) -> _Spec:
    if isinstance(function, type):
        return _spec_of_class(function)
    is_method = inspect.ismethod(function)
    kept = _of_methods if is_method else _of_functions
    key = function.__func__ if inspect.ismethod(function) else function
    try:
        spec = kept.get(key)
        if spec is None:
            spec = kept[key] = _Spec(function)
    except TypeError:
        # The object has no hash or takes no weak reference.
        return _Spec(function)
    return spec


def _inner(function: Callable[..., object]) -> Callable[..., object]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _documented(inner: Callable[..., object]) -> object:
    """What carries the docstring and the annotations: of an object with `__call__`, that."""
    return inner if inspect.isroutine(inner) else type(inner).__call__


def _fields(
    function: Callable[..., object], label: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The fields of the arguments by name, and what the schema says of their defaults."""
    try:
        signature = inspect.signature(function)
        hints = typing.get_type_hints(_documented(_inner(function)), include_extras=True)
    except (ValueError, TypeError, NameError) as error:
        raise LlmConfigError(f"tool {label!r}: its signature cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    defaults = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise _bad_parameter(label, str(parameter), "name each argument instead")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise _bad_parameter(label, name, "it must be callable by keyword")
        hint = hints.get(name, Any)
        if parameter.default is parameter.empty:
            fields[name] = hint
            continue
        if isinstance(parameter.default, FieldInfo):
            raise _bad_parameter(label, name, "write Annotated[type, Field(…)]")
        fields[name] = NotRequired[hint]
        try:
            defaults[name] = {"default": to_jsonable_python(parameter.default)}
        except ValueError:
            # The function has a default that JSON cannot say; that there is one stays known.
            defaults[name] = {}
    return fields, defaults


def _reader(fields: dict[str, Any], label: str) -> TypeAdapter[Any]:
    try:
        reader = record_adapter(label, fields)
        schema_of(reader)
    except LlmConfigError as error:
        # pydantic does not say which field it was, so each is tried alone.
        names = (name for name, field in fields.items() if not _has_schema(field))
        raise _bad_parameter(label, next(names, "?"), str(error)) from error
    return reader


def _has_schema(field: object) -> bool:
    try:
        schema_of(record_adapter("one", {"one": field}))
    except LlmConfigError:
        return False
    return True


def _bad_parameter(label: str, name: str, reason: str) -> LlmConfigError:
    return LlmConfigError(f"tool {label!r}: parameter {name}: {reason}")


def _schema(
    function: dict[str, Any], parameters: Mapping[str, Any], *, strict: bool | None = None
) -> dict[str, Any]:
    if not function["description"]:
        del function["description"]
    function["parameters"] = parameters
    if strict is not None:
        function["strict"] = strict
    if strict:
        try:
            function["parameters"] = strict_form(parameters)
        except LlmConfigError as error:
            raise LlmConfigError(f"tool {function['name']!r}: {error}") from error
    return {"type": "function", "function": function}


def _schema_of_dict(tool: Mapping[str, object]) -> dict[str, Any]:
    if "type" in tool:
        return dict(tool)
    if "name" in tool and "parameters" in tool:
        return {"type": "function", "function": dict(tool)}
    raise LlmConfigError("a dict tool needs a type, or a name and parameters")
