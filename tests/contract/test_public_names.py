"""What `tokenwire` exports exists, is documented, and is all there is."""

from __future__ import annotations

import importlib
import inspect
import types

import pytest

import tokenwire


def has_own_doc(thing: object) -> bool:
    if isinstance(thing, type):
        return bool(vars(thing).get("__doc__"))  # not the parent's
    return bool(inspect.getdoc(thing))


def test_the_list_is_sorted_and_not_empty():
    assert len(tokenwire.__all__) >= 20
    assert sorted(set(tokenwire.__all__)) == sorted(tokenwire.__all__)


@pytest.mark.parametrize("name", tokenwire.__all__)
def test_every_exported_name_exists_and_is_documented(name):
    thing = getattr(tokenwire, name)
    if isinstance(thing, type | types.FunctionType | types.BuiltinFunctionType):
        assert has_own_doc(thing), f"tokenwire.{name} has no doc string"


def test_dir_shows_every_exported_name():
    assert set(tokenwire.__all__) <= set(dir(tokenwire))


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
        and not has_own_doc(value)
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("errors", ["KINDS", "LlmError"]),
        ("handler", ["StreamingHandler", "TeeReader"]),
        ("interface", ["LlmClientInterface"]),
        ("legacy", ["install", "uninstall", "use_config", "use_defaults"]),
        ("metrics", ["MetricsCollector", "MetricsSnapshot", "ModelMetrics"]),
        ("migrate", ["main", "planned"]),
        ("otel", ["instrument"]),
        ("parsing", ["parse_reply", "reask_message", "response_format_for"]),
        ("pytest_plugin", []),
        ("registry", ["cost_of", "shared"]),
        ("testing", ["SimServer", "block_network", "fake"]),
        ("tools", ["call_tool", "tool_schema"]),
        ("types", ["AnyParams", "LlmRequest", "Prompt", "RequestParams"]),
    ],
)
def test_the_paths_that_the_documents_name_are_modules(module, names):
    found = importlib.import_module(f"tokenwire.{module}")
    assert [name for name in names if not hasattr(found, name)] == []
