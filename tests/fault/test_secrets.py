"""B32 to B35: only the server sees a key."""

from __future__ import annotations

import base64
import json
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest
from tests.fault.scenes import PROGRAMS, TEXT, always, chat
from tests.wire.origins import Origin

from tokenwire import (
    ChatClient,
    LlmAPIError,
    LlmConfigError,
    LlmContextLengthError,
    LlmError,
    LlmProxyError,
)

KEY = "sk-canary-8Yx41"
ECHO = f"Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}"
SERVERS = {
    "that answers": always(),
    "that echoes the key in an error": always(
        error={
            "status": 401,
            "message": ECHO,
            "code": KEY,
            "type": KEY,
            "param": KEY,
            "headers": {"x-echo": KEY},
        }
    ),
    "that echoes the key in a page": always(
        error={"status": 500, "body": f"<html>{ECHO}</html>"},
    ),
    "that echoes the key in a stream": always(
        fault={"kind": "error_event", "at": {"events": 2}, "body": {"error": {"message": ECHO}}}
    ),
    "that cuts": always(fault={"kind": "reset", "at": {"bytes": 30}}),
    "that redirects": always(
        fault={"kind": "redirect", "location": f"http://127.0.0.1:1/v1?key={KEY}"}
    ),
}


@pytest.mark.parametrize("bodies", ["0", "1"])
@pytest.mark.parametrize("server", SERVERS)
def test_b32_a_key_is_seen_nowhere(sim, server, bodies):
    sim.set_script(SERVERS[server])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAMS / "shown_secrets.py"), sim.base_url],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TOKENWIRE_LOG": "debug", "TOKENWIRE_LOG_BODIES": bodies},
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr[-2_000:]
    assert "canary" not in done.stderr
    assert "/v1/chat/completions" in done.stderr


def test_b32_the_servers_own_log_holds_a_hash(sim):
    chat(sim, api_key=KEY).run("hi")
    headers = dict(sim.requests()[0]["headers"])
    assert headers["authorization"].startswith("hash:")


def test_b32_a_key_in_an_error_is_masked_and_the_rest_is_kept(sim):
    sim.set_script(SERVERS["that echoes the key in an error"])
    with pytest.raises(LlmAPIError) as caught:
        chat(sim, api_key=KEY).run("hi")
    assert "Incorrect API key provided: [key]" in str(caught.value)
    assert caught.value.code == "[key]"


PASSWORD = "hunter2-canary"
BASIC = base64.b64encode(f"canary-user1:{PASSWORD}".encode()).decode()
# How a client or a call comes by a secret, and what a server then may echo.
WAYS_IN: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "key": ({"api_key": KEY}, {}, KEY),
    "callable": ({"api_key": lambda: KEY}, {}, KEY),
    "header": ({"headers": {"X-Gateway": f"Bearer {KEY}"}}, {}, KEY),
    "cookie": ({"headers": {"Cookie": f"a=b; session={KEY}"}}, {}, KEY),
    "basic": ({"headers": {"Authorization": f"Basic {BASIC}"}}, {}, BASIC),
    "password": ({"headers": {"Authorization": f"Basic {BASIC}"}}, {}, PASSWORD),
    "default header": ({"extra_headers": {"X-Gateway": KEY}}, {}, KEY),
    "default query": ({"extra_query": {"sig": KEY}}, {}, KEY),
    "header of a call": ({}, {"headers": {"X-Gateway": KEY}}, KEY),
    "extra header of a call": ({}, {"extra_headers": {"X-Gateway": KEY}}, KEY),
    "query of a call": ({}, {"extra_query": {"sig": KEY}}, KEY),
    "query of the address": ({"base_url": f"?sig={KEY}"}, {}, KEY),
}
SPELLINGS = {
    "plain": lambda text: text,
    "json": lambda text: text.replace("-", "\\u002d").replace("c", "\\u0063"),
    "percent": lambda text: text.replace("-", "%2D").replace("=", "%3D"),
    "html": lambda text: text.replace("-", "&#45;"),
    "json in json": lambda text: text.replace("-", "\\\\u002d"),
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
}


def echoes(said: str) -> dict[str, Any]:
    """Servers that say this text in every place."""
    body = f'{{"error": {{"message": "no {said}", "code": "{said}", "type": "{said}"}}}}'
    headers = {"x-request-id": said, "x-echo": said}
    event = {"kind": "error_event", "at": {"events": 2}, "body": {"error": {"message": said}}}
    return {
        "error": always(error={"status": 400, "body": body, "headers": headers}),
        "page": always(error={"status": 502, "body": f"<p>{said}</p>"}),
        "cut": always(error={"status": 400, "body": "a" * (65_536 - len(said) + 3) + said}),
        "long": always(error={"status": 400, "body": "a" * (1_024 - len(said) + 3) + said}),
        "error in a reply": always(replay={"text": body, "headers": headers}),
        "no json": always(replay={"text": f"no {said} json"}),
        "event": always(fault=event),
        "redirect": always(fault={"kind": "redirect", "location": f"http://{said}.invalid/"}),
        "headers": {"default": {"reply": {"tokens": ["1"], "headers": headers}}},
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("way", WAYS_IN)
def test_b32_nothing_shows_a_secret_that_a_server_echoes(sim, way, spelling):
    settings, params, secret = WAYS_IN[way]
    settings = dict(settings)
    if "base_url" in settings:
        settings["base_url"] = sim.base_url + settings["base_url"]
    client = ChatClient("m", **{"base_url": sim.base_url, "max_retries": 0, **settings})
    said = SPELLINGS[spelling](secret)
    for name, script in echoes(said).items():
        sim.set_script(script)
        for stream in (False, True):
            try:
                if stream:
                    with client.stream("hi", **params) as opened:
                        shown = [*opened, opened.response.headers, opened.response.request_id]
                else:
                    reply = client.complete("hi", **params)
                    shown = [reply.headers, reply.request_id]
            except LlmError as error:
                shown = [str(error), vars(error), pickle.dumps(error), error.attempts]
            for half in (secret, said, secret[: len(secret) - 3]):
                assert half not in repr(shown), (name, shown)


@pytest.mark.parametrize("stream", [False, True])
def test_b32_the_facts_of_a_reply_do_not_show_a_secret_and_its_content_stays(sim, stream):
    call = {"id": KEY, "type": "function", "function": {"name": "f", "arguments": f'["{KEY}"]'}}
    said = {"role": "assistant", "content": KEY, "tool_calls": [call]}
    choice = {"index": 0, "message": said, "finish_reason": f"as {KEY}"}
    body = {"id": KEY, "model": f"m-{KEY}", "request_id": KEY, "choices": [choice]}
    sim.set_script(always(replay={"text": json.dumps(body)}))
    client = ChatClient("m", base_url=sim.base_url, api_key=KEY)
    with client.stream("hi") as opened:
        reply = client.complete("hi") if not stream else opened.response
    assert (reply.id, reply.model) == ("[key]", "m-[key]")
    assert reply.choices[0].provider_finish_reason == "as [key]"
    assert reply.request_id != KEY
    # What the model says is the caller's.
    assert reply.text == KEY
    assert (reply.tool_calls[0].id, reply.tool_calls[0].arguments) == (KEY, f'["{KEY}"]')


def test_b32_a_partial_reply_does_not_show_a_secret_in_its_facts(sim):
    error = {"message": "broken"}
    choice = {"index": 0, "message": {"content": "half"}, "finish_reason": "error", "error": error}
    body = {"id": KEY, "model": KEY, "choices": [choice]}
    sim.set_script(always(replay={"text": json.dumps(body)}))
    for stream in (False, True):
        with pytest.raises(LlmError) as caught:
            chat(sim, api_key=KEY, max_retries=0).run("hi", stream=stream)
        assert caught.value.partial is not None
        assert (caught.value.partial.id, caught.value.partial.model) == ("[key]", "[key]")


@pytest.mark.parametrize("secret", ["123456", "length"])
def test_b32_a_secret_that_is_part_of_an_error_does_not_change_its_class(sim, secret):
    body = '{"error": {"code": "context_length_exceeded", "message": "no", "limit": 1234567}}'
    sim.set_script(always(error={"status": 400, "body": body}))
    with pytest.raises(LlmContextLengthError) as caught:
        chat(sim, headers={"X-Session-Id": secret}).run("hi")
    assert secret not in str(caught.value) + repr(caught.value.body)


def test_b32_common_values_of_headers_stay_readable(sim):
    headers = {"X-Title": "My application 1", "X-Stage": "production", "Accept-Language": "en"}
    sim.set_script(always(error={"status": 400, "message": "not in production: en, application"}))
    with pytest.raises(LlmAPIError, match="not in production: en, application"):
        chat(sim, headers=headers).run("hi")


@pytest.mark.only_over("general", "proxies")
def test_b32_a_proxy_that_echoes_its_credentials_is_masked():
    said = f"no {BASIC}, canary-user1, {PASSWORD}".encode()
    head = f"HTTP/1.1 502 X\r\nconnection: close\r\ncontent-length: {len(said)}\r\n\r\n"
    with Origin(answers=[head.encode() + said]) as proxy:
        url = f"http://canary-user1:{PASSWORD}@127.0.0.1:{proxy.port}"
        client = ChatClient("m", base_url="http://h.invalid/v1", proxy=url, max_retries=0)
        with pytest.raises(LlmError, match=r"no \[key\], \[key\], \[key\]") as caught:
            client.run("hi")
    assert "canary" not in repr(vars(caught.value))


def test_b33_there_is_no_switch_that_turns_verification_off(sim):
    with pytest.raises(LlmConfigError, match="verify"):
        chat(sim, verify=False)


@pytest.mark.parametrize("content", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_b33_a_bundle_without_a_certificate_is_refused(tmp_path, content):
    bundle = tmp_path / "roots.pem"
    bundle.write_text(content)
    client = ChatClient("m", base_url="https://127.0.0.1:1/v1", ca_bundle=bundle, max_retries=0)
    with pytest.raises(LlmConfigError, match=r"roots\.pem"):
        client.run("hi")


def test_b34_cookies_are_not_stored_and_no_referer_is_sent(sim, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    reply = {**always()["default"]["reply"], "headers": {"set-cookie": "session=1; Path=/"}}
    sim.set_script({"default": {"reply": reply}})
    client = chat(sim)
    for _ in range(2):
        client.run("hi")
    sent = {name for request in sim.requests() for name, _ in request["headers"]}
    assert sent & {"cookie", "referer", "authorization"} == set()


@pytest.mark.parametrize(
    "proxy",
    [
        "ftp://user:hunter2@127.0.0.1:1",
        "user:hunter2@",
        "http://user:hunter2@:1",
        "http://user:hunter2@127.0.0.1:0",
        "http://user:hunter2@127.0.0.1:99999",
    ],
)
def test_b35_a_bad_proxy_is_refused_without_showing_its_credentials(sim, proxy):
    with pytest.raises(LlmConfigError, match="proxy") as caught:
        chat(sim, proxy=proxy)
    assert "hunter2" not in str(caught.value)


@pytest.mark.only_over("general", "proxies")
def test_b35_a_proxy_from_the_environment_is_masked_too(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://user:hunter2@127.0.0.1:1")
    with pytest.raises(LlmProxyError, match=r"http://127\.0\.0\.1:1 ") as caught:
        # No proxy of the environment is asked for an address of this machine.
        ChatClient("m", base_url="http://origin.invalid/v1").run("hi")
    assert "hunter2" not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.only_over("general", "proxies")
def test_b35_a_pickle_keeps_a_proxy_without_its_credentials(sim):
    client = chat(sim, proxy="http://user:hunter2@127.0.0.1:1")
    copied = pickle.loads(pickle.dumps(client))
    with pytest.raises(LlmError, match=r"the proxy http://127\.0\.0\.1:1 "):
        copied.run("hi")


def test_b32_a_pickle_without_its_key_says_which_variable_to_set(sim):
    client = ChatClient("openai:m", base_url=sim.base_url, api_key=KEY)
    sim.set_script(always())
    assert client.run("hi") == TEXT
    again = pickle.loads(pickle.dumps(client))
    with pytest.raises(LlmConfigError, match="OPENAI_API_KEY"):
        again.run("hi")


def test_b05_a_key_in_the_clear_beyond_the_network_is_warned_of_once(caplog, transport):
    # Once in a process, for each host.
    url = f"http://{transport}.clear.invalid/v1"
    client = ChatClient("m", base_url=url, api_key=KEY, max_retries=0)
    for _ in range(2):
        with pytest.raises(LlmError):
            client.run("hi")
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert f"{transport}.clear.invalid" in warnings[0]
    assert KEY not in warnings[0]


def test_b05_a_key_within_the_network_is_not_warned_of(sim, caplog):
    chat(sim, api_key=KEY).run("hi")
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []
