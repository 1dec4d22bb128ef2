"""The tree of errors: its shape, its fields, and that pickling keeps them."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tokenwire import errors
from tokenwire.errors import KINDS, LlmAPIError, LlmError

ERRORS_PY = Path(errors.__file__)


def drawn() -> dict[str, tuple[str, ...]]:
    """Each class with its parents, in order, as the module's docstring draws them."""
    tree: dict[str, tuple[str, ...]] = {}
    above: list[str] = []
    line_of = re.compile(r"^(    (?:[| ]   )*?)(?:\+-- )?(Llm\w+) *(?:\((\w+)\)|(Exception)$)?")
    for line in (errors.__doc__ or "").splitlines():
        if found := line_of.match(line):
            depth = (found.start(2) - 4) // 4
            above[depth:] = [found[2]]
            parents = (above[depth - 1] if depth else None, found[3], found[4])
            tree[found[2]] = tuple(parent for parent in parents if parent)
    return tree


TREE = drawn()
CLASSES = [getattr(errors, name) for name in TREE]

FIELDS = {
    "attempts": (frozenset({"one"}), frozenset({"two"})),
    "retryable": True,
    "request_id": "req_1",
    "headers": {"cf-ray": "8a1-FRA"},
    "provider": "openai",
    "model": "gpt",
    "partial": {"text": ["so far"]},
    "phase": "body",
    "retry_budget_exhausted": True,
    "status_code": 429,
    "type": "server_error",
    "code": "overloaded",
    "param": "messages",
    "body": b'{"error":{}}',
    "retry_after": 1.5,
    "response": {"text": ""},
    "problems": ("a[0]: wrong",),
}


@pytest.mark.parametrize("cls", CLASSES)
def test_a_message_does_not_steer_a_terminal(cls):
    error = cls("a\x1b[2J\x9b\u202e\u200b\udc80 ü👩\u200d🚀\n\tb")
    shown = "a\\u{1b}[2J\\u{9b}\\u{202e}\\u{200b}\\udc80 ü👩\u200d🚀\n\tb"
    assert (str(error), error.message, error.args) == (shown, shown, (shown,))
    assert str(pickle.loads(pickle.dumps(error))) == shown
    assert cls("a", problems=("a", "b\x1b")).problems == ("a", "b\\u{1b}")
    assert cls(type("Text", (str,), {})("a\x1b")).args == ("a\\u{1b}",)


def test_tree_is_as_documented():
    assert TREE["LlmError"] == ("Exception",)
    assert TREE["LlmDNSError"] == ("LlmConnectionError",)
    assert TREE["LlmModelNotFoundError"] == ("LlmAPIError", "LlmModelError")
    assert len(TREE) >= 35
    found = {
        name: tuple(parent.__name__ for parent in value.__bases__)
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, LlmError)
    }
    assert found == TREE


def test_every_class_but_the_bases_has_its_own_kind():
    bases = {"LlmError", "LlmTimeoutError", "LlmStreamingError"}
    assert sorted(kind.__name__ for kind in KINDS.values()) == sorted(TREE.keys() - bases)


def test_kinds_are_those_of_the_engine():
    source = ERRORS_PY.parents[2] / "rust/core/src/error.rs"
    if not source.exists():
        pytest.skip("the engine's source is not here")
    body = source.read_text().partition("pub enum ErrorKind {")[2].partition("}")[0]
    lines = [line.split('"') for line in body.splitlines() if line.strip()[:1].isupper()]
    assert list(KINDS) == [word for _, word, _ in lines]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_all_fields(kind, protocol):
    error = kind("message", **FIELDS)
    again = pickle.loads(pickle.dumps(error, protocol))
    assert (type(again), again.args, vars(again)) == (kind, ("message",), FIELDS)


@pytest.mark.parametrize("kind", CLASSES)
def test_deepcopy_keeps_all_fields_and_shares_nothing_mutable(kind):
    error = kind("message", **FIELDS)
    again = copy.deepcopy(error)
    assert (type(again), again.args, vars(again)) == (kind, ("message",), FIELDS)
    assert again.partial is not error.partial


@pytest.mark.parametrize("kind", CLASSES)
def test_text_is_only_the_message(kind):
    error = kind("give a model", **FIELDS)
    shown = (str(error), error.message, error.args, repr(error))
    assert shown == (
        "give a model",
        "give a model",
        ("give a model",),
        f"{kind.__name__}('give a model')",
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_fields_that_were_not_given_have_their_defaults(kind):
    error = kind("message")
    found = {name: getattr(error, name) for name in FIELDS if hasattr(error, name)}
    expected = dict.fromkeys(found)
    expected.update(attempts=(), retryable=False, retry_budget_exhausted=False, headers={})
    if "problems" in found:
        expected["problems"] = ()
    assert found == expected


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, LlmAPIError)])
def test_api_errors_have_a_status_even_without_a_reply(kind):
    assert kind("message").status_code is None


def test_unknown_field_is_refused_by_name():
    with pytest.raises(TypeError, match=r"LlmConfigError.* 'retriable'"):
        errors.LlmConfigError("message", retriable=True)  # type: ignore[call-arg]


def test_raised_and_caught_as_the_standard_classes():
    for kind, standard in [
        (errors.LlmConfigError, ValueError),
        (errors.LlmDecodeError, ValueError),
        (errors.LlmStallTimeoutError, TimeoutError),
    ]:
        with pytest.raises(standard):
            raise kind("message")


def test_importing_it_imports_nothing_heavy():
    program = (
        "import sys; before = set(sys.modules)\n"
        f"source = compile(open({str(ERRORS_PY)!r}).read(), 'errors.py', 'exec')\n"
        "module = type(sys)('errors'); exec(source, module.__dict__)\n"
        "print(sorted(set(sys.modules) - before))"
    )
    flags = ["-I", "-S", "-c", program]
    done = subprocess.run([sys.executable, *flags], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['__future__']")
