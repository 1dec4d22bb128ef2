"""`make docs` is strict: it must stop at every kind of fault."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="mkdocs is not installed")

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMAND = next(iter(re.findall(r"^\t.*\$\(PY\) (-m mkdocs build.*)$", MAKEFILE, re.MULTILINE)))
WARNED = """
[a page](none.md), [a place](clients.md#none), [a name][tokenwire.Nothing]
"""


@pytest.fixture
def build(tmp_path):
    """Builds the site with text added to its first page. Returns the exit status and the output."""
    for name in ("python", "scripts", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")

    def run(text):
        with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as page:
            page.write(text)
        done = subprocess.run(
            [sys.executable, *COMMAND.split()],
            cwd=tmp_path,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return run


@pytest.mark.linux
def test_broken_links_and_pages_outside_the_menu_stop_the_build(build, tmp_path):
    (tmp_path / "docs" / "unlisted.md").write_text("# Unlisted\n", encoding="utf-8")
    code, said = build(WARNED)
    assert code != 0
    for fault in ("unlisted.md", "'none.md'", "'clients.md#none'", "'tokenwire.Nothing'"):
        assert fault in said
    assert "Aborted with 4 warnings" in said


@pytest.mark.linux
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n::: tokenwire.Nothing\n", "tokenwire.Nothing could not be found"),
        ("\n![a picture](https://example.com/a.png)\n", "index.md loads from another host"),
        (f"\n```python\n{'x' * 111}\n```\n", "index.md: code of 111 characters does not fit"),
    ],
)
def test_an_unknown_name_and_a_load_from_another_host_stop_the_build(build, text, message):
    code, said = build(text)
    assert code != 0
    assert message in said


@pytest.mark.linux
def test_the_search_of_pages_read_from_files_asks_no_server(build, tmp_path):
    """Over `file:`, a browser neither fetches a JSON file nor starts a worker from a script."""
    code, said = build("")
    assert code == 0, said
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<script[^>]* src="([^"]+)"', page)
    assert loaded[0] == "assets/iframe-worker.js"
    assert all((tmp_path / "site" / path).is_file() for path in loaded)
    index = (tmp_path / "site" / "search" / "search_index.js").read_text(encoding="utf-8")
    name, _, text = index.partition(" = ")
    assert name == "var __index"
    places = {entry["location"] for entry in json.loads(text)["docs"]}
    assert {"index.html", "simulator.html", "reference/errors.html"} <= places
    # The theme reads that file if the page is a file, and otherwise fetches the other.
    (theme,) = [path for path in loaded if "bundle" in path]
    script = (tmp_path / "site" / theme).read_text(encoding="utf-8")
    asked = r'location\.protocol==="file:"\?\w+\(`\$\{new URL\("search/search_index\.js"'
    assert re.search(asked, script)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_worker_of_a_page_read_from_a_file_runs_in_a_frame():
    """The frame and its page are stubs; what is checked is that messages go both ways."""
    program = """
class MessageEvent extends Event { constructor(t, o) { super(t); this.data = o.data; } }
globalThis.MessageEvent = MessageEvent;
globalThis.location = {protocol: process.argv[2]};
globalThis.window = globalThis;
const inside = Object.assign(new EventTarget(), {MessageEvent, document: {
  open() {}, write() {}, close() {}, createElement: () => ({}),
  body: {append(script) {
    if (script.src !== "w.js") throw Error(script.src);
    inside.addEventListener("message", (e) => inside.postMessage(e.data + 1));
    script.onload();
  }}}});
globalThis.document = {createElement: () => ({contentWindow: inside}), body: {append() {}}};
require(process.argv[1]);
if (!globalThis.Worker) { console.log("as it was"); process.exit(); }
const worker = new Worker("w.js");
worker.addEventListener("message", (e) => console.log(e.data));
worker.postMessage(41);
"""
    script = str(ROOT / "docs" / "assets" / "iframe-worker.js")
    for protocol, expected in (("file:", "42\n"), ("https:", "as it was\n")):
        said = subprocess.check_output(["node", "-e", program, script, protocol], text=True)
        assert said == expected
