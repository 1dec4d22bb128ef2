"""Calls of Google's official client. It runs where that is installed; prints JSON lines.

python google_sdk.py BASE_URL
"""

from __future__ import annotations

import json
import sys

from google import genai  # type: ignore[import-not-found]
from google.genai import errors, types  # type: ignore[import-not-found]
from pydantic import BaseModel


class City(BaseModel):
    name: str
    people: int


# The client adds the version itself.
ADDRESS = sys.argv[1].removesuffix("/v1")
ASKED = "What is the weather in Paris?"
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="Say what the weather is.",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        )
    ]
)
SHOWN = types.ThinkingConfig(include_thoughts=True)
client = genai.Client(
    api_key="any",
    http_options=types.HttpOptions(
        base_url=ADDRESS,
        api_version="v1beta",
        retry_options=types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.01),
    ),
)


def report(what: str, **facts: object) -> None:
    sys.stdout.write(json.dumps({"what": what, **facts}) + "\n")


def create() -> None:
    config = types.GenerateContentConfig(system_instruction="Be brief.", stop_sequences=["zzz"])
    reply = client.models.generate_content(model="chat", contents="Why?", config=config)
    usage = reply.usage_metadata
    report(
        "create",
        text=reply.text,
        reason=reply.candidates[0].finish_reason.name,
        usage=[usage.prompt_token_count, usage.candidates_token_count],
        has_id=bool(reply.response_id),
    )


def stream() -> None:
    config = types.GenerateContentConfig(thinking_config=SHOWN)
    text, thoughts, reasons = "", "", []
    for chunk in client.models.generate_content_stream(
        model="chat", contents="Why?", config=config
    ):
        candidate = chunk.candidates[0]
        reasons.append(candidate.finish_reason and candidate.finish_reason.name)
        for part in candidate.content.parts or []:
            if part.thought:
                thoughts += part.text
            else:
                text += part.text or ""
    report("stream", text=text, thoughts=thoughts, last=reasons[-1], count=len(reasons))


def parse() -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=City
    )
    reply = client.models.generate_content(model="chat", contents="Which?", config=config)
    report("parse", kind=type(reply.parsed).__name__)


def tools() -> None:
    """Two turns: the signature goes back with its call."""
    config = types.GenerateContentConfig(tools=[TOOL])
    contents = [types.Content(role="user", parts=[types.Part(text=ASKED)])]
    reply = client.models.generate_content(model="sim-tools", contents=contents, config=config)
    (call,) = reply.function_calls
    contents.append(reply.candidates[0].content)
    result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "It rains."})
    contents.append(types.Content(role="user", parts=[types.Part(function_response=result)]))
    last = client.models.generate_content(model="sim-tools", contents=contents, config=config)
    report("tools", name=call.name, args=call.args, text=last.text)
    contents[1].parts[0].thought_signature = None
    try:
        client.models.generate_content(model="sim-tools", contents=contents, config=config)
    except errors.ClientError as error:
        report("unsigned", code=error.code, message=error.message)


def automatic() -> None:
    """The client's own loop over tools."""

    def get_weather(city: str) -> str:
        """Say what the weather is."""
        return f"It rains in {city}."

    config = types.GenerateContentConfig(tools=[get_weather])
    reply = client.models.generate_content(model="sim-tools", contents=ASKED, config=config)
    report("automatic", text=reply.text)


def counted() -> None:
    count = client.models.count_tokens(model="chat", contents="Why not?")
    report("count", tokens=count.total_tokens)


def models() -> None:
    report("models", ids=[model.name for model in client.models.list(config={"page_size": 2})])


def failed() -> None:
    reply = client.models.generate_content(model="busy", contents="Why?")
    report("retried", text=bool(reply.text))
    try:
        client.models.generate_content(model="refused", contents="Why?")
    except errors.ClientError as error:
        report("refused", code=error.code, status=error.status)
    try:
        list(client.models.generate_content_stream(model="broken", contents="Why?"))
    except errors.APIError as error:
        report("failed", code=error.code, message=error.message)


for call in (create, stream, parse, tools, automatic, counted, models, failed):
    call()
