"""Which SDKs are installed, and which client of ours each accepts, for `tokenwire doctor`."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING

from tokenwire.cli.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

# Those that hand the client to openai's SDK come after it.
_SDKS = ("openai", "anthropic", "google-genai", "mistralai", "groq")
_OVER_OPENAI = ("litellm", "langchain-openai", "pydantic-ai", "pydantic-ai-slim", "instructor")
# In order of preference. `tokenwire` has a module of each name.
_FAMILIES = ("httpx2", "httpx")
_EITHER = " nor ".join(_FAMILIES)

# A requirement without the marker of an extra.
_REQUIREMENT = re.compile(r"\s*(?P<library>[\w.-]+)(?!.*\bextra\b)")


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


def _found(name: str, package: metadata.Distribution, family: str | None, text: str) -> Finding:
    version, module = package.version, family and f"tokenwire.{family}"
    text = f"{name} {version} {text}"
    return Finding("library", "ok", text, library=name, version=version, module=module)


def _family(package: metadata.Distribution) -> str | None:
    """The library over which a package sends its requests, by what it requires."""
    found = [_REQUIREMENT.match(line) for line in package.requires or []]
    required = {match["library"] for match in found if match}
    return next((family for family in _FAMILIES if family in required), None)
