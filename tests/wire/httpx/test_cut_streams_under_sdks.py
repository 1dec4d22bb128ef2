"""Every recorded stream under the official SDKs over our transport: whole, and half of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.test_recorded_streams import APIS, half
from tests.wire.openai.row_server import KEY, Reply, RowServer
from tests.wire.recorded import recorded_body, recorded_rows

import tokenwire as tw

pytest.importorskip("httpx2")

from tokenwire.httpx2 import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    # What closes a client, and what reads the stream of a row with a key by it.
    Sdk = tuple[Callable[[], Awaitable[None]], Callable[[dict[str, Any], str], Awaitable[None]]]

AT_A_TIME = 20
# The rows are dealt out to so many parts, and the default run reads one of them.
PARTS = 6
MESSAGES = [{"role": "user", "content": "hi"}]
STREAMED = ("content-type: text/event-stream",)


def openai_of(module: Any, origin: str, http_client: Any) -> Sdk:
    """Return what closes a client of openai's, or of ours in its place, and what reads a stream."""
    from tests.wire.openai.both_clients import arguments

    client = module.AsyncOpenAI(
        api_key="sk-x", base_url=origin, max_retries=0, http_client=http_client
    )

    async def read(row: dict[str, Any], key: str) -> None:
        resource = client
        for name in row["api"].split("."):
            resource = getattr(resource, name)
        words = arguments(row["api"], {**recorded_body(row), "stream": True})
        async for _ in await resource.create(**words, extra_headers={KEY: key}):
            pass

    return client.close, read


def openai(origin: str) -> Sdk:
    module = pytest.importorskip("openai")
    return openai_of(module, origin, AsyncClient())


def ours(origin: str) -> Sdk:
    pytest.importorskip("openai")
    import tokenwire.openai

    return openai_of(tokenwire.openai, origin, None)


def anthropic(origin: str) -> Sdk:
    module = pytest.importorskip("anthropic")
    client = module.AsyncAnthropic(
        api_key="x", base_url=origin, max_retries=0, http_client=AsyncClient()
    )

    async def read(row: dict[str, Any], key: str) -> None:
        stream = await client.messages.create(
            model="m", max_tokens=9, messages=MESSAGES, stream=True, extra_headers={KEY: key}
        )
        async for _ in stream:
            pass

    return client.close, read


def google_genai(origin: str) -> Sdk:
    genai = pytest.importorskip("google.genai")
    clients = {"httpx_client": Client(), "httpx_async_client": AsyncClient()}
    client: Any = genai.Client(api_key="x", http_options={"base_url": origin, **clients})

    async def read(row: dict[str, Any], key: str) -> None:
        generation = recorded_body(row).get("generationConfig") or {}
        config = {"http_options": {"headers": {KEY: key}}}
        count = generation.get("candidateCount")
        stream = await client.aio.models.generate_content_stream(
            model="m",
            contents="hi",
            config={**config, **({"candidate_count": count} if count else {})},
        )
        async for _ in stream:
            pass

    return client.aio.aclose, read


OF_OPENAI = ("chat.completions", "completions", "responses")
SDKS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "openai": (openai, OF_OPENAI),
    "tokenwire.openai": (ours, OF_OPENAI),
    "anthropic": (anthropic, ("messages",)),
    "google-genai": (google_genai, ("gemini.stream",)),
}


def incomplete(error: BaseException | None) -> tw.LlmStreamIncompleteError | None:
    """Return our error for an incomplete stream, if it is an error's or its cause."""
    while error is not None and not isinstance(error, tw.LlmStreamIncompleteError):
        error = error.__cause__
    return error


async def _read_each(make: Any, origin: str, rows: list[dict[str, Any]]) -> list[Exception | None]:
    slots = asyncio.Semaphore(AT_A_TIME)
    close, read = make(origin)

    async def ended(number: int) -> Exception | None:
        async with slots:
            try:
                await read(rows[number], f"{number}.whole.sdk")
            except Exception as error:  # noqa: BLE001
                return error
            return None

    try:
        return await asyncio.gather(*map(ended, range(len(rows))))
    finally:
        await close()


def endings(make: Any, rows: list[dict[str, Any]], bodies: list[str]) -> list[Exception | None]:
    """Read each body as a stream by an SDK; return how each of them ended."""
    with RowServer([Reply(200, body.encode(), STREAMED) for body in bodies]) as server:
        return asyncio.run(_read_each(make, server.origin, rows))


@pytest.mark.timeout(115)
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))]
)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stream_without_its_end_is_an_error_under_each_sdk(
    data_dir: Any, sdk: str, part: int, every_row: bool, report_line: Callable[[str], None]
) -> None:
    if part and not every_row:
        pytest.skip("the other parts, a minute or two: run them with -m slow")
    make, apis = SDKS[sdk]
    rows = [
        row
        for row in recorded_rows(data_dir, *apis)
        # The recordings count an older API of Anthropic's, at another path, as completions.
        if row["status"] == 200
        and row["is_sse"]
        and row["request_body"]
        and not row["url"].endswith("/v1/complete")
    ][part::PARTS]
    whole = [row["response_body_text"] for row in rows]
    for row, error in zip(rows, endings(make, rows, whole), strict=True):
        # An error in a field that the SDKs ignore, after which the stream ends.
        is_cut = "\nerror: " in row["response_body_text"]
        assert (incomplete(error) is not None) is is_cut, (row["source"], error)
    cut = [(row, half(row["response_body_text"], APIS[row["api"]][1])) for row in rows]
    kept = [row for row, body in cut if body is not None]
    errors = endings(make, kept, [body for _, body in cut if body is not None])
    passed = [row["source"] for row, error in zip(kept, errors, strict=True) if error is None]
    assert passed == []
    ours = [found for error in errors if (found := incomplete(error))]
    partial = sum(error.partial is not None for error in ours)
    report_line(
        f"under {sdk}: {len(rows)} whole, {len(kept)} cut, of which {len(ours)} raised ours, "
        f"{partial} of them with what had arrived"
    )
