"""A file over its limit covers two subjects, and a file's name says what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_LIMIT, TEST_LIMIT = 400, 600
NAMES_THAT_SAY_NOTHING = {"base2", "common", "helper", "helpers", "manager", "misc", "stuff"} | {
    "util",
    "utils",
}

PROGRAMS = [
    path
    for folder, suffixes in {
        "python": (".py", ".pyi"),
        "tests": (".py",),
        "benches": (".py", ".rs"),
        "examples": (".py",),
        "scripts": (".py", ".sh"),
        "rust": (".rs",),
    }.items()
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in suffixes and "target" not in path.parts
]


def is_test(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return (
        "tests" in parts
        or path.stem == "tests"
        or (path.name.startswith("test_") and path.suffix == ".py")
    )


@pytest.mark.parametrize(
    ("suffix", "tests", "at_least"),
    [
        pytest.param(".rs", False, 15, id="rust-sources"),
        pytest.param(".py", False, 10, id="python-sources"),
        pytest.param(".py", True, 8, id="python-tests"),
        pytest.param(".pyi", False, 1, id="stub"),
    ],
)
def test_the_scan_sees_the_project(suffix, tests, at_least):
    seen = [path for path in PROGRAMS if path.suffix == suffix and is_test(path) == tests]
    assert len(seen) >= at_least, "the files have moved, so these tests check nothing"


def test_no_file_is_over_its_limit():
    too_long = {}
    for path in PROGRAMS:
        # The stub lists the compiled module, whose own files are within their limits.
        if path.suffix == ".pyi":
            continue
        limit = TEST_LIMIT if is_test(path) else SOURCE_LIMIT
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > limit:
            too_long[str(path.relative_to(ROOT))] = f"{lines} lines, at most {limit}"
    assert too_long == {}


def test_names_say_something():
    named = {
        str(path.relative_to(ROOT))
        for path in PROGRAMS
        for part in path.relative_to(ROOT).with_suffix("").parts
        if part.strip("_") in NAMES_THAT_SAY_NOTHING
    }
    assert named == set()
