"""Who is measured: interpreter environment, worker, event loop, and amount of work."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contestant:
    """One row of the report."""

    name: str
    environment: str
    worker: str
    statement: str = ""
    """What a user imports; empty where another row of the same package measures it."""
    before: str = ""
    """What is imported before the clock starts."""
    loop: str = "asyncio"
    variables: dict[str, str] = field(default_factory=dict)
    share: float = 1.0
    """Slow ones get this share of the units, so that a round takes seconds for all."""
    is_short: bool = True
    """Whether `make bench` runs it, too."""
    has_sync: bool = True
    kinds: tuple[str, ...] = ()
    """Where given, only scenarios of these kinds."""


OURS = "tokenwire"
"""Over the direct transport, as for most calls."""

GENERAL = "tokenwire, general"
"""The same over the transport on top of reqwest."""

OTHER_APIS = {
    "responses": "tokenwire, Responses",
    "messages": "tokenwire, Messages",
    "gemini": "tokenwire, Gemini",
}
"""The same over other APIs than chat completions, whose events are longer."""

# The client of the same package, over the engine.
OVER_ENGINE = {"BENCH_TRANSPORT": "tokenwire"}

# The subclasses of openai's clients.
OURS_INSTEAD = {"BENCH_CLIENT": "tokenwire"}

OPENAI = "openai"
OPENAI_OURS = "tokenwire.openai"
OPENAI_RESPONSES = "openai, Responses"
OURS_RESPONSES = "tokenwire.openai, Responses"
OPENAI_OVER = "openai over tokenwire.httpx2"
OPENAI_AIOHTTP = "openai over its aiohttp extra"
ANTHROPIC = "anthropic"
ANTHROPIC_OVER = "anthropic over tokenwire.httpx2"
HTTPX2 = "httpx2, bytes"
HTTPX2_OVER = "httpx2 over tokenwire.httpx2, bytes"
STREAMS_AND_REPLIES = ("stream_async", "stream_sync", "ask_sync", "ask_async")

PYDANTIC_AI = "pydantic-ai"
LANGCHAIN = "langchain"
LITELLM = "litellm"
FRAMEWORKS_OVER = {one: f"{one} over tokenwire.openai" for one in (PYDANTIC_AI, LANGCHAIN, LITELLM)}
"""The frameworks, given our client."""

# A hand-written loop that processes each block at once and calls back, without an iterator for the
# reader of the stream. It is the least that Python code can do, next to what users write.
IN_BLOCKS = {"BENCH_FORM": "blocks"}

CONTESTANTS = [
    Contestant("tokenwire", "tokenwire", "tokenwire_worker", "from tokenwire import ChatClient"),
    Contestant(
        GENERAL,
        "tokenwire",
        "tokenwire_worker",
        variables={"TOKENWIRE_TRANSPORT": "general"},
        kinds=("stream_async", "stream_sync", "paced_async", "ask_sync", "ask_async", "tls"),
    ),
    *(
        Contestant(
            name,
            "tokenwire",
            "tokenwire_worker",
            variables={"TOKENWIRE_API": api},
            kinds=("stream_async", "stream_sync", "first_token", "paced_async"),
        )
        for api, name in OTHER_APIS.items()
    ),
    Contestant(
        "tokenwire, chunk objects",
        "tokenwire",
        "tokenwire_worker",
        variables={"TOKENWIRE_FORM": "chunks"},
        kinds=("stream_async", "stream_sync", "paced_async"),
    ),
    Contestant("tokenwire, uvloop", "tokenwire", "tokenwire_worker", loop="uvloop", has_sync=False),
    Contestant(
        "aiohttp + orjson", "aiohttp", "aiohttp_worker", "import aiohttp, orjson", has_sync=False
    ),
    Contestant(
        "aiohttp + orjson, uvloop", "aiohttp", "aiohttp_worker", loop="uvloop", has_sync=False
    ),
    Contestant(
        "aiohttp + orjson, blocks",
        "aiohttp",
        "aiohttp_worker",
        variables=IN_BLOCKS,
        kinds=("stream_async", "paced_async"),
    ),
    Contestant(
        "aiohttp + orjson, blocks, uvloop",
        "aiohttp",
        "aiohttp_worker",
        loop="uvloop",
        variables=IN_BLOCKS,
        kinds=("stream_async", "paced_async"),
    ),
    Contestant(
        "pyreqwest + orjson",
        "pyreqwest",
        "pyreqwest_worker",
        "import orjson; from pyreqwest.client import ClientBuilder",
    ),
    Contestant(
        "pyreqwest + orjson, 64 KiB blocks",
        "pyreqwest",
        "pyreqwest_worker",
        variables=IN_BLOCKS,
        kinds=("stream_async", "stream_sync"),
    ),
    Contestant("(bare socket + orjson)", "pyreqwest", "socket_worker", kinds=("ask_sync",)),
    Contestant(OPENAI, "openai", "openai_worker", "from openai import OpenAI", share=0.05),
    Contestant(
        OPENAI_OURS,
        "openai",
        "openai_worker",
        "import tokenwire.openai",
        before="import openai",
        variables=OURS_INSTEAD,
        share=0.5,
        kinds=(
            *STREAMS_AND_REPLIES,
            *("paced_async", "send_sync", "embed_sync", "create", "import"),
        ),
    ),
    *(
        Contestant(
            name,
            "openai",
            "openai_worker",
            variables={**variables, "BENCH_API": "responses"},
            share=share,
            kinds=("stream_async",),
        )
        for name, variables, share in (
            (OPENAI_RESPONSES, {}, 0.05),
            (OURS_RESPONSES, OURS_INSTEAD, 0.5),
        )
    ),
    Contestant(
        OPENAI_OVER,
        "openai",
        "openai_worker",
        variables=OVER_ENGINE,
        share=0.05,
        kinds=STREAMS_AND_REPLIES,
    ),
    Contestant(
        OPENAI_AIOHTTP,
        "openai",
        "openai_worker",
        variables={"BENCH_TRANSPORT": "aiohttp"},
        share=0.05,
        has_sync=False,
        kinds=STREAMS_AND_REPLIES,
    ),
    Contestant(
        ANTHROPIC,
        "anthropic",
        "anthropic_worker",
        "from anthropic import Anthropic",
        share=0.1,
        kinds=STREAMS_AND_REPLIES,
    ),
    Contestant(
        ANTHROPIC_OVER,
        "anthropic",
        "anthropic_worker",
        variables=OVER_ENGINE,
        share=0.1,
        kinds=STREAMS_AND_REPLIES,
    ),
    Contestant(
        HTTPX2,
        "httpx2",
        "httpx2_worker",
        variables=IN_BLOCKS,
        share=0.2,
        kinds=STREAMS_AND_REPLIES,
    ),
    Contestant(
        HTTPX2_OVER,
        "httpx2",
        "httpx2_worker",
        variables={**IN_BLOCKS, **OVER_ENGINE},
        share=0.2,
        kinds=STREAMS_AND_REPLIES,
    ),
    Contestant(
        "httpx2 + orjson",
        "httpx2",
        "httpx2_worker",
        "import httpx2, orjson",
        share=0.2,
        is_short=False,
    ),
    Contestant(LITELLM, "litellm", "litellm_worker", "import litellm", share=0.02, is_short=False),
    Contestant(
        LANGCHAIN,
        "langchain",
        "langchain_worker",
        "from langchain_openai import ChatOpenAI",
        share=0.02,
        is_short=False,
    ),
    *(
        Contestant(
            FRAMEWORKS_OVER[name],
            name,
            f"{name.replace('-', '_')}_worker",
            variables=OURS_INSTEAD,
            share=0.02,
            is_short=False,
            has_sync=name != PYDANTIC_AI,
            kinds=STREAMS_AND_REPLIES,
        )
        for name in FRAMEWORKS_OVER
    ),
    Contestant(
        PYDANTIC_AI,
        "pydantic-ai",
        "pydantic_ai_worker",
        "from pydantic_ai.models.openai import OpenAIChatModel",
        share=0.02,
        is_short=False,
        has_sync=False,
    ),
    Contestant("f3dx", "f3dx", "f3dx_worker", "import f3dx", share=0.5, is_short=False),
    Contestant(
        "liter-llm", "liter-llm", "liter_llm_worker", "import liter_llm", share=0.3, is_short=False
    ),
    Contestant(
        "edgequake-litellm",
        "edgequake-litellm",
        "edgequake_worker",
        "import edgequake_litellm",
        share=0.3,
        is_short=False,
    ),
]
