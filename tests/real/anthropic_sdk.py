"""Calls of Anthropic's official client. It runs where that is installed; prints JSON lines.

python anthropic_sdk.py BASE_URL
"""

from __future__ import annotations

import json
import sys

import anthropic  # type: ignore[import-not-found]
from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


TOOL: dict[str, object] = {
    "name": "get_weather",
    "description": "Say what the weather is.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
THINKING = {"type": "enabled", "budget_tokens": 1024}
# The client adds /v1 itself.
ADDRESS = sys.argv[1].removesuffix("/v1")
client = anthropic.Anthropic(base_url=ADDRESS, api_key="sk-ant-any", max_retries=0)
ASKED = [{"role": "user", "content": "Why?"}]


def report(what: str, **facts: object) -> None:
    sys.stdout.write(json.dumps({"what": what, **facts}) + "\n")


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def create() -> None:
    reply = client.messages.create(
        model="chat", max_tokens=200, system="Be brief.", messages=ASKED, stop_sequences=["zzz"]
    )
    usage = reply.usage
    report(
        "create",
        text=text_of(reply),
        reason=reply.stop_reason,
        usage=[usage.input_tokens, usage.output_tokens],
        request=reply._request_id,
    )


def stream() -> None:
    types = []
    events = client.messages.create(model="chat", max_tokens=200, messages=ASKED, stream=True)
    text = ""
    for event in events:
        types.append(event.type)
        if event.type == "content_block_delta":
            text += event.delta.text
    report("stream", text=text, first=types[0], last=types[-1])


def accumulate() -> None:
    with client.messages.stream(
        model="chat", max_tokens=2000, messages=ASKED, thinking=THINKING
    ) as s:
        text = "".join(s.text_stream)
        reply = s.get_final_message()
    thought, said = reply.content
    report(
        "accumulate",
        text=text,
        same=said.text == text,
        thinking=thought.thinking,
        is_signed=len(thought.signature) > 100,
    )


def parse() -> None:
    reply = client.messages.parse(model="chat", max_tokens=200, messages=ASKED, output_format=City)
    report("parse", kind=type(reply.parsed_output).__name__)


def tools() -> None:
    """Two turns with thinking, streamed: the blocks go back as they came."""
    settings = {"model": "sim-tools", "max_tokens": 2000, "tools": [TOOL], "thinking": THINKING}
    asked: list[dict[str, object]] = [{"role": "user", "content": "What is the weather in Paris?"}]
    with client.messages.stream(messages=asked, **settings) as events:
        reply = events.get_final_message()
    (call,) = [block for block in reply.content if block.type == "tool_use"]
    asked.append({"role": "assistant", "content": reply.content})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "It rains."}
    asked.append({"role": "user", "content": [result]})
    last = client.messages.create(messages=asked, **settings)
    report("tools", name=call.name, input=call.input, text=text_of(last))
    reply.content[0].signature = "changed"
    try:
        client.messages.create(messages=asked, **settings)
    except anthropic.BadRequestError as error:
        report("unsigned", message=error.message, request=error.request_id)


def runner() -> None:
    """The client's own loop over tools."""

    @anthropic.beta_tool  # type: ignore[untyped-decorator]
    def get_weather(city: str) -> str:
        """Say what the weather is."""
        return f"It rains in {city}."

    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    settings = {"model": "sim-tools", "max_tokens": 2000, "thinking": THINKING}
    loop = client.beta.messages.tool_runner(tools=[get_weather], messages=asked, **settings)
    report("runner", text=text_of(loop.until_done()))


def counted() -> None:
    count = client.messages.count_tokens(model="chat", messages=ASKED, system="Be brief.")
    report("count", tokens=count.input_tokens)


def models() -> None:
    listed = [model.id for model in client.models.list(limit=2)]
    report("models", ids=listed)


def retried() -> None:
    patient = client.with_options(max_retries=2)
    reply = patient.messages.create(model="busy", max_tokens=50, messages=ASKED)
    report("retried", reason=reply.stop_reason)


def failed() -> None:
    try:
        client.messages.create(model="overloaded", max_tokens=50, messages=ASKED)
    except anthropic.APIStatusError as error:
        report("refused", kind=type(error).__name__, status=error.status_code)
    try:
        list(client.messages.create(model="broken", max_tokens=50, messages=ASKED, stream=True))
    except anthropic.APIStatusError as error:
        report("failed", kind=type(error).__name__, message=error.message)


for call in (
    create,
    stream,
    accumulate,
    parse,
    tools,
    runner,
    counted,
    models,
    retried,
    failed,
):
    call()
