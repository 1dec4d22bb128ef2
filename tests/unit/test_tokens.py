"""`TokenCounter`: exact counts with OpenAI's vocabularies, and estimates."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tokenwire as tw
from tokenwire import LlmConfigError, LlmMessage, ModelConfig, ModelRegistry, TokenCounter
from tokenwire.catalog import tokens
from tokenwire.catalog.tokens import Count

# From "How to count tokens with tiktoken" in OpenAI's cookbook.
PUBLISHED = {
    "antidisestablishmentarianism": (6, 6),
    "2 + 2 = 4": (7, 7),
    "お誕生日おめでとう": (9, 8),
}
# The cookbook's messages. OpenAI's API counted 129 for gpt-3.5-turbo and gpt-4, 124 for gpt-4o.
EXAMPLE = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate "
        "jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities "
        "for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client "
        "deliverable.",
    },
]
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "Все счастливые семьи похожи друг на друга.",  # noqa: RUF001 (Russian)
    "所有幸福的家庭都是相似的。",
    "جميع الأسر السعيدة تتشابه",
    "def total(rows):\n    return sum(row.price for row in rows)\n",
]

# As tiktoken 0.14 counts them with the files that OpenAI publishes: cl100k_base, o200k_base.
SAMPLE = [
    ("Über die Brücke läuft ein Fuchs.", 12, 9),
    ("素早い茶色の狐がのろまな犬を飛び越える。", 29, 19),
    ("敏捷的棕色狐狸跳过了懒狗。", 25, 14),
    ("Съешь ещё этих мягких французских булок, да выпей чаю.", 34, 18),
    ("الثعلب البني السريع يقفز فوق الكلب الكسول.", 30, 16),
    ("तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है।", 49, 20),
    ("빠른 갈색 여우가 게으른 개를 뛰어넘는다.", 24, 17),
    ("สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ", 41, 28),
    ("👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈 emoji ✨ and é combining", 33, 23),
    ("def f(x):\n    return {k: v for k, v in x.items()}\n\n\n", 19, 19),
    ("   leading   spaces\t\ttabs\r\n\r\nCRLF", 10, 10),
    ("1234567890 3.14159 1,000,000", 15, 15),
    ("<|endoftext|>", 7, 7),
    ("\u200b\ufeff zero width", 4, 4),
    ("Ελληνικά κείμενα", 16, 6),
    ("עברית מימין לשמאל", 15, 7),
    ("Việt Nam đẹp lắm", 11, 6),
]


@pytest.fixture
def vocabularies():
    pytest.importorskip("bpe_openai", reason="the extra tokens is not installed")


@pytest.fixture
def without(monkeypatch):
    """Hide the extra."""
    monkeypatch.setitem(__import__("sys").modules, "bpe_openai", None)
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    tokens._bundled.cache_clear()
    yield
    tokens._bundled.cache_clear()


@pytest.fixture
def words(tmp_path):
    """A `tokenizer.json` whose tokens are words."""
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    path = tmp_path / "tokenizer.json"
    model = {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1}, "unk_token": "<unk>"}
    fields = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": model,
    }
    path.write_text(json.dumps(fields))
    return path


def window(size, model="openai:gpt-4o", **fields):
    provider, _, name = model.partition(":")
    registry = ModelRegistry(plugins=False)
    registry.register_model(ModelConfig(name, provider, context_window=size, **fields))
    return registry


# With a vocabulary


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize(("text", "old", "new"), SAMPLE)
def test_texts_in_many_languages_have_the_number_of_tokens_of_the_published_vocabularies(
    text, old, new
):
    counter = TokenCounter()
    assert counter.count("openai:gpt-4", text) == Count(old, exact=True, source="cl100k_base")
    assert counter.count("openai:gpt-4o", text) == Count(new, exact=True, source="o200k_base")


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize("text", PUBLISHED)
def test_texts_have_the_published_number_of_tokens(text):
    old, new = PUBLISHED[text]
    counter = TokenCounter()
    assert counter.count("openai:gpt-4", text) == Count(old, exact=True, source="cl100k_base")
    assert counter.count("openai:gpt-4o", text) == Count(new, exact=True, source="o200k_base")


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-3.5-turbo", 129),
        ("gpt-4-0613", 129),
        ("gpt-4", 129),
        ("gpt-4o", 124),
        ("gpt-4o-mini", 124),
    ],
)
@pytest.mark.parametrize("make", [dict, lambda fields: LlmMessage(**fields)])
def test_messages_have_the_number_of_tokens_that_the_api_counted(model, expected, make):
    count = TokenCounter().count_messages(f"openai:{model}", [make(row) for row in EXAMPLE])
    assert (count.tokens, count.exact) == (expected, True)


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("gpt-4o-2024-11-20", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("gpt-5-mini", "o200k_base"),
        ("o3", "o200k_base"),
        ("o4-mini", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("ft:gpt-4o:me::id", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("text-embedding-3-small", "cl100k_base"),
    ],
)
def test_a_model_s_name_determines_its_vocabulary(model, source):
    counter = TokenCounter()
    assert counter.count(f"openai:{model}", "hi") == Count(1, exact=True, source=source)
    counted = counter.count_messages(f"openai:{model}", "hi")
    expected = Count(8, exact=False, source=f"{source}; the tokens around messages are estimated")
    assert counted == expected


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize("model", ["groq:llama-3", "azure:gpt-4o", "openai:new", "openai:o30"])
def test_the_tokens_of_an_unknown_model_are_estimated(model):
    assert TokenCounter().count(model, "abcde") == Count(
        2, exact=False, source="estimate by length"
    )


@pytest.mark.usefixtures("vocabularies")
def test_special_tokens_in_a_text_are_text():
    assert TokenCounter().count("openai:gpt-4o", "<|endoftext|>").tokens > 1


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize("line", ["One line, then 2 more.\n", "x\n\n  y/\n/z\r\n", "слово\nw"])
def test_a_long_text_is_exact(line, monkeypatch):
    text = line * 4_000
    whole = TokenCounter().count("openai:gpt-4o", text)
    monkeypatch.setattr(tokens, "_PIECE", len(text))
    assert TokenCounter().count("openai:gpt-4o", text) == whole
    assert whole.exact


@pytest.mark.usefixtures("vocabularies")
def test_a_text_too_long_for_the_library_is_an_estimate():
    count = TokenCounter().count("openai:gpt-4o", "a" * 1_000_000)
    assert count == Count(250_000, exact=False, source="estimate by length")


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize("text", TEXTS)
def test_an_estimate_is_at_most_a_fifth_too_low_and_three_times_too_high(text):
    exact = TokenCounter().count("openai:gpt-4o", text).tokens
    estimate = TokenCounter().count("groq:llama", text).tokens
    assert exact * 4 / 5 <= estimate <= exact * 3


@pytest.mark.usefixtures("vocabularies")
def test_content_other_than_text_makes_the_count_an_estimate():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    counter = TokenCounter()
    plain = counter.count_messages("openai:gpt-4o", "What is it?")
    part = {"type": "text", "text": "What is it?"}
    one_part = counter.count_messages("openai:gpt-4o", [{"role": "user", "content": [part]}])
    seen = counter.count_messages("openai:gpt-4o", [{"role": "user", "content": [part, image]}])
    assert one_part == plain
    assert seen == Count(
        plain.tokens, exact=False, source="o200k_base; content other than text is estimated"
    )
    call = tw.ToolCall("call_1", "look", '{"at":"sky"}')
    called = counter.count_messages("openai:gpt-4o", LlmMessage("assistant", [call]))
    assert called.tokens > 7
    assert not called.exact


@pytest.mark.usefixtures("vocabularies")
def test_a_text_is_encoded_once(monkeypatch):
    bpe_openai = pytest.importorskip("bpe_openai")

    encoding = bpe_openai.get_encoding("o200k_base")
    encoded: list[str] = []

    class Recording:
        def encode_ordinary(self, text: str) -> list[int]:
            encoded.append(text)
            return list(encoding.encode_ordinary(text))

    monkeypatch.setattr(bpe_openai, "get_encoding", lambda _name: Recording())
    tokens._bundled.cache_clear()
    counts = [TokenCounter().count("openai:gpt-4o", "asked twice, encoded once") for _ in range(2)]
    tokens._bundled.cache_clear()
    assert counts[0] == counts[1]
    assert encoded == ["asked twice, encoded once"]


# A tokenizer.json


def test_a_named_tokenizer_counts_texts_exactly(words):
    counter = TokenCounter({"vllm:m": words})
    assert counter.count("vllm:m", "a b  a") == Count(3, exact=True, source=str(words))
    around = f"{words}; the tokens around messages are estimated"
    assert counter.count_messages("vllm:m", "a b") == Count(9, exact=False, source=around)
    assert counter.count("vllm:other", "a b  a").exact is False


def test_a_tokenizer_that_cannot_be_read_is_named(words, tmp_path):
    words.write_text("{}")
    for path in (words, tmp_path / "none.json"):
        with pytest.raises(LlmConfigError, match=path.name):
            TokenCounter({"vllm:m": path}).count("vllm:m", "a")


# Without the extra


@pytest.mark.usefixtures("without")
def test_without_the_extra_a_count_is_marked_as_an_estimate():
    source = "estimate by length; for an exact count, pip install '.[tokens]' in the clone"
    counter = TokenCounter()
    assert counter.count("openai:gpt-4o", "abcdefghi") == Count(3, exact=False, source=source)
    # Three for the reply, three for the message, and one for its role.
    assert counter.count_messages("openai:gpt-4o", "abcdefghi") == Count(10, False, source)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("a", 1), ("abcd", 1), ("日本", 2), ("ab日本", 3), ("\ud800", 1)],
)
def test_an_estimate_is_by_length(text, expected):
    assert TokenCounter().count("groq:m", text).tokens == expected


@pytest.mark.usefixtures("without")
def test_a_named_tokenizer_needs_its_library(tmp_path):
    counter = TokenCounter({"vllm:m": tmp_path / "tokenizer.json"})
    with pytest.raises(LlmConfigError, match="pip install tokenizers"):
        counter.count("vllm:m", "a")


@pytest.mark.parametrize("model", ["gpt-4o", "openai:", ""])
def test_a_model_without_a_provider_is_refused(model):
    with pytest.raises(LlmConfigError, match="provider:model"):
        TokenCounter().count(model, "a")


# The context window


@pytest.mark.usefixtures("vocabularies")
@pytest.mark.parametrize(("size", "fits"), [(224, True), (223, False)])
def test_an_exact_count_fits_to_the_token(size, fits):
    counter = TokenCounter(registry=window(size))
    assert counter.fits("openai:gpt-4o", EXAMPLE, max_tokens=100) is fits


@pytest.mark.parametrize(("size", "fits"), [(23, True), (22, False)])
def test_an_estimate_is_increased_by_a_quarter(size, fits):
    counter = TokenCounter(registry=window(size, "groq:m"))
    assert counter.count_messages("groq:m", "abcdefghi").tokens == 10
    assert counter.fits("groq:m", "abcdefghi", max_tokens=10) is fits


def test_a_prompt_of_a_completion_model_has_no_tokens_around_it():
    counter = TokenCounter(registry=window(4, "vllm:m", api="completions"))
    assert counter.fits("vllm:m", "abcdefghi") is True


def test_with_an_unknown_window_the_answer_is_none():
    assert TokenCounter(registry=ModelRegistry(plugins=False)).fits("vllm:m", "a") is None


def test_a_negative_number_of_tokens_is_refused():
    with pytest.raises(LlmConfigError, match="max_tokens"):
        TokenCounter(registry=window(9)).fits("openai:gpt-4o", "a", max_tokens=-1)


@pytest.mark.parametrize("value", [None, 5, b"hi", ["hi"], object()])
def test_a_value_of_the_wrong_type_is_refused(value):
    counter = TokenCounter(registry=window(9))
    with pytest.raises(LlmConfigError, match=r"^model: give a str"):
        counter.count(value, "hi")
    with pytest.raises(LlmConfigError, match=r"^model: give a str"):
        counter.fits(value, "hi")
    for model in ("openai:gpt-4o", "groq:m"):
        with pytest.raises(LlmConfigError, match=r"^text: give a str"):
            counter.count(model, value)
        with pytest.raises(LlmConfigError, match=r"is not a message$"):
            counter.count_messages(model, value)
    wrong: Any = str(value)
    with pytest.raises(LlmConfigError, match="max_tokens"):
        counter.fits("openai:gpt-4o", "a", max_tokens=wrong)


def test_a_single_dict_counts_as_a_list_of_one():
    message = {"role": "user", "content": "hi"}
    counter = TokenCounter()
    assert counter.count_messages("groq:m", message) == counter.count_messages("groq:m", [message])


@pytest.mark.parametrize("value", [5, "tokenizer.json", ["a"]])
def test_tokenizers_must_be_a_mapping(value):
    with pytest.raises(LlmConfigError, match=r"^tokenizers: give a mapping"):
        TokenCounter(value)
