"""A path that is not a regular file is an error at once, and never a command that waits."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import tokenwire as tw
from tokenwire._files import MAX_BYTES, read_file
from tokenwire.legacy import use_config
from tokenwire.legacy.llm_exceptions import LlmConfigError as OldConfigError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.linux


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def done(*words: object, shell: str = 'exec "$@"') -> subprocess.CompletedProcess[str]:
    """A command that would wait forever for a FIFO is killed after a while."""
    full = ["sh", "-c", shell, "sh", sys.executable, "-m", "tokenwire", *map(str, words)]
    return subprocess.run(
        full, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ("run", "-m", "sim:chat", "--schema", "PATH", "hi"),
        ("run", "-m", "a", "--config", "PATH", "hi"),
        ("count", "-m", "openai:gpt-4o", "PATH"),
        ("count", "-m", "openai:gpt-4o", "--messages", "PATH"),
        ("count", "-m", "a", "--config", "PATH", "--text", "a"),
        ("check", "PATH"),
        ("models", "--config", "PATH"),
        ("sim", "--script", "PATH"),
        ("migrate", "PATH"),
    ],
    ids=lambda words: " ".join(words[:4]),
)
def test_a_command_refuses_what_may_wait_or_never_end(fifo, words):
    shown = done(*(fifo if word == "PATH" else word for word in words))
    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)
    assert shown.stderr.startswith("tokenwire: ")
    assert str(fifo) in shown.stderr


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/"])
def test_a_device_and_a_folder_are_refused(path):
    with pytest.raises(tw.LlmConfigError, match=f"^{path}: "):
        read_file(path)


def test_the_configuration_of_the_environment_is_read_likewise(fifo, monkeypatch):
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(fifo))
    assert "it is not a regular file" in done("run", "-m", "a", "hi").stderr
    shown = done("doctor")
    assert f"{fifo}: it is not a regular file" in shown.stdout


def test_migrate_reads_the_files_beside_a_fifo(tmp_path):
    for name in ("x.py", "script", "book.ipynb"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "link.py").symlink_to("x.py")
    (tmp_path / "y.py").write_text("from app.llm_client import LlmClient\n")
    shown = done("migrate", tmp_path, "--package", "app")
    assert shown.returncode == 0
    assert "+from tokenwire.legacy" in shown.stdout
    assert "x.py:1: cannot be read as Python: it is not a regular file\n" in shown.stderr


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_what_a_shell_has_opened_is_read(path):
    shown = done(
        *("count", "-m", "openai:gpt-4o", "--messages", path),
        shell='printf \'[{"role": "user", "content": "hi"}]\' | "$@"',
    )
    assert (shown.returncode, shown.stdout.strip().isdigit()) == (0, True)


DEEP = "[" * 20_000 + "]" * 20_000


@pytest.mark.parametrize(
    "words",
    [
        ("run", "-m", "sim:chat", "--schema", "PATH", "hi"),
        ("run", "-m", "sim:chat", "--param", f"stop={DEEP[17_000:-17_000]}", "hi"),
        ("run", "-m", "a", "--config", "PATH", "hi"),
        ("count", "-m", "openai:gpt-4o", "--messages", "PATH"),
        ("check", "PATH"),
        ("models", "--config", "PATH"),
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_what_is_nested_too_deeply_is_an_error_in_one_line(tmp_path, command, words):
    path = tmp_path / "deep"
    path.write_text(f"a={DEEP}" if "--config" in words or len(words) == 2 else DEEP)
    code, out, err = command(*(path if word == "PATH" else word for word in words))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "nested" in err


def test_the_null_device_is_empty():
    assert read_file(os.devnull) == b""


def test_a_file_without_an_end_is_refused(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(tw.LlmConfigError, match=r"sparse: it is over 64 MiB$"):
        read_file(path)


def test_a_number_is_not_a_path_whose_descriptor_is_closed(tmp_path):
    with (tmp_path / "open").open("wb") as file:
        with pytest.raises(tw.LlmConfigError):
            tw.LlmClientFactory(file.fileno())
        assert os.fstat(file.fileno())


def test_the_library_s_own_paths_are_checked_likewise(fifo):
    with pytest.raises(tw.LlmConfigError, match="not a regular file"):
        tw.LlmClientFactory(fifo).get_client("a")
    with pytest.raises(OldConfigError, match="not a regular file"):
        use_config(fifo)
    for part in (tw.ImagePart, tw.AudioPart, tw.FilePart):
        with pytest.raises(tw.LlmConfigError, match="not a regular file"):
            part.from_file(fifo.rename(fifo.with_suffix(".mp3")))
        fifo.with_suffix(".mp3").rename(fifo)
