"""Messages name the variable that a key, an address or another setting came from."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.fault.scenes import always

import tokenwire as tw
from tokenwire.testing import SimServer, fake

if TYPE_CHECKING:
    from tests.wire.asking import Asking


LOCAL = "http://127.0.0.1:1/v1"
KEYS = {
    "sk-canary\r": "has a line break at position 9",
    "sk-canary\r\n": "has a line break at position 9",
    "sk-canary\n": "has a line break at position 9",
    " sk-canary": "has a space at position 0",
    "sk-canary\t": "has a space at position 9",
    "sk canary": "has a space at position 2",
    " ": "is blank",
    '"sk-canary"': "is in quotes",
    "'sk-canary'": "is in quotes",
    "\ufeffsk-canary": "begins with a byte order mark",
    "sk-canäry": "has a character outside ASCII at position 6",
    "sk-\u201ccanary": "has a character outside ASCII at position 3",
    "Bearer sk-canary": "begins with the word Bearer",
    "export OPENAI_API_KEY=sk-canary": "begins with the name of a variable",
    "OPENAI_API_KEY=sk-canary": "begins with the name of a variable",
    "${OPENAI_API_KEY}": "is the name of a variable",
    "sk-...": "is shortened or a placeholder",
    "sk-...nary": "is shortened",
    "sk-\udccanary": "the text holds a lone surrogate at character 3",
}
ADDRESSES = {
    f"{LOCAL}\n": "has a line break at position 21",
    f"{LOCAL}\r": "has a line break at position 21",
    "127.0.0.1:8000/v1": "has no scheme",
    "localhost:8000/v1": "has no host",
    f'"{LOCAL}"': "is in quotes",
    " ": "has no scheme",
    "http://a b/v1": "has a space at position 8",
    "ftp://h/v1": "begins with ftp://",
    "http://me:canary@h/v1": "holds a user name or password",
    f"{LOCAL}/chat/completions": "ends with /chat/completions",
    "http://h:99999": "is not a URL",
    "http://h/#canary": "has a fragment",
    "http://h/\udc80": "the text holds a lone surrogate at character 9",
}


def refusal(act: Any, kind: Any = (tw.LlmConfigError, tw.LlmValidationError)) -> str:
    with pytest.raises(kind) as caught:
        act()
    assert "canary" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        *(("OPENAI_API_KEY", value, problem) for value, problem in KEYS.items()),
        *(("OPENAI_BASE_URL", value, problem) for value, problem in ADDRESSES.items()),
    ],
    ids=ascii,
)
def test_a_broken_value_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    entry = {"models": {"x": {"model": "openai:m"}}}
    late = tw.ChatClient("openai:m")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-good")
    monkeypatch.setenv(name, value)
    for act in (
        lambda: tw.ChatClient("openai:m"),
        lambda: tw.CompletionClient("openai:m"),
        lambda: tw.ChatClient("sim:chat").with_options(model="openai:m"),
        lambda: tw.LlmClientFactory(entry).get_client("x"),
        lambda: tw.ChatClient("sim:chat").run("-", model="openai:m"),
        lambda: late.run("-"),
    ):
        text = refusal(act).removeprefix(f"{name}:").removeprefix(name).strip()
        assert text.startswith(problem)
        assert "api_key has" not in text
    # What is given is named by its argument.
    given: dict[str, Any] = {"api_key" if name == "OPENAI_API_KEY" else "base_url": value}
    monkeypatch.delenv(name)
    assert refusal(lambda: tw.ChatClient("openai:m", **given)).startswith(next(iter(given)))


def test_a_variable_of_a_configuration_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "providers": {"acme": {"base_url_vars": ["ACME_URL"], "key_vars": ["ACME_KEY"]}},
        "models": {"x": {"model": "openai:m", "key_var": "TEAM_KEY"}, "y": {"model": "acme:m"}},
    }
    factory = tw.LlmClientFactory(config, registry=tw.ModelRegistry(plugins=False))
    monkeypatch.setenv("TEAM_KEY", "sk-canary\n")
    assert refusal(lambda: factory.get_client("x")).startswith("TEAM_KEY has a line break")
    monkeypatch.setenv("ACME_KEY", "k")
    monkeypatch.setenv("ACME_URL", "h/v1")
    assert refusal(lambda: factory.get_client("y")).startswith("ACME_URL has no scheme")


@pytest.mark.parametrize("config", ["/no/such/file.toml", "/no/such/file.toml\n"])
def test_the_variable_of_a_configuration_file_is_named(config: str) -> None:
    program = (
        "import tokenwire as tw\ntry: tw.client('sim:chat')\nexcept tw.LlmError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TOKENWIRE_CONFIG": config},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("TOKENWIRE_CONFIG: /no/such/file.toml")
    assert done.stdout.count("\n") == 1


def test_an_address_of_a_variable_that_does_not_answer_is_named(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SimServer() as gone:
        url = gone.base_url
    monkeypatch.setenv("VLLM_API_BASE", url)
    refused = lambda: ask.run(tw.ChatClient("vllm:m", max_retries=0), "-")  # noqa: E731
    assert f"is the server running? VLLM_API_BASE={url}" in refusal(refused, tw.LlmConnectError)
    monkeypatch.setenv("VLLM_API_BASE", "http://no-such-host.invalid/v1")
    assert "check VLLM_API_BASE=http://no-such" in refusal(refused, tw.LlmConnectionError)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_says_where_it_is_from(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    sim.set_script(always(error={"status": status, "message": "no"}))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-the-environment")
    monkeypatch.setenv("TEAM_KEY", "sk-canary-of-the-team")
    header = {"Authorization": "Bearer sk-canary-in-a-header"}
    base_url = sim.base_url
    entry = {"model": "openai:m", "key_var": "TEAM_KEY", "base_url": base_url}
    env = tw.ChatClient("openai:m", base_url=base_url)
    given = tw.ChatClient("openai:m", base_url=base_url, api_key="sk-canary-given")
    called = tw.ChatClient("openai:m", base_url=base_url, api_key=lambda: "sk-canary-called")
    headed = tw.ChatClient("openai:m", base_url=base_url, headers=header)
    team = tw.LlmClientFactory({"models": {"x": entry}}).get_client("x")
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (env, {}, "the key is from OPENAI_API_KEY"),
        (given, {}, "the key is from api_key="),
        (given, {"headers": header}, "the key is from headers= (authorization)"),
        (called, {}, "the key is from the function given as api_key="),
        (headed, {}, "the key is from headers= (authorization)"),
        (team, {}, "the key is from TEAM_KEY"),
        (tw.ChatClient("vllm:m", base_url=base_url), {}, "no API key for vllm: set VLLM_API_KEY"),
        (tw.ChatClient("m", base_url=base_url), {}, "no API key for openai-compatible: give api_"),
    ]
    for client, params, about in cases:
        for call in (ask.complete, ask.read):
            text = refusal(lambda: call(client, "-", **params), tw.LlmAuthenticationError)  # noqa: B023
            assert f"({about}" in text
        if not params:
            assert about in refusal(lambda: ask.models(client), tw.LlmAuthenticationError)  # noqa: B023


def test_a_faked_refusal_says_nothing_about_a_key_that_was_not_sent(ask: Asking) -> None:
    with fake({"*": tw.testing.error(401, message="no")}):
        text = refusal(lambda: ask.run(tw.ChatClient("openai:m"), "-"), tw.LlmAuthenticationError)
    assert "the key is from" not in text
    assert "no API key" not in text
