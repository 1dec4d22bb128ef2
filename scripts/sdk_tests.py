"""Run the official openai package's own tests over our code, or the rows of docs/drop-in.md.

    python -m scripts.sdk_tests stock [...]      the package's tests as they are, to compare with
    python -m scripts.sdk_tests transport [...]  with our transport under clients of httpx2
    python -m scripts.sdk_tests classes [...]    with `tokenwire.openai`'s clients in the fixtures
    python -m scripts.sdk_tests rows [...]       each row's line, with the SDK or framework it names

The tests come with the package's repository, in `.venv-sdk`, and call a server from npm (needs git
and npm). The SDKs and frameworks of the rows are in `.venv-rows`, and those that need older
versions in `.venv-rows-older` (600 MB, once). The rows call the simulator.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.real_servers import ROOT, NotUsableError, free_port, running, wait_until_healthy

if TYPE_CHECKING:
    from collections.abc import Iterator

VENV = ROOT / ".venv-sdk"
SOURCE = VENV / "openai-python"
REPOSITORY = "https://github.com/openai/openai-python"
# The last one whose version is 3.3.1: it has 30 changes more than the release, most of them tests.
REVISION = "e43b422412a9e96c9cc5192c61fffbe2d7e04836"
PACKAGES = (
    *("httpx2==2.7.0", "pydantic==2.12.5", "pytest==9.0.3", "pytest-asyncio==1.4.0"),
    *("pytest-xdist==3.8.0", "inline-snapshot==0.31.1", "azure-identity==1.25.1"),
    *("trio==0.31.0", "griffe==1.14.0", "rich==14.2.0"),
)
STEADY = "@stdy/cli@0.22.2"

# They count the open requests of the library's own pool.
POOL = "doesnt_leak"
# They replace the private class of which the SDK makes its default `http_client`. Ours is another.
DEFAULT_CLIENT = "default_workload_exchange_is_native"
# The plugin, and the tests that are left out.
MODES: dict[str, tuple[list[str], list[str]]] = {
    "stock": ([], []),
    "transport": (["-p", "swapped_transports"], [POOL]),
    "classes": (["-p", "swapped_clients"], [POOL, DEFAULT_CLIENT]),
}

ROWS = {
    ".venv-rows": (
        *("openai==3.57.0", "anthropic==2.14.0", "google-genai==3.6.1", "mistralai==3.7.0"),
        *("groq==1.7.0", "pydantic-ai-slim[openai,anthropic]==2.66.0", "litellm==1.110.2"),
        *("langchain-openai==1.7.4", "langchain-tests==1.1.9", "openai-agents==0.24.0"),
        *("httpx==0.28.1", "httpx2==2.16.2"),
    ),
    # instructor takes no newer openai.
    ".venv-rows-older": ("openai==2.54.0", "anthropic==0.125.0", "instructor==1.17.0"),
}


def main() -> int:
    """Install what is missing, and run the tests. Return their exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=[*MODES, "rows"])
    parsed, rest = parser.parse_known_args()
    try:
        return run_rows(rest) if parsed.what == "rows" else run_tests(parsed.what, rest)
    except NotUsableError as problem:
        print(f"SDK tests: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_tests(what: str, words: list[str]) -> int:
    """Run the tests of the openai package, with a plugin or without."""
    install_tests()
    plugin, left_out = MODES[what]
    with steady() as address:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), str(ROOT / "scripts")]),
            "TEST_API_BASE_URL": address,
            "DEFER_PYDANTIC_BUILD": "false",
        }
        command: list[str | Path] = [VENV / "bin" / "python", "-m", "pytest", "-q", *plugin]
        if left_out:
            command += ["-k", f"not ({' or '.join(left_out)})"]
        command += words or ["tests"]
        return subprocess.run(command, cwd=SOURCE, env=environment, check=False).returncode


def run_rows(words: list[str]) -> int:
    """Run the rows of docs/drop-in.md, and langchain's standard tests."""
    for name, packages in ROWS.items():
        install_rows(ROOT / name, packages)
    python, older = (str(ROOT / name / "bin" / "python") for name in ROWS)
    environment = {**os.environ, "ROWS_PYTHON": python, "ROWS_OLDER_PYTHON": older}
    tests = words or ["tests/real/test_sdk_rows.py", "tests/real/test_langchain_standard.py"]
    command = [sys.executable, "-m", "pytest", "-m", "real", *tests]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def install_tests() -> None:
    """Get the repository, what its tests need, and steady, unless they are there."""
    done = VENV / "installed"
    if done.exists():
        return
    npm, git = shutil.which("npm"), shutil.which("git")
    if npm is None or git is None:
        raise NotUsableError("these tests need git and npm; install them and try again")
    print(f"SDK tests: making {VENV.name}", flush=True)
    venv.create(VENV, with_pip=True, clear=True)
    pip: list[str | Path] = [VENV / "bin" / "python", "-m", "pip", "--quiet"]
    pip.append("--disable-pip-version-check")
    source = f"{SOURCE}[aiohttp,realtime,datalib,bedrock]"
    commands: list[list[str | Path]] = [
        [git, "clone", "--quiet", REPOSITORY, SOURCE],
        [git, "-C", SOURCE, "checkout", "--quiet", REVISION],
        [*pip, "install", "--editable", source, *PACKAGES],
        [npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", VENV, STEADY],
    ]
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            program = Path(command[0]).name
            raise NotUsableError(f"{program} failed; the lines above say why")
    done.touch()


def install_rows(folder: Path, packages: tuple[str, ...]) -> None:
    """Install the SDKs of the rows into a folder, unless they are there."""
    done = folder / "installed"
    if done.exists() and done.read_text(encoding="utf-8") == "\n".join(packages):
        return
    print(f"SDK tests: making {folder.name}", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--quiet"]
    command = [*pip, "--disable-pip-version-check", "install", *packages]
    if subprocess.run(command, check=False).returncode:
        raise NotUsableError("pip cannot install the SDKs here; the lines above say why")
    done.write_text("\n".join(packages), encoding="utf-8")


@contextlib.contextmanager
def steady() -> Iterator[str]:
    """Run steady with the API of the openai package. Yields its address."""
    log = VENV / "steady.log"
    port = free_port()
    command: list[str | Path] = [VENV / "node_modules" / ".bin" / "steady"]
    command += ["--host", "127.0.0.1", "-p", str(port)]
    for place in ("query", "form"):
        for kind in ("array", "object"):
            command.append(f"--validator-{place}-{kind}-format=brackets")
    command.append(SOURCE / "api_reference" / "openapi.transformed.yml")
    with running(command, log, {}) as server:
        wait_until_healthy(f"http://127.0.0.1:{port}/_x-steady/health", server, log)
        yield f"http://127.0.0.1:{port}"


if __name__ == "__main__":
    raise SystemExit(main())
