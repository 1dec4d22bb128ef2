"""Calls of the official client's Responses. It runs where that is installed; prints JSON lines.

python openai_sdk.py BASE_URL
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from pydantic import BaseModel

# Its types vary with its version.
openai: Any = importlib.import_module("openai")


class City(BaseModel):
    name: str
    people: int


TOOL: dict[str, object] = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
client = openai.OpenAI(base_url=sys.argv[1], api_key="sk-any", max_retries=0)


def report(what: str, **facts: object) -> None:
    sys.stdout.write(json.dumps({"what": what, **facts}) + "\n")


def create() -> None:
    reply = client.responses.create(model="chat", instructions="Be brief.", input="Why?")
    usage = reply.usage.total_tokens if reply.usage else None
    report("create", text=reply.output_text, status=reply.status, usage=usage)


def stream() -> None:
    types, text = [], ""
    events = client.responses.create(model="chat", input="Why?", stream=True)
    for event in events:
        types.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
    report("stream", text=text, first=types[0], last=types[-1])


def accumulate() -> None:
    with client.responses.stream(model="chat", input="Why?") as events:
        types = {event.type for event in events}
        reply = events.get_final_response()
    report("accumulate", text=reply.output_text, types=len(types))


def parse() -> None:
    reply = client.responses.parse(model="chat", input="Which city?", text_format=City)
    report("parse", kind=type(reply.output_parsed).__name__)


def tools() -> None:
    """Two turns without state: reasoning and call go back as they came."""
    settings = {"model": "sim-tools", "tools": [TOOL], "store": False}
    settings["reasoning"] = {"effort": "low", "summary": "auto"}
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    reply = client.responses.create(input=asked, **settings)
    (call,) = [item for item in reply.output if item.type == "function_call"]
    asked += [item.model_dump(exclude_none=True) for item in reply.output]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "It rains."}
    last = client.responses.create(input=[*asked, output], **settings)
    report("tools", name=call.name, arguments=call.arguments, text=last.output_text)
    del asked[1]["encrypted_content"]
    try:
        client.responses.create(input=[*asked, output], **settings)
    except openai.BadRequestError as error:
        report("unsealed", message=error.message)


def queued() -> None:
    reply = client.responses.create(model="chat", input="Why?", background=True)
    done = client.responses.retrieve(reply.id)
    report("queued", status=reply.status, later=done.status, text=done.output_text)


def failed() -> None:
    try:
        list(client.responses.create(model="broken", input="Why?", stream=True))
    except openai.APIError as error:
        report("failed", kind=type(error).__name__, message=error.message)


for call in (create, stream, accumulate, parse, tools, queued, failed):
    call()
