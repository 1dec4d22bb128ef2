"""mypy --strict and pyright pass over the blocks of the documents, and see the types of results."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract import document_blocks, typed_calls

# What a document says to write is complete, but a package in it may be made up.
MYPY = ("--strict", "--implicit-reexport", "--disable-error-code=import-not-found", "--no-pretty")
PYRIGHT = {"typeCheckingMode": "standard", "reportMissingImports": False}
PLACE = re.compile(r"(?m)^\s*(?:\S*/)?(\w+\.py):(\d+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@pytest.fixture(scope="module")
def places(folder: Path) -> dict[str, tuple[Path, int]]:
    return document_blocks.write_modules(folder)


def in_documents(output: str, places: dict[str, tuple[Path, int]]) -> str:
    """Name the lines of the documents instead of those of the modules made of them."""

    def place(match: re.Match[str]) -> str:
        document, offset = places.get(match[1], (Path(match[1]), 0))
        return f"{document}:{int(match[2]) + offset}"

    return PLACE.sub(place, output)


def checked(command: list[str], folder: Path, places: dict[str, tuple[Path, int]]) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    output = in_documents(done.stdout + done.stderr, places)
    assert done.returncode == 0, output


def test_mypy_passes_over_every_block(folder: Path, places: dict[str, tuple[Path, int]]) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    assert len(places) >= 50
    cache = document_blocks.ROOT / ".mypy_cache" / "blocks"
    command = [sys.executable, "-m", "mypy", *MYPY, "--cache-dir", str(cache)]
    checked([*command, ".", typed_calls.__file__], folder, places)


def test_pyright_passes_over_every_block(folder: Path, places: dict[str, tuple[Path, int]]) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")
    config = {**PYRIGHT, "include": [".", typed_calls.__file__]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable]
    checked([*command, "--level", "error"], folder, places)


def test_a_block_takes_names_from_the_blocks_before_it() -> None:
    code = "total = seen + 1\nwith opened() as stream:\n    text = stream.read(seen)\n"
    taken, bound = document_blocks.names(code)
    assert taken == {"seen", "opened"}
    assert bound == {"total", "stream", "text"}
    assert document_blocks.names("count += 1")[0] == {"count"}


def test_what_awaits_becomes_a_call_on_the_same_line() -> None:
    code = (
        "text = await chat.run_async('é')\n"
        "async with one() as a, two():\n"
        "    async for x in a: print(await x, end='')\n"
        "y = [z async for z in w]\n"
        "async def f(): await g()\n"
    )
    assert document_blocks.synchronous(code) == (
        "text = awaited(chat.run_async('é'))\n"
        "with entered(one()) as a, entered(two()):\n"
        "    for x in iterated(a): print(awaited(x), end='')\n"
        "y = [z for z in iterated(w)]\n"
        "async def f(): await g()\n"
    )


def test_an_error_names_the_line_of_the_document() -> None:
    places = {"docs_a_0.py": (Path("docs/a.md"), 10)}
    assert in_documents("docs_a_0.py:3: error: no", places) == "docs/a.md:13: error: no"
    assert in_documents("  /tmp/x/docs_a_0.py:3:7 - error", places) == "docs/a.md:13:7 - error"
