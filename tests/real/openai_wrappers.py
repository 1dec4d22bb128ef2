"""Compare what wrappers of openai's clients record of ours and of openai's own.

`scripts/real_servers.py wrappers` installs Sentry, Langfuse, OpenTelemetry, LangSmith and
langchain, and runs this. Each is run in a process of its own, against the simulator: with openai's
clients, with ours, and with ours imported before it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from difflib import unified_diff
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Callable

# A run without a record.
LINES_OF_RESULTS = 100
KEY = "sk-canary-0123456789-0123456789"
MESSAGES: Any = [{"role": "user", "content": "Which colour? " * 5}]
TOOL: Any = {
    "name": "pick",
    "description": "Pick.",
    "parameters": {"type": "object", "properties": {}},
}


def sentry() -> Callable[[], Any]:
    """Install Sentry. Return what reads its spans, as all of these do."""
    import sentry_sdk
    from sentry_sdk.integrations.openai import OpenAIIntegration
    from sentry_sdk.transport import Transport

    found: list[Any] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            found.extend(item.payload.json for item in envelope.items if item.payload.json)

    sentry_sdk.init(
        dsn="http://key@127.0.0.1/1",
        transport=Kept,
        traces_sample_rate=1.0,
        send_default_pii=True,
        default_integrations=False,
        integrations=[OpenAIIntegration()],
    )
    transaction = sentry_sdk.start_transaction(name="calls")
    transaction.__enter__()

    def read() -> Any:
        transaction.__exit__(None, None, None)
        sentry_sdk.flush()
        return [one["items"] for one in found if "items" in one]

    return read


def opentelemetry() -> Callable[[], Any]:
    """Install OpenTelemetry's own instrumentation."""
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    return _spans_of(OpenAIInstrumentor())


def traceloop() -> Callable[[], Any]:
    """Install the instrumentation of Traceloop."""
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    return _spans_of(OpenAIInstrumentor())


def _spans_of(instrumentor: Any) -> Callable[[], Any]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor.instrument(tracer_provider=provider)
    return lambda: [
        [span.name, dict(span.attributes or {})] for span in exporter.get_finished_spans()
    ]


def langfuse() -> Callable[[], Any]:
    """Install Langfuse."""
    from langfuse import Langfuse
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    client = Langfuse(
        public_key="pk-1", secret_key="sk-2", host="http://127.0.0.1:1", span_exporter=exporter
    )
    import langfuse.openai  # noqa: F401

    def read() -> Any:
        client.flush()
        return [[span.name, dict(span.attributes or {})] for span in exporter.get_finished_spans()]

    return read


def langsmith() -> Callable[[], Any]:
    """Prepare LangSmith, which wraps a client."""
    from langsmith import Client

    runs: list[Any] = []

    class Kept(Client):
        def create_run(self, name: str, inputs: Any, run_type: Any, **_: Any) -> None:
            runs.append([name, run_type, inputs])

        def update_run(self, run_id: Any, **more: Any) -> None:  # noqa: ARG002
            runs.append(["end", more.get("outputs"), more.get("error")])

    kept = Kept(api_key="none", api_url="http://127.0.0.1:1", auto_batch_tracing=False)
    os.environ["LANGSMITH_TRACING"] = "true"
    _langsmith.append(kept)
    return lambda: runs


_langsmith: list[Any] = []


WRAPPERS = {one.__name__: one for one in (sentry, opentelemetry, traceloop, langfuse, langsmith)}
NAMES = (*WRAPPERS, "langchain")


def wrapped(client: Any, wrapper: str) -> Any:
    """Return the client, wrapped if the wrapper works so."""
    if wrapper != "langsmith":
        return client
    from langsmith.wrappers import wrap_openai

    return wrap_openai(client, tracing_extra={"client": _langsmith[0]})


def calls(client: Any) -> list[Callable[[], Any]]:
    """Return the calls to compare."""
    from pydantic import BaseModel

    class Colour(BaseModel):
        name: str

    chat, responses = client.chat.completions, client.responses
    question: Any = {"model": "gpt-4o-mini", "messages": MESSAGES}
    tools: Any = [{"type": "function", "function": TOOL}]
    usage = {"include_usage": True}
    return [
        lambda: chat.create(**question),
        lambda: chat.create(**question, tools=tools),
        lambda: chat.create(**question, stream=True),
        lambda: chat.create(**question, stream=True, stream_options=usage),
        lambda: chat.with_raw_response.create(**question),
        lambda: client.with_raw_response.chat.completions.create(**question),
        lambda: chat.parse(**question, response_format=Colour),
        lambda: chat.stream(**question),
        lambda: client.beta.chat.completions.parse(**question, response_format=Colour),
        lambda: client.completions.create(model="m", prompt=["once"]),
        lambda: client.completions.create(model="m", prompt=["once"], stream=True),
        lambda: responses.create(model="gpt-4o-mini", input=MESSAGES),
        lambda: responses.create(model="gpt-4o-mini", input=MESSAGES, stream=True),
        lambda: responses.parse(model="gpt-4o-mini", input=MESSAGES, text_format=Colour),
        # An error of the server.
        lambda: chat.create(**{**question, "model": "failing"}),
    ]


def run_sync(client: Any) -> list[Any]:
    """Make the calls, and return their outcomes."""

    def tried(call: Callable[[], Any]) -> Any:
        try:
            reply = call()
            if hasattr(reply, "__enter__") and not hasattr(reply, "__iter__"):
                with reply as events:
                    return len(list(events))
            return len(list(reply)) if hasattr(reply, "__next__") else type(reply).__name__
        except Exception as error:  # noqa: BLE001
            return type(error).__name__

    return [tried(call) for call in calls(client)]


async def run_async(client: Any) -> list[Any]:
    """Do the same with an async client."""

    async def tried(call: Callable[[], Any]) -> Any:
        try:
            reply = call()
            if hasattr(reply, "__aenter__"):
                async with reply as events:
                    return len([event async for event in events])
            reply = await reply
            has_items = hasattr(reply, "__anext__")
            return len([item async for item in reply]) if has_items else type(reply).__name__
        except Exception as error:  # noqa: BLE001
            return type(error).__name__

    return [await tried(call) for call in calls(client)]


def run_langchain(openai: Any, is_stock: bool) -> Any:
    """Return what langchain makes of replies, streams and tools, and what it sends."""
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def pick(name: str) -> str:
        """Pick a colour."""
        return name

    picked = {"name": "pick", "arguments": '{"name": "red"}'}
    has_tools = {"match": {"model": "tools"}, "then": {"reply": {"tool_calls": [picked]}}}
    with SimServer({"default": {"reply": {"text": "Red it is."}}, "rules": [has_tools]}) as sim:
        options = {"api_key": KEY, "base_url": sim.base_url}

        def chat(model: str) -> Any:
            chosen = options if is_stock else openai.langchain(**options)
            return ChatOpenAI(model=model, **chosen)

        async def play() -> Any:
            model = chat("m")
            found = [await model.ainvoke(question)]
            found += [chunk async for chunk in model.astream(question)]
            return [*found, await chat("tools").bind_tools([pick]).ainvoke(question)]

        question = [HumanMessage("Which colour?")]
        model, tools = chat("m"), chat("tools").bind_tools([pick])
        found = [model.invoke(question), *model.stream(question)]
        found += [tools.invoke(question), *tools.stream(question), *asyncio.run(play())]
        requests = [[one["path"], one["body"]] for one in sim.requests()]
        return {"found": [one.model_dump() for one in found], "requests": requests}


def run(wrapper: str, which: str) -> Any:
    """Run the calls under a wrapper, and return their results and its records."""
    if wrapper == "langchain":
        openai = import_module("openai" if which == "stock" else "tokenwire.openai")
        return run_langchain(openai, which == "stock")
    if which == "imported first":
        import_module("tokenwire.openai")
    read = WRAPPERS[wrapper]()
    openai = import_module("openai" if which == "stock" else "tokenwire.openai")
    failing = {"match": {"model": "failing"}, "then": {"error": {"status": 400}}}
    script = {"default": {"reply": {"text": '{"name": "red"}'}}, "rules": [failing]}
    with SimServer(script) as sim:
        options = {"api_key": KEY, "base_url": sim.base_url, "max_retries": 0}
        with openai.OpenAI(**options) as client:
            found = run_sync(wrapped(client, wrapper))

        async def play() -> Any:
            async with openai.AsyncOpenAI(**options) as client:
                return await run_async(wrapped(client, wrapper))

        found += asyncio.run(play())
        return {"found": found, "records": read()}


# What differs from run to run.
_CHANGING = (
    (r"\b\d+\.\d{3,}(e-?\d+)?", "SECONDS"),
    (r"\\n\\nTraceback [^\n]*", "TRACEBACK"),
    (r'"\d{15}"', "THREAD"),
    (r'127\.0\.0\.1:\d+|"?(server\.)?port"?: \d+', "ADDRESS"),
    (r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?", "TIME"),
    (r"\b0x[0-9a-f]+|\b[0-9a-f]{16,32}\b|[0-9a-f]{8}-[0-9a-f-]{27}", "ID"),
    (r"\b(chatcmpl|resp|msg|req|cmpl|run|item|rs|fc|call)[-_][\w-]+", "ID"),
    (r"\b1[6-9]\d{8}\b", "TIME"),
)


def settled(shown: Any) -> list[str]:
    """Return lines without what differs from run to run."""
    text = json.dumps(shown, indent=1, default=str, sort_keys=True)
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text)
    return text.splitlines()


def main() -> int:
    """Compare the wrappers. Return the number of those that differ."""
    if sys.argv[1:]:
        wrapper, which = sys.argv[1:]
        sys.stdout.write("\n".join(settled(run(wrapper, which))))
        return 0
    differing = 0
    for wrapper in NAMES:
        stock = output_of(wrapper, "stock")
        changes = [
            line
            for which in ("ours", "imported first")
            for line in unified_diff(stock, output_of(wrapper, which), "stock", which, n=1)
        ]
        # Nothing recorded is nothing compared.
        has_records = len(stock) > LINES_OF_RESULTS
        verdict = f"{wrapper}: {len(stock)} lines, {'different' if changes else 'equal'}"
        sys.stdout.write("\n".join([verdict, *map(str.rstrip, changes[:80]), ""]))
        differing += bool(changes) or not has_records
    return differing


def output_of(wrapper: str, which: str) -> list[str]:
    """Return what a wrapper recorded in a process of its own."""
    command = [sys.executable, __file__, wrapper, which]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stdout.write(done.stderr[-3000:])
    return done.stdout.splitlines()


if __name__ == "__main__":
    raise SystemExit(main())
