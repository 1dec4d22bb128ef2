"""Runs the line of a row of docs/drop-in.md, and calls the simulator with what it made.

    python sdk_rows.py SIMULATOR ROW LINE

It prints a JSON object: the texts of a whole reply and of a stream, or of one of them, and what
went through our code. It runs where the SDKs are installed.
"""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import json
import os
import sys
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION: list[Any] = [{"role": "user", "content": "Why?"}]
MODEL = "gpt-4o-mini"
COUNTS: Counter[str] = Counter()


def chat(client: Any) -> list[str]:
    create = client.chat.completions.create
    whole = create(model=MODEL, messages=QUESTION).choices[0].message.content
    return [whole, deltas(create(model=MODEL, messages=QUESTION, stream=True))]


async def chat_async(client: Any) -> list[str]:
    create = client.chat.completions.create
    whole = (await create(model=MODEL, messages=QUESTION)).choices[0].message.content
    chunks = [chunk async for chunk in await create(model=MODEL, messages=QUESTION, stream=True)]
    return [whole, deltas(chunks)]


def deltas(chunks: Any) -> str:
    return "".join(
        choice.delta.content or ""
        for chunk in chunks
        if chunk is not None
        for choice in chunk.choices
    )


def messages(client: Any) -> list[str]:
    options: Any = {"model": "claude", "max_tokens": 100, "messages": QUESTION}
    whole = client.messages.create(**options).content[0].text
    with client.messages.stream(**options) as stream:
        return [whole, "".join(stream.text_stream)]


def gemini(client: Any) -> list[str]:
    async def asynchronous() -> list[str]:
        whole = await client.aio.models.generate_content(model="gemini", contents="Why?")
        stream = await client.aio.models.generate_content_stream(model="gemini", contents="Why?")
        return [whole.text, "".join([chunk.text or "" async for chunk in stream])]

    whole = client.models.generate_content(model="gemini", contents="Why?").text
    stream = client.models.generate_content_stream(model="gemini", contents="Why?")
    return [whole, "".join(chunk.text or "" for chunk in stream), *asyncio.run(asynchronous())]


def mistral(client: Any) -> list[str]:
    # It reads no address from the environment.
    client.sdk_configuration.server_url = os.environ["SIMULATOR"]

    async def asynchronous() -> str:
        whole = await client.chat.complete_async(model="mistral", messages=QUESTION)
        text: str = whole.choices[0].message.content
        return text

    whole = client.chat.complete(model="mistral", messages=QUESTION)
    stream = client.chat.stream(model="mistral", messages=QUESTION)
    texts = [whole.choices[0].message.content, deltas(event.data for event in stream)]
    return [*texts, asyncio.run(asynchronous())]


def plain(client: Any) -> list[str]:
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    body = {"model": MODEL, "messages": QUESTION}
    return [client.post(url, json=body).json()["choices"][0]["message"]["content"]]


def langchain(model: Any) -> list[str]:
    async def asynchronous() -> list[str]:
        whole = (await model.ainvoke("Why?")).content
        return [whole, "".join([chunk.content async for chunk in model.astream("Why?")])]

    texts = [model.invoke("Why?").content, "".join(part.content for part in model.stream("Why?"))]
    return [*texts, *asyncio.run(asynchronous())]


def agent_of(provider: Any, model: str) -> list[str]:
    module, kind = {
        "openai": ("pydantic_ai.models.openai", "OpenAIChatModel"),
        "anthropic": ("pydantic_ai.models.anthropic", "AnthropicModel"),
    }[model]
    agent_class = importlib.import_module("pydantic_ai").Agent
    agent = agent_class(getattr(importlib.import_module(module), kind)(MODEL, provider=provider))

    async def run() -> list[str]:
        whole = (await agent.run("Why?")).output
        async with agent.run_stream("Why?") as result:
            return [whole, await result.get_output()]

    return asyncio.run(run())


def agents(_: Any) -> list[str]:
    module = importlib.import_module("agents")
    module.set_tracing_disabled(disabled=True)
    texts = []
    for api in ("responses", "chat_completions"):
        module.set_default_openai_api(api)
        agent = module.Agent(name="a", model=MODEL)
        texts.append(module.Runner.run_sync(agent, "Why?").final_output)

        async def streamed(agent: Any = agent) -> str:
            result = module.Runner.run_streamed(agent, "Why?")
            async for _ in result.stream_events():
                pass
            text: str = result.final_output
            return text

        texts.append(asyncio.run(streamed()))
    return texts


def litellm(_: Any) -> list[str]:
    module = importlib.import_module("litellm")

    async def asynchronous() -> list[str]:
        whole = await module.acompletion(model=MODEL, messages=QUESTION)
        stream = await module.acompletion(model=MODEL, messages=QUESTION, stream=True)
        return [whole.choices[0].message.content, deltas([chunk async for chunk in stream])]

    whole = module.completion(model=MODEL, messages=QUESTION).choices[0].message.content
    stream = module.completion(model=MODEL, messages=QUESTION, stream=True)
    return [whole, deltas(stream), *asyncio.run(asynchronous())]


def instructor(client: Any) -> list[str]:
    from pydantic import BaseModel

    class Answer(BaseModel):
        text: str

    made = client.chat.completions.create(model=MODEL, messages=QUESTION, response_model=Answer)
    # The simulator makes up the arguments of the call; whole is whole.
    return ["It is blue." if isinstance(made.text, str) else ""]


def imported(names: dict[str, Any], name: str) -> list[str]:
    if name == "AsyncOpenAI":
        return asyncio.run(chat_async(names[name]()))
    return chat(names["openai"].OpenAI())


# What uses the result of a line, by the first cell of its row.
USES: dict[str, Callable[[Any, dict[str, Any]], list[str]]] = {
    "openai 2 and 3": lambda _, names: imported(names, "openai"),
    "openai 2 and 3, one name": lambda _, names: imported(names, "AsyncOpenAI"),
    "pydantic-ai": lambda made, _: agent_of(made, "openai"),
    "langchain-openai": lambda made, _: langchain(made),
    "litellm, one call": lambda made, names: [
        made.choices[0].message.content,
        deltas(executed(names["line"].replace("client=", "stream=True, client="))[0]),
    ],
    "litellm, all calls": lambda made, _: litellm(made),
    "instructor": lambda made, _: instructor(made),
    "openai-agents": lambda made, _: agents(made),
    "anthropic 1 and later": lambda made, _: messages(made),
    "anthropic 0": lambda made, _: messages(made),
    "google-genai": lambda made, _: gemini(made),
    "mistralai 2 and later": lambda made, _: mistral(made),
    "groq": lambda made, _: chat(made),
    "pydantic-ai, other providers": lambda made, _: agent_of(made, "anthropic"),
    "plain httpx2": lambda made, _: plain(made),
    "plain httpx": lambda made, _: plain(made),
    "openai 3, transport alone": lambda made, _: chat(made),
    "openai 2, transport alone": lambda made, _: chat(made),
    "langchain-openai, transport alone": lambda made, _: langchain(made),
    "litellm, transport alone": lambda made, _: litellm(made),
}
# The names that the lines use. Only those of a line are imported.
NAMES = {
    "tokenwire": ("tokenwire", ""),
    "openai": ("tokenwire.openai", ""),
    "OpenAI": ("openai", "OpenAI"),
    "Anthropic": ("anthropic", "Anthropic"),
    "genai": ("google.genai", ""),
    "HttpOptions": ("google.genai.types", "HttpOptions"),
    "Mistral": ("mistralai.client", "Mistral"),
    "Groq": ("groq", "Groq"),
    "OpenAIProvider": ("pydantic_ai.providers.openai", "OpenAIProvider"),
    "AnthropicProvider": ("pydantic_ai.providers.anthropic", "AnthropicProvider"),
    "ChatOpenAI": ("langchain_openai", "ChatOpenAI"),
    "litellm": ("litellm", ""),
    "instructor": ("instructor", ""),
    "agents": ("agents", ""),
}


def executed(line: str) -> tuple[Any, dict[str, Any]]:
    """Return the value of the last expression of a line, and the names that it has."""
    names: dict[str, Any] = {"messages": QUESTION, "line": line}
    tree = ast.parse(line)
    bound = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="tokenwire")):
                importlib.import_module(f"tokenwire.{node.attr}")
        if isinstance(node, ast.Name) and node.id in NAMES and node.id not in bound:
            module, name = NAMES[node.id]
            found = importlib.import_module(module)
            names[node.id] = getattr(found, name) if name else found
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "docs/drop-in.md", "exec"), names)
        return None, names
    del tree.body[-1]
    exec(compile(tree, "docs/drop-in.md", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "docs/drop-in.md", "eval"), names)
    return value, names


def count() -> None:
    """Count what goes through our code from now on."""
    for family in filter(importlib.util.find_spec, ("httpx2", "httpx")):
        module = importlib.import_module(f"tokenwire.{family}")
        for kind in (module.Transport, module.AsyncTransport):
            counted(kind, "_open", "connections")
    counted(importlib.import_module("tokenwire.openai.streams"), "_events", "streams")
    counted(importlib.import_module("tokenwire.openai.requests"), "_as_it_is", "requests")
    counted(importlib.import_module("tokenwire.openai.replies"), "_built", "replies")


def counted(owner: Any, name: str, what: str) -> None:
    setattr(owner, name, counting(getattr(owner, name), what))


def counting(function: Callable[..., Any], what: str) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        if result is not None:
            COUNTS[what] += 1
        return result

    return call


def main() -> None:
    simulator, row, line = sys.argv[1:]
    for name in ("OPENAI", "GROQ", "ANTHROPIC", "GOOGLE_GEMINI"):
        path = "/v1" if name in ("OPENAI", "GROQ") else ""
        os.environ[f"{name}_BASE_URL"] = simulator + path
        os.environ[f"{name.removeprefix('GOOGLE_')}_API_KEY"] = "any"
    os.environ |= {
        "SIMULATOR": simulator,
        "MISTRAL_API_KEY": "any",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    # What the SDKs warn of in their own code.
    warnings.simplefilter("ignore", DeprecationWarning)
    count()
    value, names = executed(line)
    sys.stdout.write(json.dumps({"texts": USES[row](value, names), **COUNTS}) + "\n")


if __name__ == "__main__":
    main()
