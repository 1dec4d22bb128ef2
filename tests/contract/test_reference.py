"""The reference names every public name once, and documents every part of it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import tokenwire as tw

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
NAMED = [
    name
    for page in sorted(REFERENCE.glob("*.md"))
    for name in re.findall(r"^::: tokenwire\.(\S+)", page.read_text(encoding="utf-8"), re.MULTILINE)
]
PUBLIC = [name for name in tw.__all__ if not name.startswith("_")]


def test_the_reference_names_everything_public_once():
    # The page of errors lists a whole module, and so does the page of testing.
    expected = {name for name in PUBLIC if not name.endswith("Error")}
    assert len(expected) > 40
    modules = {"errors", "otel", "testing"}
    assert {name for name in NAMED if "." not in name} == expected | modules
    assert len(NAMED) == len(set(NAMED))


def parts(name):
    """Yield a public name and the public members that it defines itself."""
    found = getattr(tw, name)
    yield name, found
    if isinstance(found, type):
        for member, value in vars(found).items():
            is_code = inspect.isroutine(value) or isinstance(value, (property, classmethod))
            if not member.startswith("_") and (is_code or inspect.isdatadescriptor(value)):
                yield f"{name}.{member}", getattr(found, member)


# Attributes are documented in the class's docstring, under `Attributes:`.
def documented_in_the_class(name):
    owner, _, member = name.partition(".")
    return bool(
        re.search(rf"^\s*{member}:", inspect.getdoc(getattr(tw, owner)) or "", re.MULTILINE)
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_is_documented(name):
    silent = [
        part
        for part, value in parts(name)
        if not inspect.getdoc(value) and not documented_in_the_class(part)
    ]
    assert silent == []
