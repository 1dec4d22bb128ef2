"""Ask a model and print its reply as it arrives.

Text from a pipe is added to PROMPT, after an empty line. If there is no PROMPT, that text is the
prompt. The reply goes to standard output, everything else to standard error. Only a terminal shows
the reasoning, dimmed, and what a slow call waits for. Without -m, TOKENWIRE_MODEL names the model;
the default is the built-in simulator. Keys come from the environment (OPENAI_API_KEY,
GROQ_API_KEY, ...), never from the command line.

Examples:
  tokenwire run "Why is the sky blue?"                     the built-in simulator; needs no key
  tokenwire run -m openai:gpt-4o-mini "Why is the sky blue?"
  git diff | tokenwire run -m openai:gpt-4o-mini "Write a commit message."
  tokenwire run -m qwen3 --base-url http://127.0.0.1:8000/v1 --system "Be brief." "Hi"
  tokenwire run --config tokenwire.toml -m fast "Hi"       a name in your configuration
  tokenwire run --api responses -m openai:gpt-4o-mini "Hi" another API than the usual one
  tokenwire run --completion -m vllm:Qwen/Qwen3-4B-Base --max-tokens 64 "def fib(n):"
  tokenwire run --param seed=7 --param 'stop=["END"]' "Hi"
  tokenwire run --image cat.png -m openai:gpt-4o-mini "What is this?"
  tokenwire run --timeout 30 --max-retries 0 "Hi"          half a minute in all, one attempt
  tokenwire run --json "Hi" | jq -r .text                  one JSON object, after the whole reply
  while read -r q; do tokenwire run "$q" </dev/null; done <questions.txt

Exit codes:
  0    done
  1    the call failed, or the model refused
  2    an argument or setting is wrong; nothing was sent
  3    the reply was cut off after its first part
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.settings.secret import Secret

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

    from tokenwire import LlmClientFactory, LlmClientInterface, LlmResponse

MODEL_VARIABLE = "TOKENWIRE_MODEL"
# How the engine's error for a missing key begins.
_NO_KEY = "no API key for "

# Fields of a reply that --json prints: what it says, not how it was transferred.
_FIELDS = (
    "id",
    "model",
    "provider",
    "api",
    "created",
    "text",
    "reasoning",
    "refusal",
    "tool_calls",
    "finish_reason",
    "provider_finish_reason",
    "status",
    "usage",
    "timing",
    "request_id",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    add = parser.add_argument
    add("prompt", nargs="?", metavar="PROMPT", help="what to ask; - is standard input")
    add(
        "-m",
        "--model",
        help="provider:model, a name in the configuration, or an id with --base-url",
    )
    add("--config", metavar="FILE", help="configuration file (default: $TOKENWIRE_CONFIG)")
    add("--base-url", metavar="URL", help="address of the API, such as http://127.0.0.1:8000/v1")
    add(
        "--transport",
        choices=("auto", "direct", "general"),
        help="what carries the call (default: $TOKENWIRE_TRANSPORT, or auto)",
    )
    add("--key-env", metavar="NAME", help="variable with the key, instead of the provider's own")
    add("--system", metavar="TEXT", help="system prompt")
    add("--api", metavar="NAME", help="API to speak: chat, responses, … (default: by the model)")
    add("--completion", action="store_true", help="text completion instead of chat")
    add("--max-tokens", type=int, metavar="N", help="maximum number of tokens in the reply")
    add("--temperature", type=float, metavar="T", help="how random the reply is; 0 is the least")
    add(
        "--param",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="any other parameter of the call; a value that is not JSON is sent as text",
    )
    add("--schema", metavar="FILE", help="a JSON schema that the reply must match")
    add(
        "--image",
        action="append",
        default=[],
        metavar="FILE",
        help="an image to send with the prompt; - is standard input; may be repeated",
    )
    add("--timeout", type=float, metavar="S", help="seconds for the whole call, retries included")
    add("--max-retries", type=int, metavar="N", help="attempts after the first one (default: 2)")
    add("--stats", action="store_true", help="print tokens and times to standard error")


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    try:
        return _run(parsed)
    except LlmConfigError as error:
        worded = output.in_options(error)
        if str(error).startswith(_NO_KEY):
            worded = LlmConfigError(f"{worded}; `-m sim:chat` needs none")
        raise worded from None


def _run(parsed: argparse.Namespace) -> int:
    from tokenwire._engine import ReasoningDelta, RefusalDelta
    from tokenwire.cli.request import parameters_of, prompt_of
    from tokenwire.cli.status import StatusLine
    from tokenwire.streaming.styles import is_terminal
    from tokenwire.streaming.terminal import Terminal

    prompt = prompt_of(parsed)
    params = parameters_of(parsed)
    client = _client(parsed)
    if not parsed.json and params.get("n") not in (None, 1):
        raise LlmConfigError("n: only --json prints several replies")
    # With --json as well: the error of a cut-off reply then contains its first part.
    stream = client.stream(prompt, **params)
    terminal = Terminal(sys.stdout, reasoning=True)
    shows_reasoning = is_terminal(sys.stdout)
    status = StatusLine(stream, _server(client), _most_attempts(client, params))
    try:
        with status, stream:
            for event in stream.events():
                is_reasoning = isinstance(event, ReasoningDelta)
                # A refusal is not a reply: it is printed at the end.
                is_kept = isinstance(event, RefusalDelta) or (is_reasoning and not shows_reasoning)
                if parsed.json or is_kept:
                    status.doing("the model is thinking" if is_reasoning else "receiving the reply")
                else:
                    status.end()
                    terminal.show(event, stream)
            reply = stream.response
    finally:
        terminal.end()
    if parsed.json:
        fields = reply.to_dict()
        names = (*_FIELDS, "choices") if len(reply.choices) > 1 else _FIELDS
        output.print_json({name: fields[name] for name in names})
    code = _code(reply)
    if parsed.stats and not output.say(_stats(reply, client)):
        # They were asked for, and are lost.
        return code or output.FAILED
    return code


def _client(parsed: argparse.Namespace) -> LlmClientInterface:
    from tokenwire._engine import apis
    from tokenwire.factory.factory import LlmClientFactory, shared_factory

    factory = shared_factory() if parsed.config is None else LlmClientFactory(parsed.config)
    api = _api(parsed)
    is_completion = apis().get(str(api)) == "completions"
    if is_completion and parsed.system is not None:
        raise LlmConfigError("--system: text completions have no system prompt")
    settings = {
        "base_url": parsed.base_url,
        "system": parsed.system,
        "transport": parsed.transport,
    }
    if parsed.key_env is not None:
        settings["api_key"] = key_of(parsed.key_env)
    if parsed.model is not None and not parsed.model.strip():
        # A script whose variable is empty must not ask the simulator.
        raise LlmConfigError("--model: it is empty; name a model, such as -m openai:gpt-4o-mini")
    model = parsed.model or os.environ.get(MODEL_VARIABLE)
    if not model:
        if parsed.base_url is not None:
            raise LlmConfigError("--base-url: name the model on that server as well: --model ID")
        model = "sim:completion" if is_completion else "sim:chat"
        output.say(f"no --model: this is {model}, the built-in simulator")
    settings = {name: value for name, value in settings.items() if value is not None}
    try:
        return factory.get_client(model, api=api, **settings)
    except (LlmConfigError, LlmValidationError) as error:
        text = str(error)
        if not parsed.model and text.startswith("model: "):
            # The user may have forgotten the variable.
            text = f"{MODEL_VARIABLE}: {text.removeprefix('model: ')}"
        text += names_to_try(model, parsed.base_url, factory)
        if text == str(error):
            raise
        raise LlmConfigError(text) from None


def _api(parsed: argparse.Namespace) -> str | None:
    """The API that the options name; None if they leave the choice to the provider."""
    from tokenwire._engine import apis

    api: str | None = parsed.api
    if api is not None and api not in apis():
        raise LlmConfigError(f"--api: {api!r}: give one of {', '.join(apis())}")
    if not parsed.completion:
        return api
    if apis().get(api or "completions") != "completions":
        raise LlmConfigError(f"--completion: {api} is not an API for it; leave one of them out")
    return api or "completions"


def names_to_try(model: str, base_url: str | None, factory: LlmClientFactory) -> str:
    """Return what an error about the name of a model adds: where names could come from.

    It is empty for a name with a provider, an address, or a configuration to look it up in.
    """
    from pathlib import Path

    from tokenwire import _engine

    if base_url is not None or ":" in model or factory.names():
        return ""
    if Path("tokenwire.toml").is_file():
        return f"; {output.UNREAD}"
    return f"; the providers are {', '.join(_engine.provider_names())}"


def _server(client: LlmClientInterface) -> str:
    """Host and port of a client, or else its provider."""
    url: str = getattr(client, "base_url", None) or ""
    return url.partition("://")[2].partition("/")[0] or client.provider


def _most_attempts(client: LlmClientInterface, params: Mapping[str, Any]) -> int | None:
    """How many attempts a call makes at most; None for a custom client."""
    from tokenwire._engine import RetryPolicy
    from tokenwire.clients.base import BaseClient

    if not isinstance(client, BaseClient):
        return None
    settings = client._settings
    retries = params.get("max_retries", settings["max_retries"])
    if retries is None:
        retries = (settings["retry"] or RetryPolicy()).max_retries
    return 1 + int(retries)


def key_of(variable: str) -> Secret:
    """The key in the variable that `--key-env` names.

    Raises:
        LlmConfigError: It is not set, or not the name of a variable.
    """
    # Sealed, because a traceback may show local variables.
    key = Secret(os.environ.get(variable))
    if not key.reveal():
        from tokenwire.catalog.provider import variable_problem

        problem = variable_problem(variable) or f"the environment has no {variable}"
        raise LlmConfigError(f"--key-env: {problem}")
    return key


def _code(reply: LlmResponse[object]) -> int:
    """The exit code of a reply. A note says why it is not whole."""
    from tokenwire.interface.defaults import UNFINISHED, filtered, paused, refusal_of

    if reply.finish_reason is None and reply.status in UNFINISHED:
        output.say(
            f"the reply is not an answer yet: its status is {reply.status}, its id {reply.id}"
        )
        return output.FAILED
    if reply.refusal is not None or reply.finish_reason == "refusal":
        output.say(f"the model refused: {refusal_of(reply)}")
        return output.FAILED
    if problem := paused(reply) or (reply.finish_reason == "content_filter" and filtered(reply)):
        output.say(problem)
        return output.CUT_OFF if reply.text else output.FAILED
    if reply.finish_reason == "length":
        output.say("the token limit ended the reply; raise --max-tokens for more")
    return output.DONE


def _stats(reply: LlmResponse[object], client: LlmClientInterface) -> str:
    usage, timing = reply.usage, reply.timing
    # The reply of a custom client may have none.
    api = f" by {reply.api}" if reply.api else ""

    def number(value: float | None, form: str = "{}") -> str:
        return "?" if value is None else form.format(value)

    return (
        f"{client.provider}:{reply.model}{api}, {number(timing.total, '{:.2f}')} s, "
        f"first token after {number(timing.first_token, '{:.2f}')} s, "
        f"{number(usage and usage.prompt_tokens)} + {number(usage and usage.completion_tokens)} "
        "tokens, "
        f"{number(timing.tokens_per_second, '{:.0f}')} tokens/s"
    )
