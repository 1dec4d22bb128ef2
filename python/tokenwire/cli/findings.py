"""What `tokenwire doctor` finds on this machine, without sending anything."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmError
from tokenwire.factory.factory import CONFIG_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tokenwire.config.configuration import Configuration

_EXTRA = re.compile(r"(?P<library>[\w.-]+)[^;]*;.*\bextra == ['\"](?P<extra>[\w-]+)['\"]")
# Fewer open files than this is what a login gets by default, and soon too few for streams.
_FEW_FILES = 4_096


class Finding:
    """One thing that was looked at.

    Attributes:
        about: What it is.
        status: `ok`, `note` (good to know) or `problem` (calls may fail).
        text: One line.
        details: The same for programs.
    """

    __slots__ = ("about", "details", "status", "text")

    def __init__(self, about: str, status: str, text: str, **details: Any) -> None:
        self.about = about
        self.status = status
        self.text = text
        self.details = details

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        row = {"about": self.about, "status": self.status, "text": self.text}
        return {**row, "details": self.details}


def all_findings() -> Iterator[Finding]:
    """Look at everything that needs no network."""
    report = _engine._report()
    yield _version(report["build"])
    yield Finding(
        "python",
        "ok",
        f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}",
        version=platform.python_version(),
        platform=platform.platform(),
        executable=sys.executable,
    )
    yield from _libraries()
    yield from _roots(report["roots"])
    yield from _proxies()
    yield from _open_files(report["max_connections"])
    finding, configuration = _configuration()
    yield finding
    yield from _keys(configuration)
    yield from _addresses()


def _version(build: str) -> Finding:
    version = _engine.__version__
    text = f"{version}, {build} build of the engine"
    details = {"version": version, "build": build}
    try:
        installed = metadata.version("tokenwire")
    except metadata.PackageNotFoundError:
        return Finding("tokenwire", "note", f"{text}; not installed by pip", **details)
    if installed != version:
        text = f"the package is {installed} and its engine {version}: install it again"
        return Finding("tokenwire", "problem", text, **details)
    if build != "release":
        return Finding("tokenwire", "note", f"{text}: it is slow", **details)
    return Finding("tokenwire", "ok", text, **details)


def _libraries() -> Iterator[Finding]:
    """pydantic, and what each extra brings."""
    installed = _installed("pydantic")
    if installed is None:
        yield Finding("pydantic", "problem", "it is missing: pip install pydantic", version=None)
    else:
        yield Finding("pydantic", "ok", installed, version=installed)
    for library, extra in _extras():
        installed = _installed(library)
        details = {"library": library, "version": installed}
        if installed is not None:
            yield Finding(f"extra {extra}", "ok", f"{library} {installed}", **details)
        elif library == "tomli" and sys.version_info >= (3, 11):
            yield Finding(f"extra {extra}", "ok", "part of this Python", **details)
        else:
            text = f"not installed: pip install 'tokenwire[{extra}]'"
            yield Finding(f"extra {extra}", "ok", text, **details)


def _extras() -> list[tuple[str, str]]:
    """Library and name of each extra, as the package itself says."""
    try:
        requirements = metadata.requires("tokenwire") or []
    except metadata.PackageNotFoundError:
        return []
    found = [_EXTRA.match(line) for line in requirements]
    return sorted((match["library"], match["extra"]) for match in found if match)


def _installed(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _roots(places: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Where https takes its roots from."""
    usable = any(place["certificates"] for place in places)
    for place in places:
        about = "TLS roots"
        if place["problem"] is not None:
            # Of a list of folders some may be of no use, as long as another is.
            is_harmless = usable and place["setting"] == "SSL_CERT_DIR"
            status = "note" if is_harmless else "problem"
            text = f"{place['problem']}; unset {place['setting']}, or let it name certificates"
            yield Finding(about, status, text, **place)
        elif place["setting"] == "bundled":
            text = f"{place['certificates']} bundled ones: this system has no store of its own"
            yield Finding(about, "ok", text, **place)
        else:
            where = "the system's" if place["setting"] == "system" else place["setting"]
            text = f"{place['certificates']} from {where}, {place['path']}"
            yield Finding(about, "ok", text, **place)


def _proxies() -> Iterator[Finding]:
    """Which proxy a call takes, and what names it."""
    except_for = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    for scheme in ("https", "http"):
        about = f"{scheme} proxy"
        # In the order in which they count.
        names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
        variables = [name for name in names if os.environ.get(name)]
        details = {"variables": variables, "except": except_for}
        try:
            # A host that only a list of exceptions for all hosts names.
            proxy = _engine._proxy_for(f"{scheme}://host.invalid/")
        except LlmError as error:
            yield Finding(about, "problem", str(error), proxy=None, **details)
            continue
        if proxy is not None:
            rest = f", except for {except_for}" if except_for else ""
            text = f"{proxy} (by {variables[0]}){rest}"
        else:
            text = f"none, though {variables[0]} is set: NO_PROXY" if variables else "none"
        yield Finding(about, "ok", text, proxy=proxy, **details)


def _open_files(max_connections: int) -> Iterator[Finding]:
    """How many streams the limit on open files leaves room for."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "no limit" if soft == resource.RLIM_INFINITY else f"{soft}"
    text = f"{shown}: at most {max_connections} connections to one server at a time"
    details = {"soft": soft, "hard": hard, "max_connections": max_connections}
    if 0 <= soft < _FEW_FILES:
        most = "unlimited" if hard == resource.RLIM_INFINITY else hard
        hint = f"; `ulimit -n {most}` before the program raises it" if soft != hard else ""
        yield Finding("open files", "note", text + hint, **details)
    else:
        yield Finding("open files", "ok", text, **details)


def _configuration() -> tuple[Finding, Configuration | None]:
    """Whether the configuration that the environment names is usable."""
    about, path = "configuration", os.environ.get(CONFIG_VARIABLE)
    if not path:
        text = f"{CONFIG_VARIABLE} is not set"
        if Path("tokenwire.toml").is_file():
            text += "; ./tokenwire.toml is not read by itself"
            return Finding(about, "note", text, path=None), None
        return Finding(about, "ok", text, path=None), None
    from tokenwire.config.checks import checked

    try:
        configuration, problems = checked(path)
    except LlmError as error:
        return Finding(about, "problem", str(error), path=path), None
    if configuration is None:
        first, rest = str(problems[0]), len(problems) - 1
        more = f" (and {rest} more: tokenwire check {path})" if rest else ""
        told = [problem.to_dict() for problem in problems]
        text = f"{path}: {first}{more}"
        return Finding(about, "problem", text, path=path, problems=told), None
    text = f"{path}: {len(configuration.models)} models"
    return Finding(about, "ok", text, path=path, models=list(configuration.models)), configuration


def _keys(configuration: Configuration | None) -> Iterator[Finding]:
    """Which keys are there, and what is visibly wrong with one."""
    absent = []
    for name in _key_variables(configuration):
        value = os.environ.get(name)
        if value is None:
            absent.append(name)
            continue
        problem = _problem_of_key(value)
        status = "problem" if problem else "ok"
        yield Finding("key", status, f"{name} {problem or 'is set'}", variable=name, present=True)
    if absent:
        yield Finding("key", "ok", f"not set: {', '.join(absent)}", variables=absent, present=False)


def _key_variables(configuration: Configuration | None) -> list[str]:
    rows: list[Iterable[str]] = [
        _engine.provider_row(name)["key_vars"] for name in _engine.provider_names()
    ]
    if configuration is not None:
        rows += [row.key_vars for row in configuration.providers.values()]
        rows += [[entry.key_var] for entry in configuration.models.values() if entry.key_var]
    return list(dict.fromkeys(name for row in rows for name in row))


def _problem_of_key(value: str) -> str | None:
    """What is wrong with a key; of the key itself nothing is told."""
    quotes = ("'", '"', "`")
    faults = {
        "is set, but empty: unset it or give the key": not value.strip(),
        "has blanks or a line break around it: give the key alone": value != value.strip(),
        "is in quotes, which are sent, too: leave them out": value.startswith(quotes)
        or value.endswith(quotes),
        "begins with the word Bearer: give the key alone": value.lower().startswith("bearer "),
        "holds the name of a variable in place of its value": value.startswith(("$", "%")),
        "has a blank, or a character that no key has: copy it again": " " in value
        or not (value.isascii() and value.isprintable()),
    }
    return next((text for text, is_so in faults.items() if is_so), None)


def _addresses() -> Iterator[Finding]:
    """Which providers the environment sends elsewhere."""
    from tokenwire.clients.chat import ChatClient

    for provider in _engine.provider_names():
        if provider in ("sim", "openai-compatible"):
            continue
        row = _engine.provider_row(provider)
        usual, variables = row["base_url"], row["base_url_vars"]
        for name in [name for name in variables if os.environ.get(name)][:1]:
            try:
                # A client that is made connects to nothing.
                client = ChatClient("-", provider=provider, api_key="-", trust_env=False)
            except LlmError as error:
                text = f"{name}: {error}"
                yield Finding("address", "problem", text, provider=provider, variable=name)
                continue
            address = client.base_url
            status = "ok" if usual is None else "note"
            text = f"{provider} is asked, and its key is sent, at {address} (by {name})"
            yield Finding("address", status, text, provider=provider, variable=name, url=address)
