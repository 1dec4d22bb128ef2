"""Redirects: followed within an origin if the request stays complete, and never to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import TEXT, Origin, response

from tokenwire import ChatClient, LlmAPIError, LlmProtocolError, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-canary-of-the-origin"
PROMPT = "A secret."
STATUSES = [301, 302, 303, 307, 308]


def to(location: str, status: int = 307) -> bytes:
    return response(status, b"elsewhere", f"location: {location}")


def client(server: Origin, **settings: Any) -> ChatClient:
    # Retry without waiting.
    settings.setdefault("retry", RetryPolicy(first=0.001))
    return ChatClient("m", base_url=server.base_url, api_key=KEY, system=PROMPT, **settings)


def refused(server: Origin, call: Callable[[ChatClient], str], **settings: Any) -> LlmAPIError:
    """Return the error of a redirect that is not followed, after one attempt."""
    with pytest.raises(LlmAPIError) as raised:
        call(client(server, **settings))
    error = raised.value
    assert (len(error.attempts), error.retryable, len(server.requests)) == (1, False, 1)
    for text in (str(error), repr(error), repr(vars(error))):
        assert KEY not in text
        assert PROMPT not in text
    assert "\n" not in str(error)
    return error


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("location", ["/other?a=b", "other", "{0}/v2/chat"])
def test_within_the_origin_the_same_request_goes_on(status, location, call):
    with Origin() as server:
        root = server.base_url.removesuffix("/v1")
        server.answer_next(to(location.format(root), status))
        assert call(client(server)) == TEXT
        first, second = server.requests
        targets = {"/other?a=b": "/other?a=b", "other": "/v1/chat/other", "{0}/v2/chat": "/v2/chat"}
        assert second.line == f"POST {targets[location]} HTTP/1.1"
        assert (second.body, second.headers) == (first.body, first.headers)


def test_three_redirects_are_followed(call):
    with Origin(answers=[to(f"/{step}") for step in range(3)]) as server:
        assert call(client(server)) == TEXT
        assert [request.line.split()[1] for request in server.requests[1:]] == ["/0", "/1", "/2"]


def test_a_fourth_redirect_ends_it(call):
    with Origin(answers=[to("/again")] * 100) as server:
        with pytest.raises(LlmProtocolError, match="redirects") as raised:
            call(client(server))
        assert (len(raised.value.attempts), len(server.requests)) == (1, 4)
        assert f"127.0.0.1:{server.port}" in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_drop_the_body_is_not_followed(status, call):
    with Origin(answers=[to("/v2/chat", status)]) as server:
        error = refused(server, call)
        assert error.status_code == status
        assert f"check the path of base_url={server.base_url}" in str(error)


@pytest.mark.parametrize("status", STATUSES)
def test_another_port_gets_nothing(status, call):
    with Origin() as other, Origin(answers=[to(f"{other.base_url}/chat", status)]) as server:
        error = refused(server, call)
        assert error.status_code == status
        assert f"http://127.0.0.1:{other.port}, and is not followed" in str(error)
        assert other.seen == []


@pytest.mark.parametrize("status", STATUSES)
def test_another_host_gets_nothing(status, call):
    with Origin() as server:
        same_port = f"http://localhost:{server.port}/v1"
        server.answer_next(to(same_port, status))
        assert f"http://localhost:{server.port}, and" in str(refused(server, call))
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", STATUSES)
def test_another_scheme_gets_nothing(status, call, server_tls, roots):
    with Origin() as plain, Origin(tls=server_tls) as secure:
        downgrade = f"http://127.0.0.1:{secure.port}/v1/chat/completions"
        secure.answer_next(to(downgrade, status))
        assert "http://127.0.0.1" in str(refused(secure, call, ca_bundle=roots))
        plain.answer_next(to(f"https://127.0.0.1:{plain.port}/v1/chat/completions", status))
        assert "https://127.0.0.1" in str(refused(plain, call))
        assert (len(secure.seen), len(plain.seen)) == (1, 1)


@pytest.mark.parametrize(
    "location",
    [
        "//localhost/v1",
        "http://me:hunter2@localhost/v1?key=hunter2#hunter2",
        "http://127.0.0.1@localhost/v1",
        "ftp://localhost/hunter2",
        "data:text/plain,hunter2",
        "file:///etc/hunter2",
        "javascript:hunter2",
    ],
)
def test_the_error_names_no_more_of_the_target_than_its_host(location, call):
    with Origin(answers=[to(location)]) as server:
        text = str(refused(server, call))
        assert "hunter2" not in text
        assert "another origin" in text


@pytest.mark.parametrize("location", ["http://[", "http://", "\xff"])
def test_a_redirect_to_nowhere_is_an_error(location, call):
    with Origin(answers=[to(location)]) as server:
        why = f"the redirect (307) from 127.0.0.1:{server.port} has no usable target"
        assert why in str(refused(server, call))


def test_a_redirect_without_a_location_is_the_error_of_its_status(call):
    with Origin(answers=[response(307)]) as server:
        assert "307" in str(refused(server, call))


def test_the_headers_of_a_redirect_give_no_credentials_to_the_next_step(call):
    hop = response(307, b"", "location: /next", "set-cookie: a=b")
    with Origin(answers=[hop]) as server:
        assert call(client(server)) == TEXT
        assert "cookie" not in server.requests[1].headers
        assert "referer" not in server.requests[1].headers


def test_a_redirected_step_that_fails_is_tried_again_from_the_start(call):
    with Origin(answers=[to("/next"), None]) as server:
        assert call(client(server)) == TEXT
        paths = [request.line.split()[1] for request in server.requests]
        assert paths == ["/v1/chat/completions", "/next", "/v1/chat/completions"]


def test_the_list_of_models_is_not_led_astray_either():
    with Origin() as other, Origin(answers=[to(f"{other.base_url}/models", 302)]) as server:
        with pytest.raises(LlmAPIError, match="not followed"):
            client(server).models()
        assert other.seen == []
