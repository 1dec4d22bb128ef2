"""List the models of your configuration, or those of a server.

Without an option, it lists the names of the configuration, each with its model, the API and the
address of its calls, and the variable that holds its key. With --provider, --base-url or -m,
it asks that server for its models (`GET /models`). --described lists the models that tokenwire has
a description of, from the configuration, from installed packages and, with the extra `prices`, from
genai-prices. No key is printed.

Examples:
  tokenwire models --config tokenwire.toml                 the names in your configuration
  tokenwire models --provider groq                         what Groq offers for your key
  tokenwire models --base-url http://127.0.0.1:8000/v1     what your own server has
  tokenwire models -m fast                                 what the server of a configured name has
  tokenwire models --described --provider groq --json
  tokenwire models --capability vision                     only described models with it

Exit codes:
  0    done
  1    the server cannot be reached, refused, or lists no models
  2    an argument is wrong, or the configuration has problems
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmAPIError, LlmConfigError, LlmConnectionError

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tokenwire.catalog.model import ModelConfig
    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.config.configuration import Configuration
    from tokenwire.config.file import Problem
    from tokenwire.factory.factory import LlmClientFactory
    from tokenwire.interface.interface import LlmClientInterface

# A list of models is short, and made in advance.
_LIST_SECONDS = 60.0
# In place of a model: the list of models is the same for all of them.
_ANY_MODEL = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    add = parser.add_argument
    add("--provider", metavar="NAME", help="ask this provider for its models")
    add("--base-url", metavar="URL", help="ask the server at this address")
    add("-m", "--model", help="ask the server of this model, or of this name in the configuration")
    add("--config", metavar="FILE", help="configuration file (default: $TOKENWIRE_CONFIG)")
    add("--key-env", metavar="NAME", help="variable with the key, instead of the provider's own")
    add("--described", action="store_true", help="list the models that have a description")
    add("--capability", metavar="NAME", help="only described models with this capability")


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    is_described = parsed.described or parsed.capability is not None
    asked = (parsed.provider, parsed.base_url, parsed.model)
    is_asked = any(name is not None for name in asked)
    if is_described:
        _refuse(parsed, "--described", ("base_url", "model", "key_env"))
        return _described(parsed)
    if is_asked:
        try:
            return _offered(parsed)
        except LlmConfigError as error:
            raise output.in_options(error) from None
    _refuse(parsed, "--provider, --base-url or -m", ("key_env",), needs=True)
    return _configured(_source(parsed), as_json=parsed.json)


def _refuse(
    parsed: argparse.Namespace, other: str, names: tuple[str, ...], *, needs: bool = False
) -> None:
    for name in names:
        if vars(parsed)[name] is not None:
            option = f"--{name.replace('_', '-')}"
            raise LlmConfigError(f"{option}: {'use it' if needs else 'leave it out'} with {other}")


def _source(parsed: argparse.Namespace) -> str | None:
    """The file with the configuration, if there is one."""
    from tokenwire.factory.factory import CONFIG_VARIABLE

    source: str | None = parsed.config or os.environ.get(CONFIG_VARIABLE) or None
    return source


# What is configured


def _configured(source: str | None, *, as_json: bool) -> int:
    """List the names of the configuration, those that are right even if others are not."""
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    if source is None:
        output.say(_how_to_configure())
    else:
        from tokenwire.config.checks import usable_part

        configuration, problems = usable_part(source)
        rows = _rows(configuration)
        if not rows and not problems:
            output.say(f"{source} has no [models.NAME]")
    if as_json:
        lines = [problem.to_dict() for problem in problems]
        output.print_json({"file": source, "problems": lines, "models": rows})
    elif rows:
        names = ("name", "model", "api", "address", "key")
        cells = (tuple(row[name] or "" for name in names) for row in rows)
        output.print_table([tuple(map(str.upper, names)), *cells])
    for problem in problems:
        output.say(f"{source}: {problem}")
    return output.USAGE if problems else output.DONE


def _how_to_configure() -> str:
    from pathlib import Path

    from tokenwire import _engine

    if Path("tokenwire.toml").is_file():
        how = output.UNREAD
    else:
        how = "no configuration: name one with --config or TOKENWIRE_CONFIG"
    rows = [(name, _engine.provider_row(name)) for name in _engine.provider_names()]
    ready = [name for name, row in rows if any(map(os.environ.get, row["key_vars"]))]
    keys = f" (there are keys for {', '.join(ready)})" if ready else ""
    return f"{how}; `tokenwire models --provider {[*ready, 'NAME'][0]}` asks a provider{keys}"


def _rows(configuration: Configuration) -> list[dict[str, Any]]:
    from tokenwire.factory.factory import LlmClientFactory
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    factory = LlmClientFactory(configuration, registry=registry)
    return [_row(factory, configuration, name) for name in factory.names()]


def _row(factory: LlmClientFactory, configuration: Configuration, name: str) -> dict[str, Any]:
    """A name of the configuration, and where its calls go. Nothing is sent."""
    from tokenwire.settings.model_string import resolve

    entry = configuration.models[name]
    target = resolve(
        entry.model,
        entry.settings.get("provider"),
        entry.settings.get("base_url"),
        api=entry.api,
        custom=configuration.providers.get,
    )
    row = factory.registry.get_provider(target.provider)
    variables = (entry.key_var,) if entry.key_var else row.key_vars
    client = _client(factory, name)
    return {
        "name": name,
        "model": f"{target.provider}:{target.model}",
        # A custom client need not have one.
        "api": getattr(client, "api", None),
        "address": _address(client, row),
        "key": _key(variables, is_required=bool(entry.key_var) or row.key_required),
        # For programs.
        "key_variables": list(variables),
        "key_is_set": any(map(os.environ.get, variables)),
    }


def _client(factory: LlmClientFactory, name: str) -> LlmClientInterface | None:
    """The client of a name; None if the environment lacks what its constructor needs."""
    settings: list[dict[str, Any]] = [{}, {"api_key": "-"}]
    for more in settings:
        # Without a key first, because a custom client may not take one.
        with contextlib.suppress(LlmConfigError):
            client: LlmClientInterface = factory.get_client(name, **more)
            return client
    return None


def _address(client: LlmClientInterface | None, row: LlmProvider) -> str:
    if row.name == "sim":
        return "this process"
    url = getattr(client, "base_url", None)
    if url:
        return str(url)
    from tokenwire.settings.address import address_advice

    advice = address_advice(dict(row))
    return f"missing: {advice}" if advice else "unknown"


def _key(variables: tuple[str, ...], *, is_required: bool) -> str:
    """Where the key comes from."""
    present = next((name for name in variables if os.environ.get(name)), None)
    if present is not None:
        return present
    return f"missing: set {' or '.join(variables)}" if is_required else "not needed"


# What a server offers


def _offered(parsed: argparse.Namespace) -> int:
    client = _asked(parsed)
    try:
        ids = client.models()
    except LlmConnectionError:
        raise
    except LlmAPIError as error:
        if error.status_code not in (404, 405):
            raise
        where = getattr(client, "base_url", client.provider)
        raise LlmAPIError(
            f"{client.provider} at {where} has no list of models ({error.status_code})",
            status_code=error.status_code,
        ) from None
    if parsed.json:
        output.print_json(ids)
    else:
        for name in ids:
            print(output.shown(name))
    return output.DONE


def _asked(parsed: argparse.Namespace) -> LlmClientInterface:
    """A client of the server that is asked."""
    from tokenwire.cli.run import key_of, names_to_try
    from tokenwire.factory.factory import LlmClientFactory, shared_factory

    factory = shared_factory() if parsed.config is None else LlmClientFactory(parsed.config)
    if parsed.model is not None and parsed.provider is not None:
        raise LlmConfigError("--provider: -m names the provider already; give one of them")
    settings: dict[str, Any] = {"timeout": _LIST_SECONDS}
    name = _ANY_MODEL if parsed.model is None else parsed.model
    if parsed.provider is not None:
        factory.registry.get_provider(parsed.provider)
        name = f"{parsed.provider}:{_ANY_MODEL}"
    if parsed.base_url is not None:
        settings["base_url"] = parsed.base_url
    if parsed.key_env is not None:
        settings["api_key"] = key_of(parsed.key_env)
    try:
        client: LlmClientInterface = factory.get_client(name, **settings)
    except LlmConfigError as error:
        hint = names_to_try(name, parsed.base_url, factory)
        if not hint:
            raise
        raise LlmConfigError(f"{error}{hint}") from None
    return client


# What is described


def _described(parsed: argparse.Namespace) -> int:
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    source = _source(parsed)
    if source is not None:
        registry.load(source)
    rows = registry.get_models(provider=parsed.provider, capability=parsed.capability, listed=True)
    if parsed.json:
        output.print_json([row.to_dict() for row in rows])
    else:
        header = ("MODEL", "CONTEXT", "OUTPUT", "CAPABILITIES")
        output.print_table([header, *(_cells(row) for row in rows)])
    return output.DONE


def _cells(row: ModelConfig) -> tuple[str, ...]:
    limits = (row.context_window, row.max_output_tokens)
    return (
        f"{row.provider}:{row.name}",
        *("?" if limit is None else str(limit) for limit in limits),
        "?" if row.capabilities is None else ", ".join(sorted(row.capabilities)),
    )
