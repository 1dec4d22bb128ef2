"""`ModelRegistry`: providers and models as data; and what a reply cost."""

from __future__ import annotations

import copy
import importlib.metadata
import pickle
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date, datetime, timezone
from decimal import Decimal
from random import Random

import pytest

import tokenwire as tw
from tokenwire import (
    Cost,
    LlmConfigError,
    LlmProvider,
    LlmValidationError,
    ModelConfig,
    _engine,
)
from tokenwire import ModelRegistry as Registry
from tokenwire.catalog import genai_prices as prices
from tokenwire.catalog.model import Price
from tokenwire.registry import cost_of

ACME = LlmProvider("acme", base_url="https://llm.acme.example/v1", key_vars=["ACME_API_KEY"])
PRICE = Price(input="2", output=8, source="https://acme.example/prices", as_of=date(2026, 11, 1))


@pytest.fixture(autouse=True)
def without_prices(monkeypatch):
    """The library of prices is there for the tests that ask for it, and for no other."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setattr(prices, "_found", {})


def registry(*entries):
    made = Registry(plugins=False)
    for entry in entries:
        if isinstance(entry, LlmProvider):
            made.register_provider(entry)
        else:
            made.register_model(entry)
    return made


def reply(provider="groq", model="m", created=1_700_000_000, **usage):
    fields = dict.fromkeys(("prompt_tokens", "completion_tokens"), 1_000_000) | usage
    return types.SimpleNamespace(
        provider=provider, model=model, created=created, usage=tw.Usage(**fields)
    )


class Point:
    """An entry point of an installed package."""

    def __init__(self, value, name="theirs"):
        self.value = value
        self.name = name

    def load(self):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.fixture
def plugins(monkeypatch):
    """What installed packages add; the list of times that they were looked for comes back."""
    looked = []

    def install(*points):
        def entry_points(*, group):
            looked.append(group)
            return points

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
        return looked

    return install


# Providers


def test_the_list_of_providers_is_the_engine_s():
    told = _engine.provider_problem("no-such-provider-anywhere")
    assert told is not None
    assert tuple(told.partition("one of: ")[2].split(", ")) == _engine.provider_names()
    assert registry().get_providers() == list(_engine.provider_names())


def test_a_provider_of_the_engine_is_data():
    assert registry().get_provider("groq").model_dump() == {
        "name": "groq",
        "base_url": "https://api.groq.com/openai/v1",
        "key_vars": ("GROQ_API_KEY",),
        "base_url_vars": ("GROQ_BASE_URL",),
        "key_required": True,
        "auth_header": "authorization",
        "max_tokens_field": "max_tokens",
        "stream_options": True,
        "is_built_in": True,
    }


def test_a_provider_of_one_s_own_is_data():
    assert registry(ACME).get_provider("acme").model_dump() == {
        "name": "acme",
        "base_url": "https://llm.acme.example/v1",
        "key_vars": ("ACME_API_KEY",),
        "base_url_vars": (),
        "key_required": True,
        "auth_header": "authorization",
        "max_tokens_field": "max_tokens",
        "stream_options": True,
        "is_built_in": False,
    }
    assert registry(ACME).get_providers() == [*_engine.provider_names(), "acme"]


@pytest.mark.parametrize("name", ["openai", "sim", "anthropic"])
def test_a_name_of_the_engine_cannot_be_taken(name):
    with pytest.raises(LlmConfigError, match=f"provider {name}: the engine has one"):
        registry(LlmProvider(name, base_url="http://localhost/v1"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("acmee", "provider acmee: unknown; did you mean acme?"),
        ("grok", "provider grok: unknown; did you mean groq?"),
    ],
)
def test_an_unknown_provider_names_the_nearest(name, told):
    with pytest.raises(LlmConfigError) as caught:
        registry(ACME).get_provider(name)
    assert str(caught.value) == told


def test_a_provider_whose_api_is_not_spoken_says_so():
    reason = "provider anthropic: the Messages API is not supported yet"
    with pytest.raises(LlmConfigError, match=reason):
        registry().get_provider("anthropic")


@pytest.mark.parametrize(
    ("fields", "error", "told"),
    [
        ({"base_ulr": "x"}, LlmConfigError, "did you mean 'base_url'"),
        ({"auth_header": "x key"}, LlmValidationError, "auth_header: "),
        ({"max_tokens_field": "max tokens"}, LlmValidationError, "max_tokens_field: "),
        ({"key_vars": 3}, LlmValidationError, "key_vars"),
    ],
)
def test_a_provider_that_cannot_be_is_refused(fields, error, told):
    with pytest.raises(error, match=told):
        LlmProvider("acme", **fields)


# Models


def test_a_model_that_nobody_described_is_known_by_its_name_alone():
    assert registry(ACME).get_model_config("groq:new").to_dict() == {
        "name": "new",
        "provider": "groq",
        "api": None,
        "context_window": None,
        "max_output_tokens": None,
        "capabilities": None,
        "supported_parameters": None,
        "price": None,
        "aliases": [],
    }
    assert registry(ACME).get_model_config("acme:new") == ModelConfig("new", "acme")


def test_a_described_model_is_found_by_name_and_alias():
    row = ModelConfig("m1", "groq", context_window=131_072, aliases=["m1-2026-11-01"])
    known = registry(row)
    assert known.get_model_config("groq:m1") is row
    assert known.get_model_config("groq:m1-2026-11-01") is row


def test_the_later_of_two_descriptions_holds():
    known = registry(ModelConfig("m", "groq", context_window=1), ModelConfig("m", "groq"))
    assert known.get_model_config("groq:m").context_window is None


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("m", 'write "provider:model"'),
        ("groq:", 'write "provider:model"'),
        ("acmee:m", "did you mean acme"),
    ],
)
def test_a_model_of_no_provider_is_refused(model, told):
    with pytest.raises(LlmConfigError, match=told):
        registry(ACME).get_model_config(model)


def test_queries_by_name_provider_and_capability():
    seeing = ModelConfig("eye", "acme", capabilities=["vision", "tools"])
    plain = ModelConfig("m", "acme", capabilities=[])
    unknown = ModelConfig("m", "groq", aliases=["n"])
    known = registry(ACME, unknown, plain, seeing)
    sim = [
        ModelConfig("chat", "sim", api="chat"),
        ModelConfig("completion", "sim", api="completions"),
    ]
    assert known.get_models() == [seeing, plain, unknown, *sim]
    assert known.get_models(provider="acme") == [seeing, plain]
    assert known.get_models(capability="vision") == [seeing]
    assert known.get_models(name="m") == [plain, unknown]
    assert known.get_models(name="n") == [unknown]
    assert known.get_models(name="m", provider="groq", capability="tools") == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"capability": "visoin"}, "did you mean vision"),
        ({"provider": "acmee"}, "did you mean acme"),
    ],
)
def test_a_query_for_what_cannot_be_is_refused(query, told):
    with pytest.raises(LlmConfigError, match=told):
        registry(ACME).get_models(**query)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"context_window": 0}, "context_window"),
        ({"context_window": "8k"}, "context_window"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"capabilities": ["visoin"]}, "did you mean vision"),
        ({"price": {"input": -1, "output": 1}}, "price.input"),
        ({"api": "chatt"}, "api"),
    ],
)
def test_a_description_that_cannot_be_names_its_field(fields, told):
    with pytest.raises(LlmValidationError, match=told):
        ModelConfig("m", "groq", **fields)


# Installed packages


def test_installed_packages_add_providers_and_models(plugins):
    row = ModelConfig("m1", "acme", api="completions")
    looked = plugins(Point([ACME, row]), Point(lambda: [ModelConfig("m2", "groq")]))
    known = Registry()
    assert known.own_provider("groq") is None
    assert looked == [], "a provider of the engine's needs no look at what is installed"
    assert known.own_provider("acme") == ACME
    assert known.api_of("acme", "m1") == "completions"
    assert [row.name for row in known.get_models(provider="groq")] == ["m2"]
    assert looked == ["tokenwire.models"]


def test_a_model_of_an_installed_package_is_found_by_its_name_alone(plugins):
    row = ModelConfig("m1", "groq", aliases=("one",))
    plugins(Point([row]))
    assert Registry().get_model_config("groq:m1") == row


def test_the_simulator_s_models_are_known():
    assert Registry().get_model_config("sim:completion").api == "completions"


def test_an_installed_package_changes_nothing_that_is_there(plugins):
    mine = ModelConfig("m1", "acme", context_window=5)
    theirs = LlmProvider("acme", base_url="https://elsewhere.example/v1")
    plugins(Point([theirs, ModelConfig("m1", "acme"), ModelConfig("m", "groq", api="completions")]))
    known = Registry()
    known.register_provider(ACME)
    known.register_model(mine)
    assert known.get_models(name="m1") == [mine]
    assert known.get_provider("acme") == ACME
    assert known.api_of("groq", "m") is None, "how a provider of the engine's is called is its own"


@pytest.mark.parametrize(
    "broken",
    [ImportError("no module"), [3], 3, [LlmProvider("openai", base_url="https://x.example")]],
    ids=["import", "entry", "value", "name"],
)
def test_a_broken_package_is_a_warning_and_stops_nothing(plugins, broken):
    plugins(Point(broken), Point([ACME], "good"))
    known = Registry()
    with pytest.warns(RuntimeWarning, match="entry point 'theirs' of tokenwire.models"):
        assert known.get_providers() == [*_engine.provider_names(), "acme"]


def test_threads_that_ask_while_packages_are_loaded_wait_for_them(plugins):
    known, begun, go_on = Registry(), threading.Event(), threading.Event()

    def entries():
        # One that asks while it is loaded finds what is there.
        assert known.own_provider("acme") is None
        begun.set()
        assert go_on.wait(10)
        return [ACME]

    plugins(Point(entries))
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(known.get_provider, "acme")
        assert begun.wait(10)
        others = [threads.submit(known.get_provider, "acme") for _ in range(3)]
        done, _ = wait(others, timeout=0.1)
        go_on.set()
        assert [one.result(10) for one in (first, *others)] == [ACME] * 4
    assert not done
    assert copy.deepcopy(known).get_provider("acme") == ACME


# Costs


def test_the_provider_s_own_figure_comes_first():
    known = registry(ModelConfig("m", "groq", price=PRICE))
    when = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    told = cost_of(reply(cost_usd="0.00012345"), registry=known)
    assert told == Cost(Decimal("0.00012345"), "groq", when)


def test_the_registry_s_price_comes_next():
    known = registry(ModelConfig("m", "groq", price=PRICE, aliases=["m-2026"]))
    expected = Cost(Decimal(10), "https://acme.example/prices", date(2026, 11, 1))
    assert cost_of(reply(), registry=known) == expected
    assert cost_of(reply(model="m-2026"), registry=known) == expected


def test_cached_and_written_input_have_their_own_price():
    price = Price(input=2, output=0, cached_input="0.5", cache_write="2.5")
    used = tw.Usage(
        prompt_tokens=1_000_000,
        completion_tokens=1,
        cached_tokens=600_000,
        cache_write_tokens=200_000,
    )
    assert price.of(used) == Decimal("0.2") * 2 + Decimal("0.6") / 2 + Decimal("0.2") * Decimal(
        "2.5"
    )
    assert Price(input=2, output=0).of(used) == 2


def test_a_reply_of_a_provider_of_one_s_own_finds_its_price():
    known = registry(ACME, ModelConfig("m1", "acme", price=PRICE))
    told = cost_of(reply(provider="acme", model="m1"), registry=known)
    assert told is not None
    assert told.usd == 10
    assert cost_of(reply(provider="openai-compatible", model="m1"), registry=known) is None


@pytest.mark.parametrize(
    "asked",
    [
        types.SimpleNamespace(provider="groq", model="m", created=1, usage=None),
        reply(),
        reply(prompt_tokens=None),
        reply(provider="vllm", model="gpt-4o"),
    ],
    ids=["no-usage", "no-price", "no-count", "own-server"],
)
def test_a_price_is_never_guessed(asked):
    assert cost_of(asked, registry=registry()) is None


@pytest.mark.parametrize("created", [None, 0, -5, 1_700_000_000_000])
def test_a_reply_without_a_usable_date_has_a_cost_all_the_same(created):
    told = cost_of(reply(created=created, cost_usd="1"), registry=registry())
    assert told == Cost(Decimal(1), "groq", None)


def test_the_extra_is_asked_with_what_was_used(monkeypatch):
    asked = []

    def calc_price(usage, model, **how):
        if model == "unknown":
            raise LookupError(model)
        asked.append((usage, model, how))
        return types.SimpleNamespace(total_price=Decimal("0.5"), auto_update_timestamp=None)

    library = types.SimpleNamespace(__version__="1.2", Usage=dict, calc_price=calc_price)
    monkeypatch.setitem(sys.modules, "genai_prices", library)
    told = cost_of(reply(provider="xai", cached_tokens=7), registry=registry())
    assert told == Cost(Decimal("0.5"), "genai-prices 1.2", None)
    used = {
        "input_tokens": 1_000_000,
        "output_tokens": 1_000_000,
        "cache_read_tokens": 7,
        "cache_write_tokens": None,
    }
    when = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert asked == [(used, "m", {"provider_id": "x-ai", "genai_request_timestamp": when})]
    assert cost_of(reply(model="unknown"), registry=registry()) is None
    assert cost_of(reply(provider="vllm"), registry=registry()) is None
    assert len(asked) == 1


def test_the_library_itself_prices_a_reply(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    monkeypatch.setattr("socket.socket", None)
    asked = reply(provider="openai", model="gpt-4o-mini-2024-07-18", created=1_790_000_000)
    told = cost_of(asked, registry=registry())
    assert told is not None
    assert told.usd > 0
    assert told.source.startswith("genai-prices ")
    assert (registry().get_model_config("openai:gpt-4o-mini").context_window or 0) >= 100_000
    assert len(registry().get_models(provider="openai", listed=True)) >= 20


def test_rates_give_what_the_library_gives_for_every_model_that_it_lists(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    random = Random(7)
    when = datetime(2026, 1, 1, tzinfo=timezone.utc)
    compared = 0
    for provider in ("openai", "google", "groq", "mistral", "openrouter", "perplexity", "xai"):
        for model, _ in prices.models(provider):
            rates = prices.rates_of(provider, model, when)
            cached, written, fresh, output = (random.randrange(9000) for _ in range(4))
            usage = tw.Usage(
                prompt_tokens=cached + written + fresh,
                completion_tokens=output,
                cached_tokens=cached,
                cache_write_tokens=written,
            )
            listed = prices.price_of(provider, model, usage, when)
            if rates is None:
                assert listed is None
            elif cached + written + fresh < rates[4]:
                counts = (fresh, cached, written, output)
                each = [rate * count for rate, count in zip(rates[:4], counts, strict=True)]
                told = sum(each, Decimal(0))
                assert listed is not None
                assert (model, told) == (model, listed[0])
                compared += 1
    assert compared > 300


def test_a_model_that_is_not_listed_has_no_rates(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    assert prices.rates_of("openai", "no-such-model", None) is None
    assert prices.rates_of("vllm", "gpt-4o", None) is None


def test_a_price_by_the_request_has_no_rates(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    found = prices.rates_of("perplexity", "sonar", None)
    assert found is not None
    assert found[4] == 0


def test_a_cost_is_a_value():
    cost = Cost(Decimal("1E-7"), "groq", date(2026, 11, 1))
    assert cost.to_dict() == {"usd": "0.0000001", "source": "groq", "as_of": "2026-11-01"}
    assert cost == Cost(Decimal("1E-7"), "groq", date(2026, 11, 1))
    assert cost != Cost(Decimal("1E-7"), "groq")
    assert pickle.loads(pickle.dumps(cost)) == cost
    assert len({cost, Cost(Decimal("0.0000001"), "groq", date(2026, 11, 1))}) == 1
    with pytest.raises(AttributeError, match="frozen"):
        cost.usd = Decimal(0)
    match cost:
        case Cost(usd, source):
            assert (usd, source) == (Decimal("0.0000001"), "groq")


def test_the_library_is_not_looked_for_where_it_has_no_name_for_the_provider(monkeypatch):
    looked = []
    monkeypatch.setattr(prices, "_library", lambda: looked.append("looked"))
    assert cost_of(reply(provider="openai-compatible"), registry=registry()) is None
    assert looked == []


@pytest.mark.parametrize("value", [5, b"groq", ["groq"], {"groq": 1}, object()])
def test_what_is_no_text_and_no_entry_is_refused_by_name(value):
    made = registry()
    for field, ask in {
        "model": [made.register_model, made.get_model_config],
        "provider": [
            made.register_provider,
            made.get_provider,
            made.own_provider,
            lambda provider: made.get_models(provider=provider),
        ],
        "name": [lambda name: made.get_models(name=name)],
        "capability": [lambda capability: made.get_models(capability=capability)],
    }.items():
        for function in ask:
            with pytest.raises(LlmConfigError, match=f"^{field}: give a"):
                function(value)


def test_a_name_that_utf8_cannot_carry_is_nobody_s():
    with pytest.raises(LlmConfigError, match="unknown"):
        registry().get_provider("\ud800")
