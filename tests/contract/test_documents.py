"""All code in README.md and docs/ runs, and every link within the project leads to a file.

The line before a block of Python says how to run it. The blocks of one document share their names.
They may use `await` at the top level.

- `<!-- test -->`: as it is.
- `<!-- test: sim -->`: with the simulator instead of the provider that the block names.
- `<!-- test: sim {"default": …} -->`: the same, with a script.
- `<!-- not run: the reason -->`

A block of TOML must be a valid configuration.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import json
import re

import pytest
from tests.contract.document_blocks import DOCUMENTS, ROOT, blocks

import tokenwire.legacy
from tokenwire.config.loading import read as read_configuration
from tokenwire.legacy import _install
from tokenwire.testing import SimServer

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (?:test(?P<sim>: sim(?P<script> \{.*\})?)?|not run: \w.*) -->")
# A client whose first argument names a provider.
PROVIDER = re.compile(r"(CompletionClient|\w+)\(\s*\"(?!sim:)[a-z]+:([^\"]+)\"")


def with_simulator(code, base_url=None):
    """Return the code with the simulator instead of its providers."""

    def put(match):
        if base_url:
            return f'{match[1]}("openai-compatible:{match[2]}", base_url="{base_url}"'
        kind = "completion" if match[1] == "CompletionClient" else "chat"
        return f'{match[1]}("sim:{kind}"'

    return PROVIDER.sub(put, code)


class ErrorsAreRaised(ast.NodeTransformer):
    """Makes a `try` that shows an error fail if no error is raised."""

    def visit_Try(self, node):
        if not node.orelse:
            node.orelse = ast.parse("raise AssertionError('no error was raised')").body
        return node


def run(source, line, document, names, loop):
    """Run code as if it were at this line of the document."""
    # Blank lines before it, so that tracebacks name the line of the document.
    tree = ErrorsAreRaised().visit(ast.parse("\n" * (line - 1) + source))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(ast.fix_missing_locations(tree), document, "exec", flags, dont_inherit=True)
    result = eval(code, names)  # a coroutine if the block awaits something
    if inspect.iscoroutine(result):
        loop.run_until_complete(result)


@pytest.fixture
def _nothing_served():
    """Remove the modules that a document lets the adapter serve."""
    yield
    for package in _install._FINDER.packages:
        tokenwire.legacy.uninstall(package)


def test_the_scan_sees_the_documents():
    counts = [len(blocks(path.read_text(encoding="utf-8"))) for path in DOCUMENTS]
    assert counts[0] >= 1, "README.md"
    assert sum(counts) >= 50


def test_the_provider_is_replaced_by_the_simulator():
    source = 'a = tw.ChatClient("openai:gpt-4o-mini", system="x"); b = CompletionClient("vllm:m")'
    expected = 'a = tw.ChatClient("sim:chat", system="x"); b = CompletionClient("sim:completion")'
    assert with_simulator(source) == expected
    url = "http://127.0.0.1:1/v1"
    expected = f'tw.client("openai-compatible:m", base_url="{url}")'
    assert with_simulator('tw.client("groq:m")', url) == expected


def test_an_error_that_a_document_shows_must_be_raised():
    source = "try:\n    int('{}')\nexcept ValueError:\n    pass"
    run(source.format("x"), 1, "made-up.md", {}, None)
    with pytest.raises(AssertionError, match="no error was raised"):
        run(source.format("1"), 1, "made-up.md", {}, None)


@pytest.mark.parametrize(
    "document", sorted({*DOCUMENTS, *ROOT.glob("*.md")}), ids=lambda path: path.name
)
def test_links_within_the_project_exist(document):
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.usefixtures("_nothing_served")
def test_code_runs(document):
    names: dict[str, object] = {"__name__": "__main__"}
    with contextlib.ExitStack() as stack:
        loop = stack.enter_context(contextlib.closing(asyncio.new_event_loop()))
        for line, before, source in blocks(document.read_text(encoding="utf-8")):
            mark = MARK.fullmatch(before)
            assert mark, f"line {line - 1}: say how this block is run (CONTRIBUTING.md)"
            if "not run" in before:
                continue
            code = source
            if mark["script"]:
                server = stack.enter_context(SimServer(json.loads(mark["script"])))
                code = with_simulator(source, server.base_url)
            elif mark["sim"]:
                code = with_simulator(source)
            run(code, line, document, names, loop)


def test_configurations_are_valid(tmp_path):
    file = tmp_path / "tokenwire.toml"
    found = [text for path in DOCUMENTS for text in TOML.findall(path.read_text(encoding="utf-8"))]
    assert len(found) >= 1
    for text in found:
        file.write_text(text, encoding="utf-8")
        assert read_configuration(file).models


def test_no_hint_installs_the_package_from_where_it_is_not():
    """It is not on PyPI yet, so an extra is installed from the clone."""
    paths = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "python").rglob("*.py")]
    found = [path.name for path in paths if "tokenwire[" in path.read_text(encoding="utf-8")]
    assert found == []
