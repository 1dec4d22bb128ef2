"""`tokenwire run`: ask a model."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.cli.reading import has_input, read_file, read_input
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tokenwire import LlmClientInterface, LlmResponse

MODEL_VARIABLE = "TOKENWIRE_MODEL"
_SIM_MODEL = {False: "sim:chat", True: "sim:completion"}

DESCRIPTION = f"""\
Ask a model and print its reply as it comes.

The prompt is PROMPT; what comes through a pipe follows it after an empty line, or is the prompt
where there is no PROMPT. The reply goes to standard output, all else to standard error; reasoning
is shown, dimmed, on a terminal alone. Without -m the model is that of {MODEL_VARIABLE}, else the
built-in simulator. Keys come from the environment (OPENAI_API_KEY, GROQ_API_KEY, ...), never from
the command line.
"""

EPILOG = output.examples(
    """\
  tokenwire run "Why is the sky blue?"                     the built-in simulator; needs no key
  tokenwire run -m openai:gpt-4o-mini "Why is the sky blue?"
  git diff | tokenwire run -m openai:gpt-4o-mini "Write a commit message."
  tokenwire run -m qwen3 --base-url http://127.0.0.1:8000/v1 --system "Be brief." "Hi"
  tokenwire run --config tokenwire.toml -m fast "Hi"       a name of your configuration
  tokenwire run --completion -m vllm:Qwen/Qwen3-4B-Base --max-tokens 64 "def fib(n):"
  tokenwire run --param seed=7 --param 'stop=["END"]' "Hi"
  tokenwire run --json "Hi" | jq -r .text                  one JSON object, when the reply is whole
  while read -r q; do tokenwire run "$q" </dev/null; done <questions.txt
""",
    done="done",
    failed="the call failed, or the model refused",
    usage="an argument or setting is wrong; nothing was sent",
    cut_off="the reply was cut off after part of it had come",
)

# What is printed of a reply as JSON: what it says, not how it travelled.
_FIELDS = (
    *("id", "model", "provider", "created", "text", "reasoning", "refusal", "tool_calls"),
    *("finish_reason", "provider_finish_reason", "usage", "timing", "request_id"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    add = parser.add_argument
    add("prompt", nargs="?", metavar="PROMPT", help="what to ask; - is standard input")
    add(
        "-m",
        "--model",
        help="provider:model, a name of the configuration, or an id with --base-url",
    )
    add("--config", metavar="FILE", help="a configuration (default: the one of TOKENWIRE_CONFIG)")
    add("--base-url", metavar="URL", help="address of the API, as http://127.0.0.1:8000/v1")
    add(
        "--key-env",
        metavar="NAME",
        help="variable with the key, where the provider's own is not meant",
    )
    add("--system", metavar="TEXT", help="system prompt")
    add("--completion", action="store_true", help="text completion instead of chat")
    add("--max-tokens", type=int, metavar="N", help="most tokens of the reply")
    add("--temperature", type=float, metavar="T", help="0 is the most predictable")
    add(
        "--param",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="any other parameter of the call; a value that is no JSON is a text",
    )
    add("--schema", metavar="FILE", help="a JSON schema that the reply must have")
    add("--stats", action="store_true", help="print tokens and times to standard error")


def run(parsed: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        LlmError: The call failed; `partial` is what was printed.
    """
    prompt = _prompt(parsed.prompt)
    params = _parameters(parsed)
    client = _client(parsed)
    if parsed.json:
        return _print_whole(client, prompt, params, with_stats=parsed.stats)
    if params.get("n") not in (None, 1):
        raise LlmConfigError("n: several replies are printed by --json alone")
    return _print_as_it_comes(client, prompt, params, with_stats=parsed.stats)


def _print_as_it_comes(
    client: LlmClientInterface, prompt: str, params: dict[str, Any], *, with_stats: bool
) -> int:
    from tokenwire._engine import RefusalDelta
    from tokenwire.streaming.terminal import Terminal

    terminal = Terminal(sys.stdout, reasoning=True)
    try:
        with client.stream(prompt, **params) as stream:
            for event in stream.events():
                # A refusal is no reply: it is told at the end.
                if not isinstance(event, RefusalDelta):
                    terminal.show(event, stream)
            reply = stream.response
    finally:
        terminal.end()
    return _ended(reply, client, with_stats=with_stats)


def _print_whole(
    client: LlmClientInterface, prompt: str, params: dict[str, Any], *, with_stats: bool
) -> int:
    # Streamed, too: what has come of a reply that breaks off is in the error.
    with client.stream(prompt, **params) as stream:
        for _ in stream:
            pass
        reply = stream.response
    told = reply.to_dict()
    fields = {name: told[name] for name in _FIELDS}
    if len(reply.choices) > 1:
        fields["choices"] = told["choices"]
    output.print_json(fields)
    return _ended(reply, client, with_stats=with_stats)


def _prompt(given: str | None) -> str:
    """PROMPT and what comes through a pipe."""
    if given is None and not has_input():
        raise LlmConfigError(
            "no PROMPT: give one, or pipe it in; `tokenwire run --help` has examples"
        )
    if given in (None, "-"):
        given, piped = None, read_input()
    else:
        piped = read_input(is_asked_for=False) if has_input() else ""
    parts = [part for part in (given, piped) if part and part.strip()]
    if not parts:
        raise LlmConfigError("the prompt is empty")
    return "\n\n".join(parts)


def _parameters(parsed: argparse.Namespace) -> dict[str, Any]:
    """The request parameters of the call."""
    import json

    params: dict[str, Any] = {}
    for item in parsed.param:
        name, separator, text = item.partition("=")
        if not separator or not name.isidentifier():
            # What it holds is not repeated: it may be anything.
            raise LlmConfigError("--param: write NAME=JSON, as --param seed=7")
        try:
            params[name] = json.loads(text)
        except ValueError:
            params[name] = text
    if parsed.schema is not None:
        try:
            params["response_format"] = json.loads(read_file(parsed.schema))
        except ValueError as error:
            raise LlmConfigError(f"--schema: {parsed.schema}: {error}") from None
    for name in ("max_tokens", "temperature"):
        if vars(parsed)[name] is not None:
            params[name] = vars(parsed)[name]
    return params


def _client(parsed: argparse.Namespace) -> LlmClientInterface:
    from tokenwire.factory.factory import LlmClientFactory, shared_factory

    factory = shared_factory() if parsed.config is None else LlmClientFactory(parsed.config)
    settings = {"base_url": parsed.base_url, "api_key": _key(parsed.key_env)}
    settings["system"] = parsed.system
    if parsed.completion and parsed.system is not None:
        raise LlmConfigError("--system: text completions have no system prompt")
    model = parsed.model or os.environ.get(MODEL_VARIABLE)
    if not model:
        if parsed.base_url is not None:
            raise LlmConfigError("--base-url: name the model on that server, too: --model ID")
        model = _SIM_MODEL[parsed.completion]
        output.say(f"no --model: this is {model}, the built-in simulator")
    given = {name: value for name, value in settings.items() if value is not None}
    return factory.get_client(model, api="completions" if parsed.completion else None, **given)


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        from tokenwire.catalog.provider import variable_problem

        problem = variable_problem(variable) or f"the environment has no {variable}"
        raise LlmConfigError(f"--key-env: {problem}")
    return key


def _ended(reply: LlmResponse[object], client: LlmClientInterface, *, with_stats: bool) -> int:
    """Tell what is to be told of the end of a reply; the exit code."""
    if with_stats:
        output.say(_stats(reply, client))
    if reply.refusal is not None or reply.finish_reason == "refusal":
        output.say(f"the model refused: {reply.refusal or reply.text}")
        return output.FAILED
    if reply.finish_reason == "content_filter":
        output.say("the provider's filter stopped the reply")
        return output.CUT_OFF if reply.text else output.FAILED
    if reply.finish_reason == "length":
        output.say("the token limit ended the reply; raise --max-tokens for more")
    return output.DONE


def _stats(reply: LlmResponse[object], client: LlmClientInterface) -> str:
    usage, timing = reply.usage, reply.timing

    def number(value: float | None, form: str = "{}") -> str:
        return "?" if value is None else form.format(value)

    return (
        f"{client.provider}:{reply.model}, {number(timing.total, '{:.2f}')} s, "
        f"first token after {number(timing.first_token, '{:.2f}')} s, "
        f"{number(usage and usage.prompt_tokens)} + {number(usage and usage.completion_tokens)} "
        "tokens, "
        f"{number(timing.tokens_per_second, '{:.0f}')} tokens/s"
    )
