"""What `tokenwire doctor` finds out: on this machine, and from the servers of `--reach`."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmAPIError, LlmConfigError, LlmConnectionError, LlmError
from tokenwire.factory.factory import CONFIG_VARIABLE
from tokenwire.settings.address import address_advice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tokenwire.config.configuration import Configuration

_EXTRA = re.compile(r"(?P<library>[\w.-]+)[^;]*;.*\bextra == ['\"](?P<extra>[\w-]+)['\"]")
# A login usually gets fewer open files than this, and many streams need more.
_FEW_FILES = 4_096
_REACH_SECONDS = 15.0
_REACH_AT_ONCE = 8
# Sent when there is no key: the question is only whether the server answers.
_NO_KEY = "tokenwire-doctor"


# The engine reads it for the provider azure.
_AZURE_VERSION = "OPENAI_API_VERSION"
# What other programs call it.
_AZURE_VERSIONS_OF_OTHERS = ("AZURE_OPENAI_API_VERSION", "AZURE_API_VERSION")
# Variables that name roots for other programs.
_ROOTS_OF_OTHERS = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class Finding:
    """One result of the doctor.

    Attributes:
        about: What was checked.
        status: `ok`, `note` (good to know) or `problem` (calls may fail).
        text: The result in one line.
        details: The result for programs.
    """

    def __init__(self, about: str, status: str, text: str, **details: Any) -> None:
        self.about = about
        self.status = status
        self.text = text
        self.details = details

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return dict(vars(self))


def local_findings() -> Iterator[Finding]:
    """Check everything that needs no network."""
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
    finding, configuration = configuration_found()
    yield finding
    if configuration is not None:
        yield from _models_that_lack_something(configuration)
    yield from _keys(configuration)
    yield from _addresses()


def _version(build: str) -> Finding:
    version, installed = _engine.__version__, _installed("tokenwire")
    status, text = "ok", f"{version}, {build} build of the engine"
    if installed is None:
        status, text = "note", f"{text}; not installed by pip"
    elif installed != version:
        status = "problem"
        text = f"the package is {installed}, but its engine is {version}: install it again"
    elif build != "release":
        status, text = "note", f"{text}: it is slow; `pip install .` in the clone builds a fast one"
    return Finding("tokenwire", status, text, version=version, build=build)


def _libraries() -> Iterator[Finding]:
    """pydantic, and the library of each extra."""
    installed = _installed("pydantic")
    status, text = ("ok", installed) if installed else ("problem", "missing: pip install pydantic")
    yield Finding("pydantic", status, text, version=installed)
    for library, extra in _extras():
        installed = _installed(library)
        if installed is not None:
            text = f"{library} {installed}"
        elif library == "tomli" and sys.version_info >= (3, 11):
            text = "part of this Python"
        else:
            text = f"not installed: pip install '.[{extra}]' in the clone"
        yield Finding(f"extra {extra}", "ok", text, library=library, version=installed)


def _extras() -> list[tuple[str, str]]:
    """The library and the name of each extra, from the metadata of the package."""
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
    """The root certificates that https trusts."""
    usable = any(place["certificates"] for place in places)
    for place in places:
        setting, status = place["setting"], "ok"
        if place["problem"] is not None:
            # Another folder of SSL_CERT_DIR may still have certificates.
            status = "note" if usable and setting == "SSL_CERT_DIR" else "problem"
            text = f"{place['problem']}; unset {setting}, or let it name certificates"
        elif setting == "bundled":
            text = f"{place['certificates']} bundled ones: this system has no certificate store"
        else:
            where = "the system's" if setting == "system" else setting
            text = f"{place['certificates']} from {where}, {place['path']}"
        yield Finding("TLS roots", status, text, **place)
    used = {place["path"] for place in places}
    for name in _ROOTS_OF_OTHERS:
        value = os.environ.get(name)
        if value and value not in used:
            text = f"{name} is set, but not read: set SSL_CERT_FILE to it, or give ca_bundle="
            yield Finding("TLS roots", "note", text, setting=name, path=value)


def _proxies() -> Iterator[Finding]:
    """The proxy of a call, and the variable that names it."""
    exceptions = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    for scheme in ("https", "http"):
        # In order of precedence.
        names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
        variables = [name for name in names if os.environ.get(name)]
        status, proxy = "ok", None
        try:
            # Only an exception for all hosts names this one.
            proxy = _engine._proxy_for(f"{scheme}://host.invalid/")
        except LlmError as error:
            status, text = "problem", str(error)
        else:
            if proxy is not None:
                rest = f" and {exceptions}" if exceptions else ""
                text = f"{proxy} (from {variables[0]}), except for this machine{rest}"
            else:
                text = f"none, though {variables[0]} is set: NO_PROXY" if variables else "none"
        details = {"proxy": proxy, "variables": variables, "except": exceptions}
        yield Finding(f"{scheme} proxy", status, text, **details)


def _open_files(max_connections: int) -> Iterator[Finding]:
    """The limit on open files, and how many connections it allows."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "no limit" if soft == resource.RLIM_INFINITY else f"{soft}"
    status = "ok"
    text = f"{shown}: at most {max_connections} connections to one server at a time"
    if 0 <= soft < _FEW_FILES:
        status = "note"
        if soft != hard:
            most = "unlimited" if hard == resource.RLIM_INFINITY else hard
            text += f"; `ulimit -n {most}` before the program raises it"
    yield Finding("open files", status, text, soft=soft, hard=hard, max_connections=max_connections)


def configuration_found() -> tuple[Finding, Configuration | None]:
    """Whether the configuration of the environment is usable."""
    about, path = "configuration", os.environ.get(CONFIG_VARIABLE)
    if not path:
        status, text = "ok", f"{CONFIG_VARIABLE} is not set"
        if Path("tokenwire.toml").is_file():
            status = "note"
            text += ", so ./tokenwire.toml is not read; export TOKENWIRE_CONFIG=tokenwire.toml"
        return Finding(about, status, text, path=None), None
    from tokenwire.config.checks import checked

    try:
        configuration, problems = checked(path)
    except LlmError as error:
        return Finding(about, "problem", str(error), path=path), None
    if configuration is None:
        rest = len(problems) - 1
        more = f" (and {rest} more: tokenwire check {path})" if rest else ""
        rows = [problem.to_dict() for problem in problems]
        text = f"{path}: {problems[0]}{more}"
        return Finding(about, "problem", text, path=path, problems=rows), None
    text = f"{path}: {_models(len(configuration.models))}"
    return Finding(about, "ok", text, path=path, models=list(configuration.models)), configuration


def _models_that_lack_something(configuration: Configuration) -> Iterator[Finding]:
    """Names of the configuration whose calls would fail: a key or an address is missing."""
    from tokenwire.cli.check import rows_of

    for row in rows_of(configuration, probe=False):
        if row["note"] is not None:
            text = f"{row['name']}: {row['note']}"
            yield Finding("configuration", "note", text, model=row["name"])


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _keys(configuration: Configuration | None) -> Iterator[Finding]:
    """Which keys are set, and what is visibly wrong with them."""
    rows: list[Iterable[str]] = [
        _engine.provider_row(name)["key_vars"] for name in _engine.provider_names()
    ]
    if configuration is not None:
        rows += [row.key_vars for row in configuration.providers.values()]
        rows += [[entry.key_var] for entry in configuration.models.values() if entry.key_var]
    absent = []
    earlier = {}
    for row in rows:
        present = [name for name in row if os.environ.get(name)]
        earlier.update(dict.fromkeys(present[1:], present[0]) if present else {})
    for name in dict.fromkeys(name for row in rows for name in row):
        value = os.environ.get(name)
        if value is None:
            absent.append(name)
            continue
        problem = _problem_of_key(value)
        status = "problem" if problem else "note" if name in earlier else "ok"
        text = f"is set, but {earlier[name]} comes first" if name in earlier else "is set"
        yield Finding("key", status, f"{name} {problem or text}", variable=name, present=True)
    if absent:
        text = f"not set: {', '.join(absent)}"
        if len(absent) == len({name for row in rows for name in row}):
            text = f"no key is set; set the variable of your provider: {', '.join(absent)}"
        yield Finding("key", "ok", text, variables=absent, present=False)


def _problem_of_key(value: str) -> str | None:
    """What is wrong with a key, without any part of the key."""
    if not value.strip():
        return "is set but empty: unset it, or give the key"
    # A lone surrogate, which the engine cannot read, is replaced by another character.
    readable = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _engine._key_problem(readable)


def _addresses() -> Iterator[Finding]:
    """Providers whose address the environment changes, or does not have."""
    names = (name for name in _engine.provider_names() if name not in ("sim", "openai-compatible"))
    rows = {name: _engine.provider_row(name) for name in names}
    # The key of Google's API is one for Vertex, too.
    used = {name for row in rows.values() if not has_no_address(row) for name in row["key_vars"]}
    for provider, row in rows.items():
        name = next((name for name in row["base_url_vars"] if os.environ.get(name)), None)
        if name is not None:
            yield _address(provider, row, name)
        elif has_no_address(row) and any(map(os.environ.get, {*row["key_vars"]} - used)):
            text = f"{provider} has a key, but no address: {address_advice(row)}, or give base_url="
            yield Finding("address", "note", text, provider=provider)
    for name in filter(os.environ.get, _AZURE_VERSIONS_OF_OTHERS):
        if not os.environ.get(_AZURE_VERSION):
            text = f"{name} is set, but not read: set {_AZURE_VERSION} to it"
            yield Finding("address", "note", text, provider="azure", variable=name)


def has_no_address(row: dict[str, Any]) -> bool:
    """Whether neither the table nor the environment has an address of a provider."""
    if any(map(os.environ.get, row["base_url_vars"])):
        return False
    parts = row["address_vars"].values()
    return row["base_url"] is None or not all(any(map(os.environ.get, names)) for names in parts)


def _address(provider: str, row: dict[str, Any], name: str) -> Finding:
    from tokenwire.clients.chat import ChatClient

    details = {"provider": provider, "variable": name}
    try:
        # A new client connects to nothing.
        client = ChatClient("-", provider=provider, api_key="-", trust_env=False)
    except LlmError as error:
        return Finding("address", "problem", str(error), **details)
    status = "ok" if "{" in (row["base_url"] or "{") else "note"
    text = f"calls to {provider}, with its key, go to {client.base_url} (from {name})"
    version = os.environ.get(_AZURE_VERSION)
    if provider == "azure" and version and not client.base_url.endswith("/v1"):
        text += f", by default with api-version {version.strip()} (from {_AZURE_VERSION})"
    return Finding("address", status, text, **details, url=client.base_url)


def reach_findings(targets: Sequence[str]) -> list[Finding]:
    """Ask each provider or URL for its list of models.

    Raises:
        LlmConfigError: A target is neither a provider nor a URL.
    """
    from concurrent.futures import ThreadPoolExecutor

    for target in targets:
        _check_target(target)
    with ThreadPoolExecutor(_REACH_AT_ONCE) as threads:
        return list(threads.map(_reach, targets))


def is_url(target: str) -> bool:
    """Whether a target of `--reach` is a URL, and not a provider."""
    return "://" in target or target[:5].lower() == "unix:"


def _check_target(target: str) -> None:
    if is_url(target) or target == "sim":
        return
    problem = _engine.provider_problem(target)
    if problem is not None:
        raise LlmConfigError(f"--reach: give a provider or a URL: {problem}")
    row = _engine.provider_row(target)
    if has_no_address(row):
        advice = address_advice(row)
        where = f"{advice}, or " if advice else ""
        raise LlmConfigError(f"--reach: {target} has no default address: {where}give its URL")


def _reach(target: str) -> Finding:
    from tokenwire.clients.chat import ChatClient

    settings: dict[str, Any] = {"timeout": _REACH_SECONDS, "max_retries": 0}
    name, has_key = target, True
    if is_url(target):
        name, settings["base_url"] = "openai-compatible", target
    elif target != "sim":
        row = _engine.provider_row(target)
        has_key = not row["key_required"] or any(map(os.environ.get, row["key_vars"]))
        if not has_key:
            settings["api_key"] = _NO_KEY
    # Not the URL itself, which may contain a key.
    shown = name
    begin = monotonic()
    try:
        client = ChatClient("-", provider=name, **settings)
        shown = f"{name} at {client.base_url}"
        models = len(client.models())
        status, text = "ok", _models(models)
        details: dict[str, Any] = {"models": models, "http_status": 200}
    except LlmError as error:
        code = getattr(error, "status_code", None)
        details = {"error": type(error).__name__, "http_status": code}
        status, text = "problem", str(error)
        if isinstance(error, LlmConnectionError) or not isinstance(error, LlmAPIError):
            details["http_status"] = None
        elif code in (401, 403) and not has_key:
            status, text = "ok", f"{code}, there is no key to try"
        elif code in (404, 405):
            status, text = "note", f"{code}, it lists no models"
    milliseconds = round((monotonic() - begin) * 1_000)
    answers = "" if details["http_status"] is None else f" answers after {milliseconds} ms"
    text = f"{shown}{answers}: {text}"
    return Finding("reach", status, text, target=shown, ms=milliseconds, **details)
