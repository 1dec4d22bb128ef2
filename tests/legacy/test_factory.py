"""The factory of the older interface: configuration, descriptors, tables, keys."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from unittest.mock import Mock, patch

import pytest
from tests.legacy.asking import headers, sent

import tokenwire.legacy
from tokenwire.legacy import llm_client_factory as module
from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.completion_client import CompletionClient
from tokenwire.legacy.llm_client_factory import LlmClientFactory
from tokenwire.legacy.llm_exceptions import LlmConfigError


def factory_with(config, **settings):
    """A factory with this configuration."""
    tokenwire.legacy.use_config(config)
    LlmClientFactory._instance = None
    return LlmClientFactory(**settings)


@pytest.fixture
def app(monkeypatch):
    """An application with a configuration class and key files, served as `shop.agents`."""
    environment_names = []

    class ConfigurationManager:
        values = {"spec key": "openai:m", "spec key_params": "{'temperature': 0.5}"}  # noqa: RUF012

        def __init__(self, env_var_name=None):
            environment_names.append(env_var_name)

        def exists(self, key):
            return key.lower() in self.values

        def get(self, key, default=None, return_type=None):
            value = self.values.get(key.lower(), default)
            assert return_type is None or isinstance(value, str), "defaults are wanted as text"
            return {"dict": eval, "json": eval, None: lambda text: text}[return_type](value)

    modules: dict[str, dict[str, object]] = {
        "shop": {},
        "shop.config": {},
        "shop.config.configuration_manager": {"ConfigurationManager": ConfigurationManager},
        "shop.utils": {},
        "shop.utils.util": {"get_api_key": lambda name: f" key-of-{name}\n"},
    }
    for name, values in modules.items():
        fake = ModuleType(name)
        fake.__path__ = []
        vars(fake).update(values)
        monkeypatch.setitem(sys.modules, name, fake)
    tokenwire.legacy.install("shop.agents")
    yield environment_names
    sys.modules.pop("shop.agents", None)


def test_every_construction_returns_the_same_object():
    first = LlmClientFactory(debug=True)
    second = LlmClientFactory(False, verbose=True)
    assert second is first is LlmClientFactory._instance
    assert (first.debug, first.verbose) == (True, False)
    LlmClientFactory._instance = None
    assert LlmClientFactory() is not first


def test_many_threads_get_the_same_object(app):
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: id(LlmClientFactory()), range(32)))
    assert (len(found), len(app)) == (1, 1)


def test_the_configuration_is_the_applications_own_class(app):
    tokenwire.legacy.use_config({"spec key": "openai:other"})
    factory = LlmClientFactory()
    assert app == ["LUPIN_CONFIG_MGR_CLI_ARGS"]
    assert type(factory.config_mgr) is module.ConfigurationManager


def test_names_that_tests_replace_are_looked_up_each_time(app):
    target = "shop.agents.llm_client_factory"
    with patch(f"{target}.ConfigurationManager") as config:
        factory = LlmClientFactory()
    config.assert_called_once_with(env_var_name="LUPIN_CONFIG_MGR_CLI_ARGS")
    assert factory.config_mgr is config.return_value
    config.return_value.exists.return_value = False
    with (
        patch(f"{target}.ChatClient") as chat,
        patch(f"{target}.du.get_api_key", return_value=" sk-1 ") as key,
    ):
        assert factory.get_client("anthropic:claude-x") is chat.return_value
    key.assert_called_once_with("claude")
    chat.assert_called_once_with(
        model_name="anthropic:claude-x",
        base_url="https://api.anthropic.com/v1",
        api_key="sk-1",
        debug=False,
        verbose=False,
        temperature=0.7,
        max_tokens=1024,
    )
    with (
        patch(f"{target}.CompletionClient") as completion,
        patch.dict("os.environ", {"TOKENWIRE_LEGACY_BASE_URL": "http://h:1"}),
    ):
        assert factory.get_client("deepily:m", debug=True) is completion.return_value
    completion.assert_called_once_with(
        base_url="http://h:1/v1/completions",
        model_name="m",
        prompt_format="instruction_completion",
        debug=True,
        verbose=False,
        temperature=0.7,
        max_tokens=1024,
    )
    assert isinstance(factory.get_client("openai:m"), ChatClient)


def test_a_broken_configuration_class_is_an_error_and_leaves_no_factory(app, monkeypatch):
    def broken(env_var_name):
        raise RuntimeError(env_var_name)

    with monkeypatch.context() as patched:
        patched.setattr(
            sys.modules["shop.config.configuration_manager"], "ConfigurationManager", broken
        )
        with pytest.raises(RuntimeError, match="LUPIN"):
            LlmClientFactory()
    assert LlmClientFactory().config_mgr.exists("spec key")


def test_without_the_applications_modules_descriptors_still_work():
    assert LlmClientFactory().config_mgr.exists("anything") is False
    assert module.du.get_api_key("openai") is None


def test_a_key_of_the_configuration_makes_a_chat_client(sim):
    config = {
        "Agent Router": " openai:m:x ",
        "agent router_params": "{'temperature': 0.1, 'stop': ['</r>'], 'stream': False, 'top_k': 5,"
        " 'model_name': 'no', 'prompt_format': 'json_message', 'api_key': 'sk-1234567',"
        f" 'base_url': '{sim.base_url}', 'stop_sequence': '</r>'}}",
        "model_tokenizer_map": '{"m": "t"}',
    }
    client = factory_with(config, verbose=True).get_client("agent router")
    assert type(client) is ChatClient
    assert (client.model_name, client.debug, client.verbose) == ("openai:m:x", False, True)
    assert client.token_counter.model_tokenizer_map == {"m": "t"}
    assert set(client.generation_args) == {
        "temperature",
        "stop",
        "stream",
        "top_k",
        "stop_sequence",
    }
    client.run("hi")
    assert sent(sim) == {
        "model": "m:x",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.1,
        "max_tokens": 1024,
        "top_p": 1.0,
        "stop": ["</r>"],
    }


@pytest.mark.parametrize("prompt_format", ["instruction_completion", "special_token"])
@pytest.mark.parametrize("place", ["params", "default"])
def test_a_private_spec_in_a_completion_format_makes_a_completion_client(sim, prompt_format, place):
    params = {"prompt_format": prompt_format} if place == "params" else {}
    config = {
        "a": f"vllm://127.0.0.1:{sim.port}@/mnt/DATA/models/a@b",
        "a_params": {**params, "max_tokens": 7},
        "prompt_format_default": "json_message" if params else prompt_format,
    }
    client = factory_with(config).get_client("a")
    assert type(client) is CompletionClient
    assert client.base_url == f"http://127.0.0.1:{sim.port}/v1/completions"
    assert (client.model_name, client.prompt_format) == ("/mnt/DATA/models/a@b", prompt_format)
    client.run("hi")
    assert sent(sim) == {
        "model": "/mnt/DATA/models/a@b",
        "prompt": "hi",
        "temperature": 0.7,
        "max_tokens": 7,
        "top_p": 1.0,
    }


@pytest.mark.parametrize("model", ["m", "gpt-oss-20b", "openai:m", "/mnt/a"])
def test_a_private_spec_in_another_format_is_a_chat_server_that_gets_no_vendors_key(
    sim, monkeypatch, model
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567")
    client = factory_with({"a": f"vllm://127.0.0.1:{sim.port}@{model}"}).get_client("a")
    assert (type(client), client.model_name) == (ChatClient, model)
    client.run("hi")
    assert (sent(sim)["model"], sim.requests()[-1]["path"]) == (model, "/v1/chat/completions")
    assert "authorization" not in headers(sim)


def test_a_private_spec_without_a_model_is_an_error():
    with pytest.raises(LlmConfigError, match="vllm://host:port@model"):
        factory_with({"a": "vllm://127.0.0.1:8000"}).get_client("a")


def test_debug_and_verbose_stay_and_descriptors_get_those_of_the_call(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567")
    factory = factory_with({"a": "openai:m"})

    def flags(*arguments, **settings):
        client = factory.get_client(*arguments, **settings)
        return client.debug, client.verbose

    assert flags("a") == (False, False)
    assert flags("a", debug=True) == (True, False)
    assert flags("a") == (True, False)
    assert flags("openai:m") == (False, False)
    assert flags("openai:m", verbose=True) == (False, True)
    assert flags("a") == (True, True)
    assert flags("a", debug=False) == (False, True)


INI = """\
[DEFAULT]
Model Spec = vllm://127.0.0.1:8000@m
[block]
Model Spec_params = {{ "stream": True, "temperature": 0.5 }}
model_tokenizer_map = {{"m": "100%"}}
{more}
"""


@pytest.mark.parametrize("form", ["ini", "plain", "toml"])
def test_a_configuration_file_is_read_by_the_applications_rules(tmp_path, form):
    file = tmp_path / ("c.toml" if form == "toml" else "c.ini")
    text = INI.format(more="prompt_format_default: special_token")
    if form == "plain":
        text = "\n".join(line for line in text.splitlines() if not line.startswith("["))
    if form == "toml":
        text = (
            'prompt_format_default = "special_token"\n"model spec" = "vllm://127.0.0.1:8000@m"\n'
            'model_tokenizer_map = {m = "100%"}\n["MODEL SPEC_params"]\nstream = true\n'
            "temperature = 0.5\n"
        )
    file.write_text(text)
    client = factory_with(str(file)).get_client("MODEL spec")
    assert type(client) is CompletionClient
    assert client.generation_args == {"stream": True, "temperature": 0.5}
    assert client.token_counter.model_tokenizer_map == {"m": "100%"}


def test_other_values_are_refused_as_a_configuration(tmp_path):
    two = tmp_path / "c.ini"
    two.write_text("[a]\nk = 1\n[b]\nk = 2\n")
    for wrong in (5, tmp_path / "none.ini", two):
        with pytest.raises(LlmConfigError, match="config"):
            tokenwire.legacy.use_config(wrong)
    with pytest.raises(LlmConfigError, match="a_params"):
        factory_with({"a": "openai:m", "a_params": "{"}).get_client("a")
    for name, text in (("d.ini", "[a]\nno value\n"), ("e.ini", "no value\n"), ("f.toml", "x =")):
        (tmp_path / name).write_text(text)
        with pytest.raises(LlmConfigError, match=r"^config: .*"):
            tokenwire.legacy.use_config(tmp_path / name)


def test_an_object_with_the_two_methods_is_a_configuration():
    config = Mock(spec=["exists", "get"])
    assert factory_with(config).config_mgr is config


@pytest.mark.parametrize(
    ("params", "sent_args", "problem"),
    [
        (" {'top_p': 0.5}", {"top_p": 0.5}, None),
        (None, {}, None),
        ("{", None, "a_params: write a dict such as .*never closed"),
        (5, None, "a_params: write a dict such as .*not iterable"),
    ],
)
def test_an_applications_configuration_may_return_params_as_text(
    monkeypatch, params, sent_args, problem
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567")
    values = {"a": "openai:m", "a_params": params}

    class Config:
        def exists(self, key):
            return key in values

        def get(self, key, default=None, return_type=None):  # noqa: ARG002
            return values.get(key, default)

    factory = factory_with(Config())
    if problem is None:
        assert factory.get_client("a").generation_args == sent_args
    else:
        with pytest.raises(LlmConfigError, match=problem):
            factory.get_client("a")


def test_install_accepts_a_configuration():
    tokenwire.legacy.install("their.agents", config={"k": "openai:m"})
    assert LlmClientFactory().config_mgr.exists("k")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", ("vllm", "")),
        (":m", ("", "m")),
        ("v:", ("v", "")),
        ("v:a:b", ("v", "a:b")),
        (" Groq : llama ", ("groq", "llama")),
        ("llm_deepily_x", ("deepily", "llm_deepily_x")),
        ("ministral", ("vllm", "ministral")),
        ("/mnt/m", ("vllm", "/mnt/m")),
        ("meta-llama/x", ("vllm", "meta-llama/x")),
    ],
)
def test_descriptors_are_parsed(text, parsed):
    assert LlmClientFactory()._parse_model_descriptor(text) == parsed


@pytest.mark.parametrize("text", ["groq/llama-3", "GROQ/llama-3"])
def test_a_vendor_before_a_slash_warns_and_names_the_colon_form(text):
    factory = LlmClientFactory()
    with pytest.warns(DeprecationWarning, match="groq:llama-3") as caught:
        assert factory._parse_model_descriptor(text) == ("vllm", text)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("text", ["foo:m", ":m"])
def test_an_unknown_vendor_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"^Unsupported vendor: "):
        LlmClientFactory().get_client(text)


VARIABLES = {
    "openai": "OPENAI_API_KEY",
    "groq": "GROQ_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google-gla": "GEMINI_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
}


@pytest.mark.parametrize("vendor", list(VARIABLES))
def test_a_chat_vendors_client_calls_its_address_with_its_key(sim, monkeypatch, vendor):
    factory = LlmClientFactory()
    with pytest.raises(LlmConfigError, match=VARIABLES[vendor]):
        factory.get_client(f"{vendor}:m")
    monkeypatch.setenv(VARIABLES[vendor], "sk-1234567")
    monkeypatch.setitem(LlmClientFactory.VENDOR_URLS, vendor, sim.base_url)
    sim.set_script({"require_key": "sk-1234567"})
    client = factory.get_client(f"{vendor.upper()}: m:x ")
    assert client.model_name == f"{vendor}:m:x"
    client.run("hi")
    assert sent(sim) == {
        "model": "m:x",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.7,
        "max_tokens": 1024,
        "top_p": 1.0,
    }


def test_the_variable_takes_precedence_over_the_key_file_and_google_has_two(app, monkeypatch):
    factory = LlmClientFactory()
    assert factory.get_client("google-gla:m")._api_key == "key-of-gemini"
    monkeypatch.setenv("GOOGLE_API_KEY", "second")
    assert factory.get_client("google-gla:m")._api_key == "second"
    monkeypatch.setenv("GEMINI_API_KEY", "first")
    assert factory.get_client("google-gla:m")._api_key == "first"


@pytest.mark.parametrize("descriptor", ["vllm:m", "deepily:m", "m", "llm_deepily_m"])
def test_the_private_vendors_are_completion_clients(private, descriptor):
    client = LlmClientFactory().get_client(descriptor)
    assert type(client) is CompletionClient
    assert client.prompt_format == "instruction_completion"
    client.run("hi")
    assert sent(private) == {
        "model": descriptor.partition(":")[2] or descriptor,
        "prompt": "hi",
        "temperature": 0.7,
        "max_tokens": 1024,
        "top_p": 1.0,
    }


def test_a_private_spec_may_be_a_descriptor(sim):
    client = LlmClientFactory().get_client(f"vllm://127.0.0.1:{sim.port}@/mnt/a@b")
    assert type(client) is CompletionClient
    client.run("hi")
    assert (sent(sim)["model"], sim.requests()[-1]["path"]) == ("/mnt/a@b", "/v1/completions")


def test_the_tables_are_those_of_the_contract():
    vendors = [*VARIABLES, "vllm", "deepily"]
    assert LlmClientFactory.CLIENT_DEFAULT_PARAMS == {"temperature": 0.7, "max_tokens": 1024}
    assert LlmClientFactory.VENDOR_API_ENV_VARS == {**VARIABLES, "vllm": None, "deepily": None}
    assert list(LlmClientFactory.VENDOR_URLS) == vendors
    config = {
        **{
            vendor: {"env_var": VARIABLES[vendor], "key_name": file, "client_type": "chat"}
            for vendor, file in zip(
                VARIABLES, ("openai", "groq", "claude", "gemini", "mistral"), strict=True
            )
        },
        "vllm": {"client_type": "completion"},
        "deepily": {"client_type": "completion"},
    }
    assert config == LlmClientFactory.VENDOR_CONFIG


def test_changed_entries_change_later_clients(sim, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-mine")
    factory = LlmClientFactory()
    LlmClientFactory.VENDOR_URLS["vllm"] = sim.base_url
    LlmClientFactory.CLIENT_DEFAULT_PARAMS["temperature"] = 0.2
    LlmClientFactory.VENDOR_API_ENV_VARS["groq"] = "MY_KEY"
    LlmClientFactory.VENDOR_CONFIG["openai"]["env_var"] = "MY_KEY"
    LlmClientFactory.VENDOR_CONFIG["mistralai"] = {"client_type": "chat", "key_name": "mistral"}
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-mistral")
    assert factory.get_client("mistralai:m")._api_key == "sk-mistral"
    LlmClientFactory.VENDOR_CONFIG["custom"] = {"client_type": "chat"}
    LlmClientFactory.VENDOR_URLS["custom"] = sim.base_url
    factory.get_client("vllm:m").run("hi")
    assert sent(sim)["temperature"] == 0.2
    assert factory.get_client("groq:m")._api_key == "sk-mine"
    assert factory.get_client("openai:m")._api_key == "sk-mine"
    factory.get_client("custom:m").run("hi")
    assert (sent(sim)["model"], sim.requests()[-1]["path"]) == ("m", "/v1/chat/completions")


def test_without_old_defaults_only_changed_entries_are_passed(private):
    tokenwire.legacy.use_defaults(False)
    LlmClientFactory.CLIENT_DEFAULT_PARAMS["max_tokens"] = 9
    LlmClientFactory().get_client("vllm:m").run("hi")
    assert sent(private) == {"model": "m", "prompt": "hi", "max_tokens": 9}
