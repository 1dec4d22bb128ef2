"""The code in the documents runs.

A block is run when the comment `<!-- test -->` stands on the line before it. The blocks of one
document share their names, top-level `await` included. `<!-- test: sim -->` puts the simulator
(`sim:chat`, `sim:completion`) in the place of the provider that the block names.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
BLOCK = re.compile(r"^<!-- test(: sim)? -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROVIDER = re.compile(r"(CompletionClient|\w+)\(\s*\"(?!sim:)[a-z]+:[^\"]+\"")


def with_simulator(match: re.Match[str]) -> str:
    kind = "completion" if match[1] == "CompletionClient" else "chat"
    return f'{match[1]}("sim:{kind}"'


def blocks(document: Path) -> list[tuple[int, str]]:
    """The code to run and the line that it starts on."""
    text = document.read_text(encoding="utf-8")
    return [
        (
            text.count("\n", 0, match.start(2)) + 1,
            PROVIDER.sub(with_simulator, match[2]) if match[1] else match[2],
        )
        for match in BLOCK.finditer(text)
    ]


def test_the_readme_has_code_that_runs():
    assert len(blocks(ROOT / "README.md")) >= 1


def test_the_provider_is_replaced_by_the_simulator():
    source = 'a = tw.ChatClient("openai:gpt-4o-mini", system="x"); b = CompletionClient("vllm:m")'
    expected = 'a = tw.ChatClient("sim:chat", system="x"); b = CompletionClient("sim:completion")'
    assert PROVIDER.sub(with_simulator, source) == expected


@pytest.mark.parametrize(
    "document", sorted({*DOCUMENTS, *ROOT.glob("*.md")}), ids=lambda path: path.name
)
def test_links_within_the_project_lead_somewhere(document):
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_code_runs(document):
    names: dict[str, object] = {"__name__": "__main__"}
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        for line, source in blocks(document):
            # Blank lines before it make tracebacks name the document's own line.
            code = compile(
                "\n" * (line - 1) + source,
                document,
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
            result = eval(code, names)  # a coroutine, where the block awaits something
            if inspect.iscoroutine(result):
                loop.run_until_complete(result)
