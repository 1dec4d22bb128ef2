"""The arguments of old constructors and calls, as the new API writes them."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.legacy._settings import SENT_BY_CHAT
from tokenwire.legacy._vendors import split_vendor
from tokenwire.legacy.llm_exceptions import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenwire.legacy.migrate._source import Source

SETTINGS = ("model_tokenizer_map", "debug", "verbose")
POSITIONAL = {
    "ChatClient": ("model_name", "api_key", "base_url", *SETTINGS),
    "CompletionClient": ("base_url", "model_name", "prompt_format", "api_key", *SETTINGS),
    "LlmClient": (
        "base_url",
        "model_name",
        "completion_mode",
        "prompt_format",
        "api_key",
        *SETTINGS,
    ),
}
_USUAL = {"temperature": "0.7", "max_tokens": "64", "top_p": "1.0"}
DEFAULTS: dict[str, Mapping[str, str]] = {
    "ChatClient": {**_USUAL, "max_tokens": "1024"},
    "CompletionClient": _USUAL,
    "LlmClient": _USUAL,
}
_OF_A_CALL = ("temperature", "max_tokens", "top_p", "stop")
# Vendors that both interfaces know, and what the new one calls them.
_VENDORS = {"openai": "openai", "groq": "groq", "mistralai": "mistral"}
_COMPLETIONS = "/completions"
_ADDRESS = ("model_name", "base_url", "api_key")
_DOES = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)


class LeftAloneError(Exception):
    """Why a call stays as it is."""


class NewCall(NamedTuple):
    """A constructor call of the new API."""

    kind: str
    arguments: list[str]


def given(source: Source, call: ast.Call, names: tuple[str, ...]) -> dict[str, ast.expr]:
    """The arguments by name.

    Raises:
        LeftAloneError: Some of them are only known when the program runs.
    """
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    ):
        raise LeftAloneError("its arguments come from * or **")
    if source.has_comment(call):
        raise LeftAloneError("comments stand inside the call")
    if len(call.args) > len(names):
        raise LeftAloneError("it has too many arguments")
    found: dict[str, ast.expr] = dict(zip(names, call.args, strict=False))
    found.update({str(keyword.arg): keyword.value for keyword in call.keywords})
    return found


def _check_dropped(arguments: Mapping[str, ast.expr], kept: Iterable[str], source: Source) -> None:
    """What goes must do nothing when it is evaluated.

    Raises:
        LeftAloneError: It calls something.
    """
    for name, value in arguments.items():
        if name not in kept and any(isinstance(node, _DOES) for node in ast.walk(value)):
            raise LeftAloneError(f"{name}={source.code(value)} would go, and it does something")


def _settle_stop(arguments: dict[str, ast.expr]) -> None:
    """`stop_sequences` was sent as `stop` where that was None."""
    if "stop_sequences" not in arguments:
        return
    if _is(arguments.get("stop"), literal=None):
        arguments["stop"] = arguments.pop("stop_sequences")
    elif not isinstance(arguments["stop"], (ast.Constant, ast.List)):
        raise LeftAloneError("stop may be None, and then stop_sequences counts")


def _check_prompt(prompt: ast.expr) -> None:
    """The new `run` takes one text.

    Raises:
        LeftAloneError: It is none, or an empty one.
    """
    if isinstance(prompt, (ast.List, ast.Tuple, ast.Set, ast.Dict)) or (
        isinstance(prompt, ast.Constant) and not (prompt.value and isinstance(prompt.value, str))
    ):
        raise LeftAloneError(f"the prompt at line {prompt.lineno} is no text, or an empty one")


def _check_values(arguments: Mapping[str, ast.expr]) -> None:
    """What the old clients took and the new ones refuse.

    Raises:
        LeftAloneError: There is such a value.
    """
    tokens = arguments.get("max_tokens")
    if isinstance(tokens, ast.Constant) and isinstance(tokens.value, float):
        raise LeftAloneError("max_tokens is no whole number")
    if isinstance(arguments.get("timeout"), ast.Call):
        raise LeftAloneError("timeout may be another library's; give seconds")


def constructor(source: Source, call: ast.Call, kind: str) -> NewCall:
    """The new call for an old constructor.

    Raises:
        LeftAloneError: It cannot be said what the old one did, or the new API does it otherwise.
    """
    arguments = given(source, call, POSITIONAL[kind])
    if not (
        _is(arguments.get("debug"), literal=False) or _is(arguments.get("verbose"), literal=False)
    ):
        raise LeftAloneError("it may print summaries (debug and verbose)")
    if not _is(arguments.get("stream"), literal=False):
        raise LeftAloneError("it streams, and prints while it does")
    new = kind
    if kind == "LlmClient":
        mode = arguments.get("completion_mode")
        if mode is not None and not isinstance(mode, ast.Constant):
            raise LeftAloneError("completion_mode is only known when the program runs")
        new = (
            "CompletionClient"
            if mode is not None and not _is(mode, literal=False)
            else "ChatClient"
        )
        if "base_url" not in arguments:
            raise LeftAloneError("its address is the old default; give base_url=")
    # The old clients took an empty key or address for none.
    arguments = {
        name: value
        for name, value in arguments.items()
        if name not in ("api_key", "base_url") or not _is(value, literal="")
    }
    _check_values(arguments)
    target = _chat if kind == "ChatClient" else _private
    parts = target(source, arguments, new)
    sent = _OF_A_CALL + (SENT_BY_CHAT if kind == "ChatClient" else ())
    if kind == "ChatClient":
        _settle_stop(arguments)
    _check_dropped(arguments, {*sent, *_ADDRESS}, source)
    parts += [f"{name}={source.code(arguments[name])}" for name in sent if name in arguments]
    parts += [f"{name}={value}" for name, value in DEFAULTS[kind].items() if name not in arguments]
    return NewCall(new, parts)


def _chat(source: Source, arguments: dict[str, ast.expr], _new: str) -> list[str]:
    named = arguments.get("model_name")
    if not (isinstance(named, ast.Constant) and isinstance(named.value, str)):
        raise LeftAloneError("the model's name is only known when the program runs")
    try:
        vendor, model = split_vendor(named.value)
    except LlmConfigError as error:
        raise LeftAloneError(str(error)) from error
    key = []
    if not _is(arguments.get("api_key"), literal=None):
        key = [f"api_key={source.code(arguments['api_key'])}"]
    address = arguments.get("base_url")
    if address is None or _is(address, literal=None):
        if vendor not in _VENDORS:
            raise LeftAloneError(f"{named.value!r}: the new client speaks that vendor otherwise")
        return [_quoted(f"{_VENDORS[vendor]}:{model}"), *key]
    if vendor is not None and not key:
        raise LeftAloneError(
            "without api_key= the old client sent the vendor's key to this base_url; say which "
            "key it is to get"
        )
    if isinstance(address, ast.Constant) and "://api." in str(address.value):
        raise LeftAloneError("the address is the vendor's own; leave base_url= out")
    # A bare id is a model of a server of OpenAI's dialect, as the old client took it.
    provider = ['provider="openai-compatible"'] if ":" in model else []
    return [_quoted(model), f"base_url={source.code(address)}", *provider, *key]


def _private(source: Source, arguments: dict[str, ast.expr], new: str) -> list[str]:
    if "base_url" not in arguments or _is(arguments["base_url"], literal=None):
        raise LeftAloneError("there is no base_url")
    model = arguments.get("model_name", ast.Constant("F00"))
    is_literal = isinstance(model, ast.Constant)
    parts = [_quoted(str(model.value)) if isinstance(model, ast.Constant) else source.code(model)]
    address = arguments["base_url"]
    text = source.code(address)
    if new == "CompletionClient":
        if isinstance(address, ast.Constant) and isinstance(address.value, str):
            if not address.value.endswith(_COMPLETIONS):
                raise LeftAloneError("base_url does not end with /completions")
            text = _quoted(address.value.removesuffix(_COMPLETIONS))
        elif (shorter := _without_ending(source, address)) is not None:
            text = shorter
        else:
            is_simple = isinstance(address, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
            text = f"{text if is_simple else f'({text})'}.removesuffix({_quoted(_COMPLETIONS)})"
    parts.append(f"base_url={text}")
    if not is_literal or ":" in parts[0]:
        parts.append('provider="openai-compatible"')
    key = arguments.get("api_key")
    if not (_is(key, literal=None) or _is(key, literal="EMPTY")):
        parts.append(f"api_key={source.code(arguments['api_key'])}")
    return parts


def _without_ending(source: Source, address: ast.expr) -> str | None:
    """`x + "/completions"` and `f"{x}/completions"` without that ending."""
    if isinstance(address, ast.BinOp) and isinstance(address.op, ast.Add):
        is_ending = isinstance(address.right, ast.Constant) and address.right.value == _COMPLETIONS
        return source.code(address.left) if is_ending else None
    text = source.code(address)
    if isinstance(address, ast.JoinedStr) and text[-1 - len(_COMPLETIONS) : -1] == _COMPLETIONS:
        return text[: -1 - len(_COMPLETIONS)] + text[-1]
    return None


def of_a_run(source: Source, call: ast.Call) -> list[str] | None:
    """The new arguments of `run` or `run_async`; None where they stay as they are.

    Raises:
        LeftAloneError: The new `run` does not do the same.
    """
    if not call.keywords and len(call.args) == 1 and not isinstance(call.args[0], ast.Starred):
        _check_prompt(call.args[0])
        return None
    arguments = given(source, call, ("prompt", "stream"))
    if not _is(arguments.get("stream"), literal=False):
        raise LeftAloneError("it streams, and prints while it does")
    if "prompt" not in arguments:
        raise LeftAloneError("it has no prompt")
    _check_prompt(arguments["prompt"])
    _check_values(arguments)
    _check_dropped(arguments, {"prompt", *_OF_A_CALL}, source)
    kept = [f"{name}={source.code(arguments[name])}" for name in _OF_A_CALL if name in arguments]
    if set(arguments) <= {"prompt", *_OF_A_CALL} and len(call.args) == 1:
        return None
    return [source.code(arguments["prompt"]), *kept]


def _is(value: ast.expr | None, *, literal: object) -> bool:
    """Whether an argument is missing or this literal."""
    if value is None:
        return True
    return isinstance(value, ast.Constant) and (type(value.value), value.value) == (
        type(literal),
        literal,
    )


def _quoted(text: str) -> str:
    # JSON's quotes are Python's, too, and the style of most code.
    return json.dumps(text, ensure_ascii=False)
