"""Makes every kind of call and error with a key that must not be shown. Argument: the address.

Debug logs go to stderr. What the search finds goes to stdout.
"""

from __future__ import annotations

import asyncio
import copy
import faulthandler
import gc
import os
import pickle
import sys
import tempfile
import traceback
from typing import Any

import tokenwire as tw

URL = sys.argv[1]
KEY = "sk-canary-8Yx41"
PASSWORD = "hunter2-canary"
CANARIES = (KEY, PASSWORD)
os.environ["ANTHROPIC_AUTH_TOKEN"] = os.environ["GOOGLE_OAUTH_ACCESS_TOKEN"] = KEY
os.environ["ANTHROPIC_CUSTOM_HEADERS"] = f"X-Gateway: Bearer {KEY}"
CLIENTS = (tw.ChatClient, tw.CompletionClient)
# The frames and names of this program contain the key, as a caller's do. Only ours are searched.
OURS = "tokenwire"


def check(what: str, shown: str) -> None:
    for canary in CANARIES:
        if canary in shown:
            print(f"{what}: {shown}")


def check_error(what: str, error: BaseException) -> None:
    check(f"{what}: str", str(error))
    check(f"{what}: repr", repr(error))
    check(f"{what}: vars", repr(vars(error)))
    check(f"{what}: pickle", repr(pickle.dumps(error)))
    for name in ("body", "message", "attempts", "partial", "code", "type", "param"):
        check(f"{what}: {name}", repr(getattr(error, name, None)))
    shown_traceback = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in shown_traceback.stack:
        if OURS in frame.filename and "programs" not in frame.filename:
            check(f"{what}: {frame.filename}:{frame.lineno}", repr(frame.locals))


def check_object(what: str, thing: object) -> None:
    for name, shown in (("repr", repr(thing)), ("str", str(thing)), ("dir", repr(dir(thing)))):
        check(f"{what}: {name}", shown)
    check(f"{what}: vars", repr(getattr(thing, "__dict__", "")))
    check(f"{what}: what it holds", repr(gc.get_referents(thing)))
    try:
        pickled = pickle.dumps(thing)
    except (TypeError, pickle.PicklingError):
        return
    check(f"{what}: pickle", repr(pickled))


async def rows(client: tw.ChatClient | tw.CompletionClient, given: dict[str, Any]):
    return [row.result() async for row in client.map_async(["a"], concurrency=1, **given)]


def calls(client: tw.ChatClient | tw.CompletionClient, given: dict[str, Any] | None = None):
    given = given or {}
    yield lambda: client.run("hi", **given)
    yield lambda: client.complete("hi", **given)
    yield lambda: list(client.stream("hi", **given))
    yield lambda: asyncio.run(client.run_async("hi", **given))
    yield lambda: asyncio.run(client.run_async("hi", stream=True, **given))
    yield lambda: client.parse(int, "hi", **given)
    yield lambda: client.parse(int, "hi", reask=-1, **given)
    yield lambda: [row.result() for row in client.map(["a"], concurrency=1, **given)]
    yield lambda: list(client.map(["a"], concurrency=0, **given))
    yield lambda: asyncio.run(rows(client, given))
    if not given:
        yield client.models
        yield lambda: asyncio.run(client.models_async())


def settings(kind):
    if kind is tw.ChatClient:
        # Each takes a key in a header of its own, and a token as a bearer token.
        for provider in ("anthropic", "foundry", "google", "vertex"):
            yield f"key of {provider}", {"provider": provider, "api_key": KEY}
        for provider in ("anthropic", "vertex"):
            yield f"token of {provider}", {"provider": provider}
        yield "headers of a variable", {"provider": "anthropic", "api_key": "k-1234567"}
        yield "key in the query", {"provider": "vertex", "extra_query": {"key": KEY}}
    bearer = {"X-Gateway": f"Bearer {KEY}"}
    yield "key", {"api_key": KEY}
    yield "gateway's header", {"headers": bearer}
    yield "header of each call", {"extra_headers": bearer}
    yield "query of each call", {"extra_query": {"sig": KEY}}
    yield "query", {"base_url": f"{URL}?sig={KEY}"}
    yield "callable", {"api_key": lambda: KEY}
    yield "header", {"headers": {"Authorization": f"Bearer {KEY}"}}
    yield "proxy", {"proxy": f"http://user:{PASSWORD}@127.0.0.1:1", "transport": "general"}


for kind in CLIENTS:
    for name, given in settings(kind):
        what = f"{kind.__name__} with a {name}"
        client = kind("m", **{"base_url": URL, "max_retries": 0, **given})
        check_object(what, client)
        check_object(f"{what}, derived", client.with_options(timeout=5, **given))
        if name != "callable":
            check_object(f"{what}, copied", copy.deepcopy(client))
            check_object(f"{what}, unpickled", pickle.loads(pickle.dumps(client)))
        check_object(f"{what}: stream", client.stream("hi"))
        for call in calls(client):
            try:
                check_object(f"{what}: reply", call())
            except tw.LlmError as error:
                check_error(what, error)
        for wrong in ({"timeout": -1}, {"temprature": 1}, {"base_url": "nowhere"}, {"retry": 5}):
            try:
                kind(**{"model": "m", "base_url": URL, **given, **wrong})
            except tw.LlmError as error:
                check_error(f"{what}, {wrong}", error)
            try:
                client.with_options(**{**given, **wrong})
            except tw.LlmError as error:
                check_error(f"{what}, derived with {wrong}", error)

    client = kind("m", base_url=URL, max_retries=0)
    for name in ("headers", "extra_headers", "extra_query", "api_key", "proxy"):
        for value in (
            {"X-Gateway": KEY},
            {"X-Gateway": KEY + "\ud800"},
            [("x", KEY)],
            KEY.encode(),
        ):
            wrongs: tuple[dict[str, Any], ...] = (
                {},
                {"temprature": 1},
                {"timeout": -1},
                {"model": "vllm://h@m"},
            )
            for given in ({name: value, **wrong} for wrong in wrongs):
                for call in calls(client, given):
                    try:
                        call()
                    except tw.LlmError as error:
                        check_error(f"a call with {name}", error)
            try:
                kind("m", base_url=URL, **dict[str, Any]({name: value}))
            except tw.LlmError as error:
                check_error(f"a client with {name}", error)
            try:
                unknown: dict[str, Any] = {name: value, "no_such": 1}
                tw.LlmClientFactory().get_client("vllm:m", base_url=URL, **unknown)
            except tw.LlmError as error:
                check_error(f"a factory with {name}", error)

sources: tuple[Any, ...] = (lambda: KEY + "\ud800", KEY.encode)
for surrogate in sources:
    for call in calls(tw.ChatClient("m", base_url=URL, api_key=surrogate)):
        try:
            call()
        except tw.LlmError as error:
            check_error("a key that cannot be sent", error)

for bad in (KEY + "\n", KEY + "\u00e9", " " + KEY):
    try:
        tw.ChatClient("m", base_url=URL, api_key=bad)
    except tw.LlmError as error:
        check_error("a bad key", error)
for address in (f"http://user:{PASSWORD}@127.0.0.1:1/v1", f"http://127.0.0.1:1/v1?key={KEY}"):
    try:
        tw.ChatClient("m", base_url=address, max_retries=0).run("hi")
    except tw.LlmError as error:
        check_error("an address with a secret", error)
try:
    tw.ChatClient("m", base_url=URL, proxy=f"http://user:{PASSWORD}@127.0.0.1:0")
except tw.LlmError as error:
    check_error("a bad proxy", error)
with tempfile.TemporaryFile("w+") as dump:
    faulthandler.dump_traceback(dump)
    dump.seek(0)
    check("faulthandler", dump.read())
