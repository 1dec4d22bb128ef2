"""Functions as tools: their JSON schemas, and calls with the arguments that the model wrote."""

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
from typing_extensions import NotRequired, Self

from tokenwire._pydantic import (
    Cache,
    CacheTime,
    Model,
    Str,
    base_init,
    read_json,
    shown_cause,
    validation_error,
)
from tokenwire.errors import LlmConfigError
from tokenwire.tools.docstrings import read_docstring
from tokenwire.tools.json_schema import (
    adapter_for,
    record_adapter,
    schema_of,
    shown_default,
)
from tokenwire.tools.json_schema import strict_form as in_strict_form
from tokenwire.tools.signatures import open_signature

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tool(Model):
    """A tool: a name, a description and a JSON schema, with or without a function.

    Args:
        name: The name that the model uses.
        description: What the tool does and when to use it.
        parameters: The JSON schema of the arguments, which must be an object's. Taken from
            `function` if not given.
        strict: Whether the provider must hold the model to the schema; None lets the provider
            decide.
        function: What `call` calls. It is not part of a dump.
        cache: True or ``"1h"`` asks the provider to keep the tools up to this one in its cache, for
            its usual time or for an hour, if its API has a place for that.

    Raises:
        LlmConfigError: An argument does not exist, or the function cannot be a tool.
        LlmValidationError: A value has the wrong type.
    """

    model_config = ConfigDict(extra="forbid")

    name: Str
    description: Str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    strict: bool | None = None
    function: Callable[..., Any] | None = Field(default=None, exclude=True, repr=False)
    cache: Cache = None

    @base_init
    def __init__(
        self,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, object] | None = None,
        *,
        strict: bool | None = None,
        function: Callable[..., object] | None = None,
        cache: CacheTime | None = None,
        **unknown: object,
    ) -> None:
        if parameters is None and function is not None:
            parameters = parameters_of(function)
        super().__init__(
            name=name,
            description=description,
            parameters=parameters,
            strict=strict,
            function=function,
            cache=cache,
            **unknown,
        )

    @classmethod
    def from_function(
        cls,
        function: Callable[..., object],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool | None = None,
        cache: CacheTime | None = None,
    ) -> Self:
        """Make a tool from a function. Arguments given here replace its name and docstring.

        Raises:
            LlmConfigError: The function cannot be a tool; the message says why.
        """
        return cls(
            name=name or name_of(function),
            description=description or description_of(function),
            strict=strict,
            function=function,
            cache=cache,
        )

    def call(self, arguments: str) -> object:
        """Check the arguments and call the function, as `call_tool` does."""
        return call_tool(self, arguments)


# What may be passed as a tool of a request.
ToolLike: TypeAlias = Tool | Callable[..., object] | Mapping[str, object]


def tool_schema(tool: ToolLike, *, strict_form: bool = True) -> dict[str, Any]:
    """Return the tool as OpenAI writes it: ``{"type": "function", "function": {…}}``.

    The key `cache` follows if the tool has one.

    Args:
        tool: A function or method (async too), a pydantic model or dataclass whose fields are the
            arguments, a `Tool`, or a dict. A dict with a `type` is passed on as it is; one with
            `function` gets the type "function"; one with `name` is wrapped as such a function,
            unless it has an `input_schema`, as Anthropic's tools do. One whose values are all
            objects or lists is Gemini's own, and passed on as it is.
        strict_form: Whether the parameters of a strict tool are written in OpenAI's strict form.

    Returns:
        The dict. Its contents are cached and shared between calls: do not change them.

    Raises:
        LlmConfigError: This cannot be a tool; the message names the parameter and the reason.
    """
    if isinstance(tool, Mapping):
        return _named_function(tool)
    strict = cache = None
    if isinstance(tool, Tool):
        name, description, parameters = tool.name, tool.description, tool.parameters
        strict, cache = tool.strict, tool.cache
    elif callable(tool):
        name, description, parameters = name_of(tool), description_of(tool), parameters_of(tool)
    else:
        raise LlmConfigError(
            f"a tool must be a function, a Tool or a dict, not {type(tool).__name__}"
        )
    if strict and strict_form:
        try:
            parameters = in_strict_form(parameters)
        except LlmConfigError as error:
            raise LlmConfigError(f"tool {name!r}: {error}") from error
    function: dict[str, Any] = {"name": name}
    if description:
        function["description"] = description
    function["parameters"] = parameters
    if strict is not None:
        function["strict"] = strict
    return {"type": "function", "function": function, **_cached(cache)}


def _cached(cache: object) -> dict[str, object]:
    return {"cache": cache} if cache else {}


def _named_function(tool: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a tool that is a dict. Without a type it is a function, as in Mistral's SDK."""
    if tool.get("type") is not None:
        return dict(tool)
    if "function" in tool:
        return {**tool, "type": "function"}
    if "name" in tool and "input_schema" in tool:
        return dict(tool)
    if "name" in tool:
        function = {name: tool[name] for name in tool if name not in ("type", "cache")}
        return {"type": "function", "function": function, **_cached(tool.get("cache"))}
    if tool and all(isinstance(value, (Mapping, list)) for value in tool.values()):
        # One of Gemini's own, such as {"googleSearch": {}}.
        return dict(tool)
    raise LlmConfigError(
        "a tool that is a dict needs `type`, `function`, or `name` and `parameters`"
    )


def name_of(function: Callable[..., object]) -> str:
    """Return the name under which the model sees a function.

    Raises:
        LlmConfigError: Providers do not accept its name, such as a lambda's.
    """
    name = _plain_name(_unwrapped(function))
    if not _NAME.fullmatch(name):
        raise LlmConfigError(
            f"{name!r} is not a valid tool name; use Tool.from_function(f, name=…)"
        )
    return name


def description_of(function: Callable[..., object]) -> str:
    """Return a function's docstring up to its first section; empty if it has none."""
    return _spec(function).description


def parameters_of(function: Callable[..., object]) -> dict[str, Any]:
    """Return the JSON schema of a function's arguments. It is cached as long as the function lives.

    A parameter without an annotation takes any value. Descriptions come from
    ``Annotated[…, Field(description=…)]``, or else from ``Annotated[…, "text"]``, or else from the
    docstring, in the style of Google, NumPy or Sphinx.

    Raises:
        LlmConfigError: The function cannot be a tool; the message names the parameter.
    """
    return _spec(function).parameters


def call_tool(tool: Tool | Callable[..., object], arguments: str) -> object:
    """Check the model's arguments and call the function. An async function returns its coroutine.

    Args:
        tool: The function, or a `Tool` that has one.
        arguments: JSON text, as in `ToolCall.arguments`; ``""`` and ``"null"`` are read as ``{}``.
            What is not JSON but can mean only one thing, such as a line end in a string, is read
            too.

    Raises:
        LlmConfigError: The tool has no function, or `arguments` is not text.
        LlmDecodeError: The arguments are not JSON. The message says what is wrong, and where.
        LlmValidationError: They do not fit the function. The message names the paths and is worth
            sending back to the model.
    """
    function = tool.function if isinstance(tool, Tool) else tool
    if function is None:
        raise LlmConfigError(f"tool {getattr(tool, 'name', '')!r} has no function to call")
    if not callable(function):
        raise LlmConfigError(f"call_tool: give a function or a Tool, not {type(tool).__name__}")
    # Untyped callers pass the call itself, or `parsed_arguments`.
    given: object = arguments
    if not isinstance(given, (str, bytes, bytearray)):
        kind = type(given).__name__
        raise LlmConfigError(f"call_tool: give the JSON text, call.arguments, not {kind}")
    spec = _spec(function)
    owner = f"arguments of tool {spec.label!r}"
    given = arguments.strip()
    # Some models write null where a tool has no arguments.
    json = "{}" if given in ("", "null") else given
    values = read_json(spec.reader.validate_json, json, owner)
    if isinstance(function, type):
        # The reader of a model or dataclass has built the value already.
        return values
    if not isinstance(_unwrapped(function), type):
        return function(**values)
    try:
        return function(**values)
    except ValidationError as error:
        raise validation_error(owner, error, values) from shown_cause(error)


class _Spec:
    """What is known about a function: its description, its parameters, and their reader."""

    def __init__(self, function: Callable[..., object]) -> None:
        plain = _unwrapped(function)
        self.label = _plain_name(plain)
        if isinstance(function, type):
            self.reader = adapter_for(function)
            schema = schema_of(self.reader)
            whole = str(schema.pop("description", ""))
            self.description, notes = read_docstring(function)
            if not whole or whole != inspect.getdoc(function):
                # pydantic leaves out the docstrings that dataclasses make up.
                self.description, notes = whole, {}
            if schema.get("type") != "object":
                raise LlmConfigError(f"tool {self.label!r}: its schema is not a JSON object")
        else:
            signature, source = _signature_of(function, self.label)
            # A decorator of a partial object copies the docstring of the class.
            has_own = inspect.isroutine(plain) and plain.__doc__ != functools.partial.__doc__
            self.description, notes = read_docstring(plain if has_own else source)
            fields, defaults = _fields(signature, source, self.label)
            self.reader, schema = _reader(fields, self.label)
            for name, field in schema.get("properties", {}).items():
                field.update(defaults.get(name, {}))
        for name, field in schema.get("properties", {}).items():
            if name in notes:
                field.setdefault("description", notes[name])
        schema.pop("title", None)
        self.parameters: dict[str, Any] = schema


# A method is a new object at each access, so its specification is kept by its function.
_of_functions: WeakKeyDictionary[Callable[..., object], _Spec] = WeakKeyDictionary()
_of_methods: WeakKeyDictionary[Callable[..., object], _Spec] = WeakKeyDictionary()
# The reader of a class refers to the class, so a weak key would never go.
_spec_of_class = functools.lru_cache(maxsize=256)(_Spec)


def _spec(function: Callable[..., object]) -> _Spec:
    if isinstance(function, type):
        return _spec_of_class(function)
    kept, key = _of_functions, function
    if inspect.ismethod(function):
        kept, key = _of_methods, function.__func__
    try:
        spec = kept.get(key)
        if spec is None:
            spec = kept[key] = _Spec(function)
    except TypeError:
        # The object has no hash, or weak references to it are impossible.
        return _Spec(function)
    return spec


def _unwrapped(function: Callable[..., object]) -> Callable[..., object]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _plain_name(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _signature_of(function: Callable[..., object], label: str) -> tuple[inspect.Signature, Any]:
    try:
        return open_signature(function)
    except (ValueError, TypeError) as error:
        raise LlmConfigError(f"tool {label!r}: its signature cannot be read: {error}") from error


def _fields(
    signature: inspect.Signature, source: object, label: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the types of the arguments by name, and the defaults as their schemas show them."""
    try:
        hints = typing.get_type_hints(source, include_extras=True)
    except (ValueError, TypeError, NameError) as error:
        raise LlmConfigError(f"tool {label!r}: its signature cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    defaults = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise _bad_parameter(label, str(parameter), "name each argument instead")
        if name == "self" and not fields and _is_unbound(source):
            raise _bad_parameter(label, name, "give the method of an object, as in thing.method")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise _bad_parameter(label, name, "it must be callable by keyword")
        # A stated signature, or that of a class, may have annotations of its own.
        stated = parameter.annotation
        is_type = stated is not parameter.empty and not isinstance(stated, str)
        fields[name] = hints.get(name, stated if is_type else Any)
        if parameter.default is parameter.empty:
            continue
        if isinstance(parameter.default, FieldInfo):
            raise _bad_parameter(label, name, "write Annotated[type, Field(…)]")
        fields[name] = NotRequired[fields[name]]
        # The schema cannot show every default, but the field is optional all the same.
        defaults[name] = shown_default(parameter.default)
    return fields, defaults


def _is_unbound(source: Any) -> bool:
    """Whether a function with a parameter `self` is in the body of a class."""
    owner = getattr(source, "__qualname__", "").rpartition(".")[0]
    return bool(owner) and not owner.endswith("<locals>")


def _reader(fields: dict[str, Any], label: str) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    try:
        reader = record_adapter(label, fields)
        return reader, schema_of(reader)
    except LlmConfigError:
        # pydantic does not say which field is to blame, so each is tried alone.
        for name, field in fields.items():
            try:
                schema_of(record_adapter(name, {name: field}))
            except LlmConfigError as error:  # noqa: PERF203
                raise _bad_parameter(label, name, str(error)) from error
        raise


def _bad_parameter(label: str, name: str, reason: str) -> LlmConfigError:
    return LlmConfigError(f"tool {label!r}: parameter {name}: {reason}")
