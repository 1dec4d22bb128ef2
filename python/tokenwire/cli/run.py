"""Ask a model and print its reply as it arrives.

Text from a pipe is added to PROMPT, after an empty line. If there is no PROMPT, that text is the
prompt. The reply goes to standard output, everything else to standard error. Only a terminal shows
the reasoning, dimmed. Without -m, TOKENWIRE_MODEL names the model; the default is the built-in
simulator. Keys come from the environment (OPENAI_API_KEY, GROQ_API_KEY, ...), never from the
command line.

Examples:
  tokenwire run "Why is the sky blue?"                     the built-in simulator; needs no key
  tokenwire run -m openai:gpt-4o-mini "Why is the sky blue?"
  git diff | tokenwire run -m openai:gpt-4o-mini "Write a commit message."
  tokenwire run -m qwen3 --base-url http://127.0.0.1:8000/v1 --system "Be brief." "Hi"
  tokenwire run --config tokenwire.toml -m fast "Hi"       a name in your configuration
  tokenwire run --completion -m vllm:Qwen/Qwen3-4B-Base --max-tokens 64 "def fib(n):"
  tokenwire run --param seed=7 --param 'stop=["END"]' "Hi"
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
from tokenwire.cli.reading import has_input, read_file, read_input, read_json
from tokenwire.errors import LlmConfigError
from tokenwire.settings.secret import Secret

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tokenwire import LlmClientInterface, LlmResponse

MODEL_VARIABLE = "TOKENWIRE_MODEL"

# Fields of a reply that --json prints: what it says, not how it was transferred.
_FIELDS = (
    "id",
    "model",
    "provider",
    "created",
    "text",
    "reasoning",
    "refusal",
    "tool_calls",
    "finish_reason",
    "provider_finish_reason",
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
    add("--key-env", metavar="NAME", help="variable with the key, instead of the provider's own")
    add("--system", metavar="TEXT", help="system prompt")
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
    add("--stats", action="store_true", help="print tokens and times to standard error")


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    from tokenwire._engine import RefusalDelta
    from tokenwire.streaming.terminal import Terminal

    prompt = _prompt(parsed.prompt)
    params = _parameters(parsed)
    client = _client(parsed)
    if not parsed.json and params.get("n") not in (None, 1):
        raise LlmConfigError("n: only --json prints several replies")
    terminal = Terminal(sys.stdout, reasoning=True)
    try:
        # With --json as well: the error of a cut-off reply then contains its first part.
        with client.stream(prompt, **params) as stream:
            for event in stream.events():
                # A refusal is not a reply: it is printed at the end.
                if not parsed.json and not isinstance(event, RefusalDelta):
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


def _prompt(word: str | None) -> str:
    """PROMPT, and the text from a pipe."""
    if word is None and not has_input():
        raise LlmConfigError(
            "no PROMPT: give one, or pipe it in; `tokenwire run --help` has examples"
        )
    if word in (None, "-"):
        parts = [read_input()]
    else:
        parts = [word or "", read_input(is_requested=False) if has_input() else ""]
    prompt = "\n\n".join(part for part in parts if part.strip())
    if not prompt:
        raise LlmConfigError("the prompt is empty")
    return prompt


def _parameters(parsed: argparse.Namespace) -> dict[str, Any]:
    """The request parameters of the call."""
    import json

    params: dict[str, Any] = {}
    for item in parsed.param:
        name, separator, text = item.partition("=")
        if not separator or not name.isidentifier():
            # The text is not repeated, because it may be anything.
            raise LlmConfigError("--param: write NAME=JSON, such as --param seed=7")
        try:
            params[name] = json.loads(text)
        except ValueError:
            params[name] = text
        except RecursionError:
            raise LlmConfigError(f"--param: {name}: it is nested too deeply") from None
    if parsed.schema is not None:
        try:
            params["response_format"] = read_json(read_file(parsed.schema), parsed.schema)
        except LlmConfigError as error:
            raise LlmConfigError(f"--schema: {error}") from None
    for name in ("max_tokens", "temperature"):
        if vars(parsed)[name] is not None:
            params[name] = vars(parsed)[name]
    return params


def _client(parsed: argparse.Namespace) -> LlmClientInterface:
    from tokenwire.factory.factory import LlmClientFactory, shared_factory

    factory = shared_factory() if parsed.config is None else LlmClientFactory(parsed.config)
    if parsed.completion and parsed.system is not None:
        raise LlmConfigError("--system: text completions have no system prompt")
    settings = {"base_url": parsed.base_url, "system": parsed.system}
    if parsed.key_env is not None:
        settings["api_key"] = _key(parsed.key_env)
    model = parsed.model or os.environ.get(MODEL_VARIABLE)
    if not model:
        if parsed.base_url is not None:
            raise LlmConfigError("--base-url: name the model on that server as well: --model ID")
        model = "sim:completion" if parsed.completion else "sim:chat"
        output.say(f"no --model: this is {model}, the built-in simulator")
    settings = {name: value for name, value in settings.items() if value is not None}
    return factory.get_client(model, api="completions" if parsed.completion else None, **settings)


def _key(variable: str) -> Secret:
    # Sealed, because a traceback may show local variables.
    key = Secret(os.environ.get(variable))
    if not key.reveal():
        from tokenwire.catalog.provider import variable_problem

        problem = variable_problem(variable) or f"the environment has no {variable}"
        raise LlmConfigError(f"--key-env: {problem}")
    return key


def _code(reply: LlmResponse[object]) -> int:
    """The exit code of a reply. A note says why it is not whole."""
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
