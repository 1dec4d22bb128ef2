"""A bound argument of a tool is the program's: the model does not see it and cannot give it."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.tools import Tool, call_tool, tool_schema


def read_file(path: str, root: str = "/") -> str:
    """Read a file.

    Args:
        path: Where it is.
    """
    return f"{root}/{path}"


BOUND = functools.partial(read_file, root="/srv")


def passes_on(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **keywords: Any) -> Any:
        return function(*args, **keywords)

    return wrapper


class Disk:
    """Has tools of all kinds."""

    def read_file(self, path: str, root: str = "/") -> str:
        return f"{root}/{path}"

    bound = functools.partialmethod(read_file, root="/srv")
    twice = functools.partialmethod(functools.partial(read_file), root="/srv")
    passed = functools.partialmethod(passes_on(read_file), root="/srv")


class RootFirst:
    def read_file(self, root: str, path: str) -> str:
        return f"{root}/{path}"


class Reader:
    def __init__(self, **bound: str) -> None:
        self.bound = bound

    def __call__(self, path: str, root: str = "/") -> str:
        return f"{root}/{path}"


class Fixed(Reader):
    __call__ = functools.partialmethod(Reader.__call__, root="/srv")


class File(BaseModel):
    path: str
    root: str = "/"

    def __str__(self) -> str:
        return f"{self.root}/{self.path}"


@dataclasses.dataclass
class Entry:
    path: str
    root: str = "/"

    def __str__(self) -> str:
        return f"{self.root}/{self.path}"


class Plain:
    def __init__(self, path: str, root: str = "/") -> None:
        self.text = f"{root}/{path}"

    def __str__(self) -> str:
        return self.text


def root_first(root: str, path: str) -> str:
    return f"{root}/{path}"


def states_its_signature() -> Any:
    def tool(**keywords: str) -> str:
        return read_file(**keywords)

    tool.__signature__ = inspect.signature(read_file, eval_str=True)  # type: ignore[attr-defined]
    return functools.partial(tool, root="/srv")


def fixes_an_argument(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(path: str) -> Any:
        return function(path, root="/srv")

    return wrapper


TOOLS = {
    "partial": BOUND,
    "nested": functools.partial(functools.partial(read_file, root="/srv")),
    "bound again": functools.partial(functools.partial(read_file, root="/"), root="/srv"),
    "named": functools.update_wrapper(functools.partial(read_file, root="/srv"), read_file),
    "named and nested": functools.partial(
        functools.update_wrapper(functools.partial(read_file, root="/srv"), read_file)
    ),
    "wrapped": passes_on(BOUND),
    "wrapped twice": passes_on(passes_on(BOUND)),
    "cached": functools.lru_cache(BOUND),
    "by position": functools.partial(root_first, "/srv"),
    "by position, named": functools.update_wrapper(
        functools.partial(root_first, "/srv"), root_first
    ),
    "method": functools.partial(Disk().read_file, root="/srv"),
    "method by position": functools.partial(RootFirst().read_file, "/srv"),
    "partial method": Disk().bound,
    "partial method of a partial": Disk().twice,
    "partial method of a wrapper": Disk().passed,
    "object": functools.partial(Reader(), root="/srv"),
    "object with a partial method": Fixed(),
    "bound function": types.MethodType(root_first, "/srv"),
    "stated signature": states_its_signature(),
    "decorator": fixes_an_argument(read_file),
    "model": functools.partial(File, root="/srv"),
    "dataclass": functools.partial(Entry, root="/srv"),
    "class": functools.partial(Plain, root="/srv"),
}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
@pytest.mark.parametrize("form", [lambda tool: tool, lambda tool: Tool("read", function=tool)])
def test_a_bound_argument_is_neither_in_the_schema_nor_the_model_s_to_give(tool, form):
    tool = form(tool)
    assert list(parameters(tool)) == ["path"]
    assert str(call_tool(tool, '{"path": "a"}')) == "/srv/a"
    with pytest.raises(LlmValidationError, match="root"):
        call_tool(tool, '{"path": "a", "root": "/etc"}')


def parameters(tool: Any) -> dict[str, Any]:
    if not isinstance(tool, Tool):
        tool = Tool.from_function(tool, name="read")
    properties: dict[str, Any] = tool_schema(tool)["function"]["parameters"]["properties"]
    return properties


@pytest.mark.parametrize("name", TOOLS)
def test_a_parameter_that_is_left_keeps_its_type(name):
    assert parameters(TOOLS[name])["path"]["type"] == "string"


@pytest.mark.parametrize("name", ["partial", "named", "wrapped", "cached", "decorator"])
def test_a_parameter_that_is_left_keeps_its_description(name):
    assert parameters(TOOLS[name])["path"]["description"] == "Where it is."


def test_a_stated_schema_does_not_open_a_bound_argument():
    stated = {"type": "object", "properties": {"path": {}, "root": {}}}
    tool = Tool("read", parameters=stated, function=BOUND)
    with pytest.raises(LlmValidationError, match="root"):
        tool.call('{"path": "a", "root": "/etc"}')


def test_a_binding_that_does_not_fit_is_refused():
    extra: dict[str, Any] = {"extra": 1}
    with pytest.raises(LlmConfigError, match=r"'read_file': its signature cannot be read.*extra"):
        tool_schema(functools.partial(read_file, **extra))


def test_what_a_class_with_a_bound_argument_refuses_is_worth_sending_back():
    class Even(BaseModel):
        number: int
        unit: str

        @field_validator("number")
        @classmethod
        def _is_even(cls, number: int) -> int:
            if number % 2:
                raise ValueError("it must be even")
            return number

    with pytest.raises(LlmValidationError, match=r"arguments of tool 'Even': number: .* even"):
        call_tool(functools.partial(Even, unit="m"), '{"number": 3}')
