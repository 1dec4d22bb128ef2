"""Each of the engine's kinds of errors has its own Python class."""

from __future__ import annotations

import re
from pathlib import Path

import tokenwire
from tokenwire import errors

SOURCE = Path(__file__).resolve().parents[2] / "rust" / "core" / "src" / "error.rs"


def kinds_of_the_engine() -> list[str]:
    found = re.search(
        r"pub enum ErrorKind \{(.*?)\n\}", SOURCE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found, f"no `pub enum ErrorKind` in {SOURCE}"
    return re.findall(r'^ {8}[A-Z]\w* = "(\w+)",$', found[1], re.MULTILINE)


def test_each_kind_of_the_engine_has_a_class():
    kinds = kinds_of_the_engine()
    assert len(kinds) >= 30, "the enum was not found, so this test checks nothing"
    assert sorted(kinds) == sorted(errors.KINDS)


def test_every_class_is_an_llm_error_and_no_two_kinds_share_one():
    classes = list(errors.KINDS.values())
    assert all(issubclass(cls, errors.LlmError) for cls in classes)
    assert len(set(classes)) == len(classes)


def test_every_class_is_exported():
    names = {cls.__name__ for cls in errors.KINDS.values()}
    assert names - set(tokenwire.__all__) == set()
