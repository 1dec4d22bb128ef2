"""What `tokenwire run` sends: the prompt with its images, and the parameters of the call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenwire.cli.reading import has_input, read_bytes, read_file, read_input, read_json
from tokenwire.errors import LlmConfigError, LlmValidationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from tokenwire.types import ImagePart


_SCHEMA_EXAMPLE = '{"type": "object", "properties": {"answer": {"type": "string"}}}'


def prompt_of(parsed: argparse.Namespace) -> Any:
    """The prompt as a text, or as messages if there are images.

    Raises:
        LlmConfigError: There is no prompt, or something cannot be read.
    """
    paths: list[str] = parsed.image
    if parsed.completion and paths:
        raise LlmConfigError("--image: text completions take no images")
    if paths.count("-") > 1:
        raise LlmConfigError("--image: standard input is one image; name the others")
    if "-" in paths and parsed.prompt in (None, "-"):
        raise LlmConfigError("no PROMPT: give one, because standard input is the image")
    # First, because an image may be what a shell passes as standard input.
    images = [_image(path) for path in paths]
    text = parsed.prompt if "-" in paths else _text(parsed.prompt)
    if not text.strip():
        raise LlmConfigError("the prompt is empty")
    if not images:
        return text
    from tokenwire.types import LlmMessage, TextPart

    return [LlmMessage("user", [TextPart(text), *images])]


def _text(word: str | None) -> str:
    """PROMPT, and the text from a pipe."""
    if word is None and not has_input():
        raise LlmConfigError(
            "no PROMPT: give one, or pipe it in; `tokenwire run --help` has examples"
        )
    if word in (None, "-"):
        parts = [read_input()]
    else:
        parts = [word or "", read_input(is_requested=False) if has_input() else ""]
    return "\n\n".join(part for part in parts if part.strip())


def _image(path: str) -> ImagePart:
    from tokenwire.types import ImagePart

    if path.startswith(("https://", "http://")):
        return ImagePart(path)
    if "://" in path:
        raise LlmConfigError(f"--image: {path}: give the path of a file, or an https: URL")
    try:
        return ImagePart(data=read_bytes()) if path == "-" else ImagePart(path=path)
    except LlmValidationError:
        raise LlmConfigError(
            f"--image: {path}: not an image that models take: give a PNG, JPEG, GIF or WebP file"
        ) from None
    except LlmConfigError as error:
        problem = str(error).removeprefix("ImagePart: path: ")
        raise LlmConfigError(f"--image: {problem}") from None


def parameters_of(parsed: argparse.Namespace) -> dict[str, Any]:
    """The request parameters of the call.

    Raises:
        LlmConfigError: An option has a value that it cannot have.
    """
    from tokenwire._engine import RetryPolicy, Timeout

    params: dict[str, Any] = {}
    for item in parsed.param:
        name, value = _parameter(item)
        params[name] = value
    if parsed.schema is not None:
        params["response_format"] = _schema(parsed.schema)
    for name in ("max_tokens", "temperature", "max_retries"):
        if vars(parsed)[name] is not None:
            params[name] = vars(parsed)[name]
    if parsed.max_retries is not None:
        _checked("--max-retries", lambda: RetryPolicy(max_retries=parsed.max_retries))
    if parsed.timeout is not None:
        params["timeout"] = _checked("--timeout", lambda: _whole_call(Timeout, parsed.timeout))
    return params


def _whole_call(kind: Any, seconds: float) -> Any:
    """A limit on the whole call, which no other limit ends before."""
    usual = kind()
    total = kind(total=seconds).total
    return kind(total=total, first_token=max(usual.first_token, total), idle=max(usual.idle, total))


def _checked(option: str, make: Callable[[], Any]) -> Any:
    """What `make` returns. Its error names the option, and not the setting behind it."""
    try:
        return make()
    except LlmConfigError as error:
        problem = str(error).partition(": ")[2].partition("; ")[0]
        raise LlmConfigError(f"{option}: {problem}") from None


def _parameter(item: str) -> tuple[str, Any]:
    import json

    name, separator, text = item.partition("=")
    if not separator or not name.isidentifier():
        # The text is not repeated, because it may be anything.
        raise LlmConfigError("--param: write NAME=JSON, such as --param seed=7")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text
    except RecursionError:
        raise LlmConfigError(f"--param: {name}: it is nested too deeply") from None


def _schema(path: str) -> dict[str, Any]:
    try:
        schema = read_json(read_file(path), path)
    except LlmConfigError as error:
        raise LlmConfigError(f"--schema: {error}") from None
    if not isinstance(schema, dict):
        raise LlmConfigError(
            f"--schema: {path}: a JSON schema is an object, as in {_SCHEMA_EXAMPLE}"
        )
    return schema
