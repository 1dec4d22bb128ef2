"""`ModelRegistry`: providers and models as data. `cost_of`: what a reply cost."""

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
NOW = 1_790_000_000
PRICE = Price(input="2", output=8, source="https://acme.example/prices", as_of=date(2026, 11, 1))


@pytest.fixture(autouse=True)
def without_prices(monkeypatch):
    """Hide the library of prices, except from the tests that need it."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    prices._library.cache_clear()
    prices.list_price.cache_clear()
    yield
    prices._library.cache_clear()
    prices.list_price.cache_clear()


def registry(*entries):
    known = Registry(plugins=False)
    for entry in entries:
        if isinstance(entry, LlmProvider):
            known.register_provider(entry)
        else:
            known.register_model(entry)
    return known


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
    """Replace the entry points. Returns the list of groups that were looked up."""
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
    problem = _engine.provider_problem("no-such-provider-anywhere")
    assert problem is not None
    assert tuple(problem.partition("one of: ")[2].split(", ")) == _engine.provider_names()
    assert registry().get_providers() == list(_engine.provider_names())


def test_a_built_in_provider_is_data():
    assert registry().get_provider("groq").model_dump() == {
        "name": "groq",
        "base_url": "https://api.groq.com/openai/v1",
        "address_vars": {},
        "key_vars": ("GROQ_API_KEY",),
        "base_url_vars": ("GROQ_BASE_URL",),
        "key_required": True,
        "auth_header": "authorization",
        "api": None,
        "headers": {},
        "header_vars": (),
        "max_tokens_field": "max_tokens",
        "stream_options": True,
        "reasoning_back": "reasoning",
        "output_mode": "json_schema",
        "is_built_in": True,
    }


def test_a_custom_provider_is_data():
    assert registry(ACME).get_provider("acme").model_dump() == {
        "name": "acme",
        "base_url": "https://llm.acme.example/v1",
        "address_vars": {},
        "key_vars": ("ACME_API_KEY",),
        "base_url_vars": (),
        "key_required": True,
        "auth_header": "authorization",
        "api": None,
        "headers": {},
        "header_vars": (),
        "max_tokens_field": "max_tokens",
        "stream_options": True,
        "reasoning_back": "as_sent",
        "output_mode": "json_schema",
        "is_built_in": False,
    }
    assert registry(ACME).get_providers() == [*_engine.provider_names(), "acme"]


@pytest.mark.parametrize("name", ["openai", "sim", "cohere"])
def test_the_name_of_a_built_in_provider_is_refused(name):
    with pytest.raises(LlmConfigError, match=f"provider {name}: this name is built in"):
        registry(LlmProvider(name, base_url="http://localhost/v1"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acmee", "provider acmee: unknown; did you mean acme?"),
        ("grok", "provider grok: unknown; did you mean groq?"),
    ],
)
def test_an_unknown_provider_names_the_nearest(name, message):
    with pytest.raises(LlmConfigError) as caught:
        registry(ACME).get_provider(name)
    assert str(caught.value) == message


def test_a_provider_with_an_unsupported_api_is_refused():
    reason = "provider cohere: the Cohere API is not supported yet"
    with pytest.raises(LlmConfigError, match=reason):
        registry().get_provider("cohere")


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"base_ulr": "x"}, LlmConfigError, "did you mean 'base_url'"),
        ({"auth_header": "x key"}, LlmValidationError, "auth_header: "),
        ({"max_tokens_field": "max tokens"}, LlmValidationError, "max_tokens_field: "),
        ({"reasoning_back": "as sent"}, LlmValidationError, "reasoning_back: "),
        ({"key_vars": 3}, LlmValidationError, "key_vars"),
    ],
)
def test_a_provider_with_an_invalid_field_is_refused(fields, error, message):
    with pytest.raises(error, match=message):
        LlmProvider("acme", **fields)


# Models


def test_a_model_that_is_not_described_is_known_by_its_name_only():
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


def test_the_last_entry_of_a_model_counts():
    known = registry(ModelConfig("m", "groq", context_window=1), ModelConfig("m", "groq"))
    assert known.get_model_config("groq:m").context_window is None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("m", 'write "provider:model"'),
        ("groq:", 'write "provider:model"'),
        ("acmee:m", "did you mean acme"),
    ],
)
def test_a_model_without_a_known_provider_is_refused(model, message):
    with pytest.raises(LlmConfigError, match=message):
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
    ("query", "message"),
    [
        ({"capability": "visoin"}, "did you mean vision"),
        ({"provider": "acmee"}, "did you mean acme"),
    ],
)
def test_an_invalid_query_is_refused(query, message):
    with pytest.raises(LlmConfigError, match=message):
        registry(ACME).get_models(**query)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"context_window": 0}, "context_window"),
        ({"context_window": "8k"}, "context_window"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"capabilities": ["visoin"]}, "did you mean vision"),
        ({"price": {"input": -1, "output": 1}}, "price.input"),
        ({"api": "chatt"}, "api"),
    ],
)
def test_an_invalid_entry_names_its_field(fields, message):
    with pytest.raises(LlmValidationError, match=message):
        ModelConfig("m", "groq", **fields)


# Installed packages


def test_installed_packages_add_providers_and_models(plugins):
    row = ModelConfig("m1", "acme", api="completions")
    looked = plugins(Point([ACME, row]), Point(lambda: [ModelConfig("m2", "groq")]))
    known = Registry()
    assert known.own_provider("groq") is None
    assert looked == [], "a built-in provider needs no entry points"
    assert known.own_provider("acme") == ACME
    assert known.api_of("acme", "m1") == "completions"
    assert [row.name for row in known.get_models(provider="groq")] == ["m2"]
    assert looked == ["tokenwire.models"]


def test_a_model_of_an_installed_package_is_found_by_its_name(plugins):
    row = ModelConfig("m1", "groq", aliases=("one",))
    plugins(Point([row]))
    assert Registry().get_model_config("groq:m1") == row


def test_the_simulator_s_models_are_known():
    assert Registry().get_model_config("sim:completion").api == "completions"


def test_an_installed_package_does_not_replace_an_entry(plugins):
    mine = ModelConfig("m1", "acme", context_window=5)
    theirs = LlmProvider("acme", base_url="https://elsewhere.example/v1")
    plugins(Point([theirs, ModelConfig("m1", "acme"), ModelConfig("m", "groq", api="completions")]))
    known = Registry()
    known.register_provider(ACME)
    known.register_model(mine)
    assert known.get_models(name="m1") == [mine]
    assert known.get_provider("acme") == ACME
    assert known.api_of("groq", "m") is None, (
        "a package does not change how a built-in provider is called"
    )


@pytest.mark.parametrize(
    "broken",
    [ImportError("no module"), [3], 3, [LlmProvider("openai", base_url="https://x.example")]],
    ids=["import", "entry", "value", "name"],
)
def test_a_broken_package_causes_a_warning_only(plugins, broken):
    plugins(Point(broken), Point([ACME], "good"))
    known = Registry()
    with pytest.warns(RuntimeWarning, match="entry point 'theirs' of tokenwire.models"):
        assert known.get_providers() == [*_engine.provider_names(), "acme"]


def test_other_threads_wait_while_packages_are_loaded(plugins):
    known, begun, go_on = Registry(), threading.Event(), threading.Event()

    def entries():
        # A package that uses the registry while it is loaded does not wait for itself.
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


def test_the_provider_s_figure_comes_first():
    known = registry(ModelConfig("m", "groq", price=PRICE))
    when = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    cost = cost_of(reply(cost_usd="0.00012345"), registry=known)
    assert cost == Cost(Decimal("0.00012345"), "groq", when)


def test_the_registry_s_price_comes_next():
    known = registry(ModelConfig("m", "groq", price=PRICE, aliases=["m-2026"]))
    expected = Cost(Decimal(10), "https://acme.example/prices", date(2026, 11, 1))
    assert cost_of(reply(), registry=known) == expected
    assert cost_of(reply(model="m-2026"), registry=known) == expected


def test_cached_and_written_input_have_separate_prices():
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


def test_a_reply_of_a_custom_provider_finds_its_price():
    known = registry(ACME, ModelConfig("m1", "acme", price=PRICE))
    cost = cost_of(reply(provider="acme", model="m1"), registry=known)
    assert cost is not None
    assert cost.usd == 10
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
def test_a_reply_without_a_usable_date_has_a_cost(created):
    cost = cost_of(reply(created=created, cost_usd="1"), registry=registry())
    assert cost == Cost(Decimal(1), "groq", None)


def test_the_library_is_asked_for_the_rates_on_the_day_of_the_reply(monkeypatch):
    asked = []
    rates = types.SimpleNamespace(
        input_mtok=Decimal(3), output_mtok=Decimal(4), cache_read_mtok=Decimal(1)
    )

    class Snapshot:
        from_auto_update = True
        timestamp = datetime(2026, 11, 2, tzinfo=timezone.utc)

        def find_provider_model(self, model, *how):
            if model == "unknown":
                raise LookupError(model)

            def get_prices(when):
                asked.append((model, how, when))
                return rates

            return None, types.SimpleNamespace(get_prices=get_prices)

    snapshots = types.SimpleNamespace(get_snapshot=Snapshot)
    library = types.SimpleNamespace(__version__="1.2", data_snapshot=snapshots)
    monkeypatch.setitem(sys.modules, "genai_prices", library)
    cost = cost_of(reply(provider="xai", cached_tokens=500_000), registry=registry())
    # Half a million fresh tokens, half a million cached ones, a million of output.
    assert cost == Cost(Decimal("6.0"), "genai-prices 1.2", Snapshot.timestamp)
    when = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert asked == [("m", (None, "x-ai", None), when)]
    assert cost_of(reply(model="unknown"), registry=registry()) is None
    assert cost_of(reply(provider="vllm"), registry=registry()) is None
    assert len(asked) == 1


def test_the_library_itself_prices_a_reply(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    monkeypatch.setattr("socket.socket", None)
    asked = reply(provider="openai", model="gpt-4o-mini-2024-07-18", created=1_790_000_000)
    cost = cost_of(asked, registry=registry())
    assert cost is not None
    assert cost.usd > 0
    assert cost.source.startswith("genai-prices ")
    assert (registry().get_model_config("openai:gpt-4o-mini").context_window or 0) >= 100_000
    assert len(registry().get_models(provider="openai", listed=True)) >= 20


def test_prices_are_those_of_the_library_for_every_model_in_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    library = pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    random = Random(7)
    when = datetime(2026, 1, 1, tzinfo=timezone.utc)
    compared = 0
    for provider in sorted(prices._LIBRARY_NAMES):
        for model, _ in prices.models(provider):
            # Tiers begin at 128,000 tokens and above.
            cached, written, fresh, output = (
                random.choice([0, random.randrange(9_000), random.randrange(400_000)])
                for _ in range(4)
            )
            usage = tw.Usage(
                prompt_tokens=cached + written + fresh,
                completion_tokens=output,
                cached_tokens=cached,
                cache_write_tokens=written,
            )
            counts = library.Usage(
                input_tokens=cached + written + fresh,
                output_tokens=output,
                cache_read_tokens=cached,
                cache_write_tokens=written,
            )
            name = prices._LIBRARY_NAMES[provider]
            found = prices.list_price(provider, model, int(when.timestamp()))
            try:
                listed = library.calc_price(
                    counts, model, provider_id=name, genai_request_timestamp=when
                )
            except LookupError:
                assert found is None
                continue
            assert found is not None
            assert (model, found.of(usage)) == (model, listed.total_price)
            compared += 1
    assert compared > 1_000


def test_a_model_that_is_not_listed_has_no_price(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    assert prices.list_price("openai", "no-such-model", NOW) is None
    assert prices.list_price("vllm", "gpt-4o", NOW) is None
    assert prices.list_price("openai", "gpt-4o", NOW) is not None


def test_counts_that_contradict_each_other_have_no_price(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    used = tw.Usage(prompt_tokens=5, completion_tokens=1, cached_tokens=9)
    listed = prices.list_price("openai", "gpt-4o", NOW)
    assert listed is not None
    assert listed.of(used) is None


def test_a_price_per_request_is_part_of_the_price(monkeypatch):
    monkeypatch.delitem(sys.modules, "genai_prices")
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    used = tw.Usage(prompt_tokens=0, completion_tokens=0)
    found = prices.list_price("perplexity", "sonar-reasoning-pro", NOW)
    assert found is not None
    assert found.of(used) == Decimal("0.014")


def test_a_cost_is_a_value():
    cost = Cost(Decimal("1E-7"), "groq", date(2026, 11, 1))
    assert cost.to_dict() == {"usd": "0.0000001", "source": "groq", "as_of": "2026-11-01"}
    assert cost == Cost(Decimal("1E-7"), "groq", date(2026, 11, 1))
    assert cost != Cost(Decimal("1E-7"), "groq")
    assert pickle.loads(pickle.dumps(cost)) == cost
    assert len({cost, Cost(Decimal("0.0000001"), "groq", date(2026, 11, 1))}) == 1
    with pytest.raises(AttributeError, match="cannot assign"):
        cost.usd = Decimal(0)  # type: ignore[misc]
    match cost:
        case Cost(usd, source):
            assert (usd, source) == (Decimal("0.0000001"), "groq")


def test_the_library_is_not_imported_for_a_provider_that_it_does_not_have(monkeypatch):
    looked = []
    monkeypatch.setattr(prices, "_snapshot", lambda: looked.append("looked"))
    assert cost_of(reply(provider="openai-compatible"), registry=registry()) is None
    assert looked == []


@pytest.mark.parametrize("value", [5, b"groq", ["groq"], {"groq": 1}, object()])
def test_a_value_of_the_wrong_type_is_refused_by_name(value):
    known = registry()
    for field, ask in {
        "model": [known.register_model, known.get_model_config],
        "provider": [
            known.register_provider,
            known.get_provider,
            known.own_provider,
            lambda provider: known.get_models(provider=provider),
        ],
        "name": [lambda name: known.get_models(name=name)],
        "capability": [lambda capability: known.get_models(capability=capability)],
    }.items():
        for function in ask:
            with pytest.raises(LlmConfigError, match=f"^{field}: give a"):
                function(value)


def test_a_name_that_is_not_valid_unicode_is_unknown():
    with pytest.raises(LlmConfigError, match="unknown"):
        registry().get_provider("\ud800")
