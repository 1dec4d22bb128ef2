"""Turns of phrase that are not idiomatic English appear in no docstring, comment, message or page.

STYLE.md says how we write. This list only catches what a pattern can catch.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TURNS = {
    "is not a, is not an": (
        r"(?<![Tt]here )(?<![Ww]here )\b(?:is|are|was|were|be|been) no "
        r"(?!longer\b|more\b|fewer\b|less\b|later\b|better\b|different\b|need\b|reason\b|one\b)"
        r"[a-z`*]"
    ),
    "is empty, is not one of": r"\b(?:is|are) none\b",
    "pass, report, say": (
        r"\b(?:told|tells|telling)\b(?!(?: \w+){0,4} apart)"
        r"|\btell\b(?! me\b)(?!(?: \w+){0,4} apart)"
    ),
    "abandon, release": r"\b(?:let|lets|letting) go of\b",
    "custom, your own": (
        r"\b(?:somebody|someone|nobody|one)'s own\b|\bof (?:your|our|one's) own\b"
    ),
    "respond to": r"\bheed(?:s|ed|ing)?\b",
    "retry": r"\b(?:is|are|was|were|be) tried again\b",
    "also": r"\bbeside (?:that|this)\b",
    "shared, the same": r"\b[Oo]ne and the same\b",
    "only": r"\b(?:[Nn]obody|[Nn]othing|[Nn]one|[Nn]o one) but\b",
    "no one, someone, or say who": r"\b(?:[Nn]obody|[Ss]omebody|[Aa]nybody|[Ee]verybody)\b",
    "at an unknown later time": r"\bwho knows\b",
    "the partial reply, what arrived": r"\bwhat (?:came|has come|had come)\b",
    "again": r"\banew\b|\b[Oo]nce more\b",
    "forever": r"\bfor ever\b",
    "is": (
        r"\b(?:stand|stands|stood|standing) (?:in(?! for)|on|at|there|here|beside|above|below"
        r"|among|between|once|twice|together|apart|with)\b"
        r"|\blies? (?:in|on|at|there|here|beside|between)\b"
    ),
    "remove": r"\b(?:take|takes|taken|took) away\b",
    "deliver, pass": r"\b(?:hand|hands|handed|handing) over\b",
    "must be, will be": r"\b(?:is|are|was|were) to be\b",
    "instead of, for": r"\bin the place of\b",
    "must, should, so": r"\b(?:shall|ought|hence|whence|thereof|therein|hitherto|wherein)\b",
    "available, ready": r"\bat hand\b",
}
SUFFIXES = {".py", ".pyi", ".rs", ".md", ".toml", ".sh", ".yml"}
# Those that quote the turns; results and the changelog's older entries are records.
EXEMPT = {"STYLE.md", "CHANGELOG.md", "tests/contract/test_english.py"}


def texts() -> dict[str, str]:
    folders = ("rust", "python", "tests", "docs", "benches", "examples", "scripts", ".github")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    paths += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "Makefile", ROOT / "mkdocs.yml"]
    return {
        name: path.read_text(encoding="utf-8")
        for path in paths
        if (path.suffix in SUFFIXES or path.name == "Makefile") and path.is_file()
        if (name := path.relative_to(ROOT).as_posix()) not in EXEMPT
        if not name.startswith("benches/results/") and "target" not in path.parts
    }


def test_the_text_is_idiomatic():
    read = texts()
    assert len(read) >= 400
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}, say: {instead}"
        for name, text in read.items()
        for instead, pattern in TURNS.items()
        for match in re.finditer(pattern, text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("the value is no dict", "is not a, is not an"),
        ("the event is told to `on_call`", "pass, report, say"),
        ("a call that was let go of", "abandon, release"),
        ("a client of your own", "custom, your own"),
        ("it heeds Ctrl-C", "respond to"),
        ("the rule stands in one file", "is"),
        ("nobody but the test", "only"),
    ],
)
def test_the_list_finds_its_turns(text, instead):
    assert re.search(TURNS[instead], text)


@pytest.mark.parametrize(
    "text",
    [
        "there is no key",
        "the file is no longer read",
        "two kinds that a caller can tell apart",
        "Tell me a story",
        "`LlmStream` stands for a reply",
        "standing in for a provider",
    ],
)
def test_the_list_lets_plain_english_pass(text):
    assert [name for name, pattern in TURNS.items() if re.search(pattern, text)] == []
