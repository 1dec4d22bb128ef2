"""Configurations: all problems at once, each with its place, and never a key."""

from __future__ import annotations

import copy
import importlib
import pickle
import subprocess
import sys
import traceback

import pytest

import tokenwire as tw
from tokenwire import (
    LlmConfigError,
    LlmProvider,
    LlmValidationError,
    ModelConfig,
    ModelRegistry,
    _engine,
)
from tokenwire.config.checks import checked
from tokenwire.config.loading import read as read_configuration
from tokenwire.settings.secret import LeftOut, Secret, revealed

SECRET = "sk-canary-0123456789-0123456789"

GOOD = """
[defaults]
timeout = { total = 60, idle = 20 }
max_retries = 1
headers = { x-team = "a" }
params = { temperature = 0 }

[providers.acme]
base_url = "https://llm.acme.example/v1"
key_vars = ["ACME_API_KEY"]
stream_options = false

[models.fast]
model = "acme:m1"
key_var = "MY_KEY"
system = "Be brief."
limits = { max_connections = 4 }
retry = { max_retries = 3, cap = 2.0 }
params = { max_tokens = 9, extra_body = { top_k = 3 } }
context_window = 32_768
max_output_tokens = 4_096
capabilities = ["tools", "vision"]
supported_parameters = ["temperature"]
aliases = ["m1-2026"]
price = { input = 0.15, output = "0.6", source = "our contract", as_of = 2026-11-01 }

[models.base]
model = "vllm://10.0.0.5:8000@Qwen/Qwen3-4B-Base"
api = "completions"
"""


def problems(data):
    configuration, found = checked(data)
    assert configuration is None
    return [str(problem) for problem in found]


def entry(**fields):
    return {"models": {"x": {"model": "vllm:m", **fields}}}


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "tokenwire.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_good_file_is_read_whole(file):
    read = read_configuration(file(GOOD))
    fast, base = read.models["fast"], read.models["base"]
    assert read.providers == {
        "acme": LlmProvider(
            "acme",
            base_url="https://llm.acme.example/v1",
            key_vars=["ACME_API_KEY"],
            stream_options=False,
        )
    }
    assert (fast.key, fast.model, fast.api, fast.key_var) == ("fast", "acme:m1", None, "MY_KEY")
    assert fast.settings == {
        "timeout": tw.Timeout(total=60, idle=20),
        "headers": {"x-team": Secret("a")},
        "temperature": 0,
        "system": "Be brief.",
        "limits": tw.Limits(max_connections=4),
        "retry": tw.RetryPolicy(max_retries=3, cap=2.0),
        "max_tokens": 9,
        "extra_body": {"top_k": 3},
    }
    assert (base.model, base.api) == ("vllm://10.0.0.5:8000@Qwen/Qwen3-4B-Base", "completions")
    assert base.settings == read.defaults
    assert read.defaults["max_retries"] == 1


def test_the_registry_gets_what_a_file_says_about_a_model(file):
    registry = ModelRegistry(plugins=False)
    registry.load(file(GOOD))
    row = registry.get_model_config("acme:m1-2026")
    assert row.to_dict() == {
        "name": "m1",
        "provider": "acme",
        "api": None,
        "context_window": 32_768,
        "max_output_tokens": 4_096,
        "capabilities": ["tools", "vision"],
        "supported_parameters": ["temperature"],
        "price": {
            "input": "0.15",
            "output": "0.6",
            "cached_input": None,
            "cache_write": None,
            "source": "our contract",
            "as_of": "2026-11-01",
        },
        "aliases": ["m1-2026"],
    }
    assert registry.get_provider("acme").base_url == "https://llm.acme.example/v1"


def test_a_file_with_problems_adds_nothing(file):
    registry = ModelRegistry(plugins=False)
    with pytest.raises(LlmConfigError):
        registry.load(file(GOOD + "\n[models.bad]\n"))
    assert [row.provider for row in registry.get_models()] == ["sim", "sim"]


def test_all_problems_are_reported_at_once():
    data = {
        "default": {},
        "defaults": {"timout": 3, "timeout": {"idle": "soon", "totl": 3}, "retry": 3},
        "providers": {
            "openai": {"base_url": "https://x.example/v1"},
            "acme": {"base_url": "llm.acme.example", "auth_headr": "x"},
            "empty": {},
        },
        "models": {
            "a": {"model": "grok:m", "api": "completion", "max_retries": -1},
            "b": {
                "model": "acme:m1",
                "context_window": -3,
                "capabilities": ["tool"],
                "price": {"input": -1, "outputt": 2},
                "params": {"temperature": "hot", "max_tokens": 0, "temprature": 1},
            },
            "c": {"params": 3},
            "d": {"model": "openai/gpt-4o", "api": "completions", "system": "hi"},
            "e": {"model": "acmee:m"},
            "f": {"model": "cohere:m"},
            "g": 3,
        },
    }
    assert [line.partition(" (got")[0] for line in problems(data)] == [
        "default: no such setting; did you mean defaults?",
        "defaults.timout: no such setting; did you mean timeout?",
        "defaults.retry: it must be a table",
        "defaults.timeout.totl: no such setting; did you mean total?",
        "defaults.timeout.idle: 'soon' is not a number; give seconds above 0, or None for no limit",
        "providers.openai: there is a built-in provider of that name; choose another",
        "providers.acme.auth_headr: no such setting; did you mean auth_header?",
        "providers.acme.base_url: base_url has no scheme: write http://… or https://…",
        "providers.empty: there is no base_url",
        f"models.a.api: it must be {' or '.join(_engine.apis())}",
        "models.a.max_retries: -1 is not a whole number of at least 0",
        "models.a.model: provider grok: unknown",
        "models.b.params.temprature: no such setting; did you mean temperature?",
        "models.b.params.max_tokens: it must be a whole number from 1, not 0",
        'models.b.params.temperature: it must be a number, not "hot"',
        "models.b.context_window: Input should be greater than 0",
        "models.b.capabilities: capability 'tool': unknown; did you mean tools?",
        "models.b.price.input: Input should be greater than or equal to 0",
        "models.b.price.output: Field required",
        "models.b.price.outputt: no such setting; did you mean output?",
        "models.c.params: it must be a table",
        'models.c: there is no model; write model = "provider:model"',
        "models.d.system: text completions have no system prompt",
        (
            'models.d.model: "openai/gpt-4o" names no provider; write "openai:gpt-4o" (a colon), '
            "or give base_url= if that is the id on your own server"
        ),
        "models.e.model: provider acmee: unknown",
        (
            "models.f.model: provider cohere: the Cohere API is not supported yet; if "
            'it has an OpenAI-compatible address, give that as base_url= with provider="openai"'
        ),
        "models.g: it must be a table",
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            entry(max_retries=-1),
            {
                "path": "models.x.max_retries",
                "message": "-1 is not a whole number of at least 0",
                "value": "-1",
                "near": None,
            },
        ),
        (
            {"models": {"x": {"model": "grok:m"}}},
            {
                "path": "models.x.model",
                "message": "provider grok: unknown",
                "value": '"grok:m"',
                "near": "groq",
            },
        ),
        (
            {"providers": {"acme": 5}},
            {
                "path": "providers.acme",
                "message": "it must be a table",
                "value": "5",
                "near": None,
            },
        ),
        (
            entry(trust_env="yes"),
            {
                "path": "models.x.trust_env",
                "message": "give True or False, not str",
                "value": '"yes"',
                "near": None,
            },
        ),
    ],
)
def test_a_problem_has_its_place_its_value_and_the_nearest_name(data, expected):
    _, found = checked(data)
    assert [problem.to_dict() for problem in found] == [expected]


def test_a_parameter_outside_params_is_told_where_it_belongs():
    _, found = checked({"defaults": {"seed": 1}, "models": {"x": {"model": "sim:m", "stop": "a"}}})
    assert [str(problem) for problem in found] == [
        "defaults.seed: no such setting; it is a parameter: write params = { seed = … }",
        "models.x.stop: no such setting; it is a parameter: write params = { stop = … }",
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"defaults": {"api_key": SECRET}},
        {"models": {"x": {"model": "groq:m", "api_key": SECRET}}},
        {"providers": {"acme": {"base_url": "http://x/v1", "token": SECRET}}},
        entry(apikey=SECRET),
        entry(headers={"authorization": f"Bearer {SECRET}\r\n"}),
        entry(headers=f"authorization: {SECRET}"),
        entry(base_url=f"https://user:{SECRET}@x.example/v1"),
        entry(key_var=[SECRET]),
        entry(key_var=SECRET),
        entry(key_var="gsk_canary0123456789abcdef"),
        {"providers": {"acme": {"base_url": "http://x/v1", "key_vars": [SECRET]}}},
        {"providers": {"acme": {"base_url": "http://x/v1", "key_vars": "sk-canary"}}},
        {"providers": {"acme": {"base_url": "http://me:canary@x/v1"}}},
        entry(params={"temperature": [SECRET]}),
        entry(unknown=SECRET),
        entry(limits=SECRET),
        {"models": {"x": SECRET}},
        {"defaults": SECRET},
    ],
)
def test_a_key_is_never_shown(data):
    configuration, found = checked(data)
    assert configuration is None
    assert "canary" not in "".join([repr(problem) + str(problem.to_dict()) for problem in found])
    with pytest.raises(LlmConfigError) as caught:
        read_configuration(data)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("fields", [{"key_vars": [SECRET]}, {"base_url": f"http://me:{SECRET}@x"}])
def test_a_provider_with_a_key_in_the_wrong_place_does_not_show_it(fields):
    with pytest.raises(LlmValidationError) as caught:
        LlmProvider("acme", **fields)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_pickle_of_a_configuration_has_no_key_and_a_copy_keeps_it():
    headers = {"x-team": "a", "Authorization": SECRET}
    fields = {"headers": headers, "proxy": "http://me:canary@proxy:1", "params": {}}
    fields["params"] = {"extra_headers": {"x-api-key": SECRET}}
    config = read_configuration({**entry(**fields), "defaults": fields})
    pickled = pickle.dumps(config)
    assert b"canary" not in pickled
    again = pickle.loads(pickled)
    settings = again.models["x"].settings
    assert settings["headers"] == {"x-team": LeftOut(), "Authorization": LeftOut()}
    assert settings["proxy"] == LeftOut("http://proxy:1")
    with pytest.raises(LlmConfigError, match=r"proxy.*http://proxy:1.*x-team, Auth.*x-api-key"):
        tw.LlmClientFactory(again).get_client("x").run("-")
    for copied in (copy.copy(config), copy.deepcopy(config)):
        assert revealed(copied.models["x"].settings["headers"]) == headers
    assert "canary" not in repr(vars(config.models["x"])) + repr(vars(config))


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("vllm://host", '"vllm://host" is not of the form vllm://host:port@model'),
        ("vllm://host:99999@m", "base_url is not a URL (invalid port number)"),
        ("acme://host", '"acme://host" is not of the form acme://host:port@model'),
        ("acme:", 'there is no model after "acme:"'),
    ],
)
def test_the_address_in_a_model_string_is_checked(model, problem):
    data = {"providers": {"acme": {"base_url": "http://x/v1"}}, **entry(model=model)}
    assert problems(data) == [f"models.x.model: {problem}"]


def test_the_first_at_sign_ends_the_address():
    data = {"providers": {"acme": {"base_url": "http://x/v1"}}}
    data |= entry(model="acme://host:1@a/b@c", context_window=9)
    assert read_configuration(data).models["x"].facts["name"] == "a/b@c"


def test_a_byte_order_mark_is_ignored(file):
    config = read_configuration(file(b"\xef\xbb\xbf[models.a]\nmodel='vllm:m'\n"))
    assert list(config.models) == ["a"]


def test_a_key_in_a_file_is_refused_with_the_fix():
    line = "models.x.api_key: a key does not belong here; name its variable: key_var, key_vars"
    assert problems(entry(api_key=SECRET)) == [line]


def test_settings_that_exclude_each_other_are_a_problem_of_their_entry():
    both = entry(max_retries=2, retry={"max_retries": 3})
    assert [line.partition(":")[0] for line in problems(both)] == ["models.x"]


def test_the_retries_of_an_entry_replace_those_of_the_defaults():
    data = {"defaults": {"retry": {"cap": 1.0}}, **entry(max_retries=7)}
    expected = {"retry": tw.RetryPolicy(max_retries=7, cap=1.0)}
    assert read_configuration(data).models["x"].settings == expected


def test_a_parameter_is_checked_by_the_api_that_gets_it():
    assert checked(entry(api="completions", params={"echo": True}))[1] == []
    assert problems(entry(params={"echo": True}))[0].startswith("models.x.params.echo: ")


def test_a_parameter_of_responses_fits_a_model_that_is_asked_by_it():
    stored = {"background": True, "conversation": "conv_1", "store": True}
    responses = "openai:gpt-5.6"
    for settings in [
        {"model": responses, "params": stored},
        {"model": responses, "params": {"previous_response_id": "resp_1", "max_tokens": 9}},
        {"model": "openai:gpt-4o-mini", "api": "responses", "params": stored},
    ]:
        assert checked({"models": {"x": settings}})[1] == []
        assert checked({"models": {"x": {**settings, "system": "Be brief."}}})[1] == []
    defaults = {"params": stored}
    assert checked({"defaults": defaults, "models": {"x": {"model": responses}}})[1] == []


@pytest.mark.parametrize("place", ["entry", "defaults"])
def test_a_parameter_of_responses_does_not_fit_a_model_of_chat(place):
    settings = {"params": {"background": True}}
    row = {"model": "openai:gpt-4o-mini", **(settings if place == "entry" else {})}
    data = {"defaults": settings if place == "defaults" else {}, "models": {"x": row}}
    (problem,) = problems(data)
    assert problem.startswith("models.x: params.background: chat has no such parameter; api=")
    wrong = {"models": {"x": {**row, "params": {"background": "yes"}}}}
    assert "models.x.params.background: it must be true or false" in problems(wrong)[0]


def test_the_error_holds_all_problems(file):
    path = file("[models.a]\n[models.b]\n")
    lines = tuple(
        f'models.{name}: there is no model; write model = "provider:model"' for name in "ab"
    )
    with pytest.raises(LlmConfigError) as caught:
        read_configuration(path)
    assert caught.value.problems == lines
    assert str(caught.value) == f"{path}: 2 problems: {lines[0]}; {lines[1]}"
    assert pickle.loads(pickle.dumps(caught.value)).problems == lines


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[models\n", "line 1"),
        (b"x = \xff\n", "it is not UTF-8"),
        (b'[models.a]\nmodel = "x:y"\n[models.a]\n', "line 3"),
    ],
)
def test_a_file_that_is_not_toml_says_where(file, content, reason):
    with pytest.raises(LlmConfigError) as caught:
        read_configuration(file(content))
    assert reason in str(caught.value)
    assert "tokenwire.toml" in str(caught.value)


@pytest.mark.parametrize("source", ["/no/such/tokenwire.toml", "/", 3, "a\0b"])
def test_a_file_that_cannot_be_read_is_a_config_error(source):
    with pytest.raises(LlmConfigError):
        read_configuration(source)


def test_without_a_toml_reader_the_extra_is_named(file, monkeypatch):
    def no_module(name):
        raise ImportError(name)

    path = file("")
    monkeypatch.setattr(importlib, "import_module", no_module)
    with pytest.raises(LlmConfigError, match=r"pip install '\.\[toml\]'` in the clone"):
        read_configuration(path)


@pytest.mark.parametrize("certificate", ["a.pem", ["a.pem", "a.key"]])
def test_a_client_certificate_is_one_file_or_two(certificate):
    settings = read_configuration(entry(client_cert=certificate)).models["x"].settings
    assert settings == {"client_cert": certificate}


def test_the_password_of_a_client_certificate_is_sealed():
    certificate = ["a.pem", None, "canary"]
    (sealed,) = read_configuration(entry(client_cert=certificate)).models["x"].settings.values()
    assert "canary" not in repr(sealed)
    assert revealed(sealed) == ("a.pem", None, "canary")


def test_a_configuration_may_be_empty():
    assert read_configuration({}).models == {}


def test_reading_does_not_change_the_mapping():
    data = {"defaults": {"headers": {"a": "b"}}, **entry(params={"stop": ["x"]})}
    before = copy.deepcopy(data)
    read_configuration(data)
    assert data == before


def test_values_are_frozen_and_pickle():
    row = ModelConfig("m", "groq", capabilities=["tools"])
    assert pickle.loads(pickle.dumps(row)) == row
    assert hash(row) == hash(ModelConfig("m", "groq", capabilities=["tools"]))
    provider = LlmProvider("acme", base_url="http://x/v1")
    assert pickle.loads(pickle.dumps(provider)) == provider
    for value in (row, provider):
        with pytest.raises(AttributeError, match="frozen"):
            value.name = "n"


@pytest.mark.parametrize(
    "registry",
    [
        "tokenwire.ModelRegistry()",
        "tokenwire.LlmClientFactory().registry",
        "__import__('tokenwire.registry').registry.shared()",
        "__import__('tokenwire.registry').registry.ModelRegistry()",
    ],
)
def test_every_registry_can_load(registry):
    program = f"import tokenwire; {registry}.load({{'models': {{'a': {{'model': 'vllm:m'}}}}}})"
    subprocess.run([sys.executable, "-c", program], check=True)
