"""What `tokenwire` exports exists, is documented, and is all that `dir` shows."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import types
from pathlib import Path

import pytest

import tokenwire
import tokenwire.types


def has_docstring(thing: object) -> bool:
    if isinstance(thing, type):
        return bool(vars(thing).get("__doc__"))  # not inherited
    return bool(inspect.getdoc(thing))


def test_every_name_is_exported_once():
    assert len(tokenwire.__all__) >= 20
    assert sorted(set(tokenwire.__all__)) == sorted(tokenwire.__all__)


@pytest.mark.parametrize("name", tokenwire.__all__)
def test_every_exported_name_exists_and_is_documented(name):
    thing = getattr(tokenwire, name)
    if isinstance(thing, type | types.FunctionType | types.BuiltinFunctionType):
        assert has_docstring(thing), f"tokenwire.{name} has no docstring"


def test_dir_shows_public_names_only():
    submodules = set(tokenwire._SUBMODULES)
    # Modules that are loaded later do not appear either.
    importlib.import_module("tokenwire.clients.base")
    shown = {name for name in dir(tokenwire) if not re.fullmatch(r"__\w+__", name)}
    assert shown == {*tokenwire.__all__, *submodules} - {"__version__"}
    assert {"__doc__", "__name__", "__version__"} < set(dir(tokenwire))
    assert len(dir(tokenwire)) == len(set(dir(tokenwire)))


@pytest.mark.parametrize("package", [tokenwire, tokenwire.types])
def test_type_checkers_see_the_names_that_are_exported(package):
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    homes = {
        alias.name: node.module
        for node in imports
        for alias in node.names
        # Without the alias, a type checker takes the name as private.
        if node.module != "tokenwire" and alias.name == alias.asname
    }
    assert homes == {
        name: home if home.startswith("tokenwire.") else f"tokenwire.{home}"
        for home, names in package._HOMES.items()
        for name in names.split()
    }
    assert len(homes) >= 20
    assert set(homes) == set(package.__all__)


def test_type_checkers_see_the_submodules():
    tree = ast.parse(Path(tokenwire.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules = [alias for node in imports if node.module == "tokenwire" for alias in node.names]
    # Nothing in the package may import these two, so a program that uses them names them.
    seen = [name for name in tokenwire._SUBMODULES if name not in ("legacy", "migrate")]
    assert [alias.asname for alias in modules] == seen
    for name in tokenwire._SUBMODULES:
        assert getattr(tokenwire, name) is importlib.import_module(f"tokenwire.{name}")


def test_an_unknown_name_is_an_attribute_error():
    unknown = "no_such_name"
    with pytest.raises(AttributeError, match=unknown):
        getattr(tokenwire, unknown)


@pytest.mark.parametrize("name", [name for name in tokenwire.__all__ if name[0].isupper()])
def test_every_public_method_is_documented(name):
    cls = getattr(tokenwire, name)
    if not isinstance(cls, type):
        return
    undocumented = [
        method
        for method, value in vars(cls).items()
        if not method.startswith("_")
        and (callable(value) or isinstance(value, property))
        and not has_docstring(value)
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("errors", ["KINDS", "LlmError"]),
        ("handler", ["StreamingHandler", "TeeReader"]),
        ("httpx", ["AsyncClient", "AsyncTransport", "Client", "Transport"]),
        ("httpx2", ["AsyncClient", "AsyncTransport", "Client", "Transport"]),
        ("interface", ["LlmClientInterface"]),
        ("legacy", ["install", "uninstall", "use_config", "use_defaults"]),
        ("metrics", ["MetricsCollector", "MetricsSnapshot", "ModelMetrics"]),
        ("migrate", ["main", "planned"]),
        (
            "openai",
            ["AsyncOpenAI", "OpenAI", "StreamIncompleteError", "install", "langchain", "uninstall"],
        ),
        ("otel", ["instrument"]),
        ("parsing", ["parse_reply", "reask_message", "response_format_for"]),
        ("pytest_plugin", []),
        ("registry", ["cost_of", "shared"]),
        ("testing", ["SimServer", "block_network", "fake"]),
        ("tools", ["call_tool", "tool_schema"]),
        ("types", ["AnyParams", "LlmRequest", "Prompt", "RequestParams"]),
    ],
)
def test_the_module_paths_in_the_documents_exist(module, names):
    found = importlib.import_module(f"tokenwire.{module}")
    assert [name for name in names if not hasattr(found, name)] == []
