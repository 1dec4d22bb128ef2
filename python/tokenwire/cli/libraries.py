"""Which SDKs are installed, and what of ours each can use, for `tokenwire doctor`."""

from __future__ import annotations

import json
import os
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

from tokenwire.cli.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

# Those that hand the client to openai's SDK come after it.
_SDKS = ("openai", "anthropic", "google-genai", "mistralai", "groq")
_OVER_OPENAI = (
    *("litellm", "langchain-openai", "pydantic-ai", "pydantic-ai-slim", "instructor"),
    "openai-agents",
)
# In order of preference. `tokenwire` has a module of each name.
_FAMILIES = ("httpx2", "httpx")
_EITHER = " nor ".join(_FAMILIES)

# A requirement without the marker of an extra.
_REQUIREMENT = re.compile(r"\s*(?P<library>[\w.-]+)(?!.*\bextra\b)")

# What `tokenwire.openai` finds when it is imported.
_PARTS = """
import json, warnings
warnings.simplefilter("ignore")
from tokenwire.openai.clients import PARTS
print(json.dumps([[PARTS.streams, PARTS.requests, PARTS.replies], PARTS.reasons]))
"""
_PARTS_SECONDS = 30.0


def library_findings() -> Iterator[Finding]:
    """Name the SDKs that are installed, and the client of ours that they accept.

    None of them is imported.
    """
    of_openai: str | None = None
    for name in (*_SDKS, *_OVER_OPENAI, *_FAMILIES):
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name in _FAMILIES:
            yield _found(name, package, name, f"can use tokenwire.{name}")
            continue
        family = of_openai if name in _OVER_OPENAI and of_openai else _family(package)
        if name == "openai":
            of_openai = family
        accepted = f"accepts a client of tokenwire.{family}"
        yield _found(name, package, family, accepted if family else f"uses neither {_EITHER}")


def openai_findings() -> Iterator[Finding]:
    """Say which parts of `tokenwire.openai` are on, if openai is installed.

    openai is imported in another process: it takes long, and what it does is not known.
    """
    import subprocess
    import sys

    try:
        version = metadata.version("openai")
    except metadata.PackageNotFoundError:
        return
    details: dict[str, Any] = {"version": version}
    # Without the current folder, as in this process.
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(  # noqa: S603 (this interpreter, and a text of ours)
            [sys.executable, "-c", _PARTS],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=_PARTS_SECONDS,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        text = f"tokenwire.openai cannot be tried with openai {version}: {error}"
        yield Finding("openai", "note", text, **details)
        return
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr.splitlines() or [f"exit status {done.returncode}"])[-1]
        text = f"tokenwire.openai does not work with openai {version}: {said}"
        yield Finding("openai", "note", text, **details)
        return
    on, reasons = json.loads(lines[-1])
    parts = {"transport": True, **dict(zip(("streams", "requests", "replies"), on, strict=True))}
    details |= {**parts, "reasons": reasons}
    shown = ", ".join(part for part, is_on in parts.items() if is_on)
    if not reasons:
        text = f"tokenwire.openai: {shown} on with openai {version}"
        yield Finding("openai", "ok", text, **details)
        return
    off = ", ".join(part for part, is_on in parts.items() if not is_on)
    text = f"tokenwire.openai: {shown} on, {off} left to openai {version}: {'; '.join(reasons)}"
    yield Finding("openai", "note", text, **details)


def _found(name: str, package: metadata.Distribution, family: str | None, text: str) -> Finding:
    version, module = package.version, family and f"tokenwire.{family}"
    text = f"{name} {version} {text}"
    return Finding("library", "ok", text, library=name, version=version, module=module)


def _family(package: metadata.Distribution) -> str | None:
    """The library over which a package sends its requests, by what it requires."""
    found = [_REQUIREMENT.match(line) for line in package.requires or []]
    required = {match["library"] for match in found if match}
    return next((family for family in _FAMILIES if family in required), None)
