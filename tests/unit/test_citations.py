"""`reply.citations`: the sources of a text, in its characters, whatever form they came in."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

import tokenwire as tw
from tokenwire.types import LlmMessage, OpaquePart, TextPart


def reply(*parts: Any) -> tw.LlmResponse:
    message = LlmMessage("assistant", list(parts))
    return tw.LlmResponse(provider="openai", model="m", api="responses", message=message)


def url(start: int, end: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "start_index": start,
        "end_index": end,
        "url": "https://a.example/",
        "title": "A",
        **more,
    }


def test_the_indexes_of_a_block_become_those_of_the_text() -> None:
    first = TextPart("Grüße 🎉. ", annotations=[url(0, 5)])
    second = TextPart("日本 is Japan.", annotations=[url(0, 2), url(6, 11, title=None)])
    found = reply(first, second).citations
    assert [(one.start, one.end, one.text) for one in found] == [
        (0, 5, "Grüße"),
        (9, 11, "日本"),
        (15, 20, "Japan"),
    ]
    text = reply(first, second).text
    assert [text[one.start : one.end] for one in found] == [one.text for one in found]
    assert [(one.url, one.title, one.document) for one in found] == [
        ("https://a.example/", "A", None),
        ("https://a.example/", "A", None),
        ("https://a.example/", None, None),
    ]
    assert [one.raw for one in found] == [url(0, 5), url(0, 2), url(6, 11, title=None)]


FILES: list[tuple[dict[str, Any], str | None]] = [
    ({"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 3}, "file_1"),
    ({"type": "file_citation", "filename": "a.pdf"}, "a.pdf"),
    ({"type": "container_file_citation", "container_id": "c", "file_id": "cfile_1"}, "cfile_1"),
    ({"type": "file_path", "file_id": "file_2", "index": 0}, "file_2"),
    ({"type": "new_citation"}, None),
]


@pytest.mark.parametrize(("annotation", "document"), FILES)
def test_a_file_is_a_source(annotation: dict[str, Any], document: str | None) -> None:
    (found,) = reply(TextPart("Text", annotations=[annotation])).citations
    assert (found.document, found.url, found.title) == (document, None, None)
    # Their index is not a place in the text.
    assert (found.start, found.end, found.text) == (None, None, None)
    assert found.raw == annotation


def test_chat_has_them_beside_its_text() -> None:
    annotations = [
        {"type": "url_citation", "url_citation": {"start_index": 1, "end_index": 3, "url": "u"}},
        {"type": "file", "file": {"hash": "x"}},
        {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 0, "url": "v"}},
    ]
    parts = [TextPart("abcd"), OpaquePart("openrouter", "annotations", annotations)]
    found = reply(*parts).citations
    assert [(one.start, one.end, one.text, one.url) for one in found] == [
        (1, 3, "bc", "u"),
        (None, None, None, "v"),
    ]


@pytest.mark.parametrize(
    "annotations",
    [None, {}, 7, "x", [], [7, None, [], {}], [{"type": 7}], [{"type": "note"}], [[url(0, 1)]]],
    ids=str,
)
def test_what_is_not_a_citation_is_left_out(annotations: Any) -> None:
    assert reply(TextPart("Text", annotations=annotations)).citations == ()
    assert reply(OpaquePart("openai", "annotations", annotations)).citations == ()


@pytest.mark.parametrize(
    ("start", "end"), [(-1, 2), (2, 1), (0, 5), (5, 6), (1e300, 2), ("a", "b"), (None, 2), (2, 2)]
)
def test_an_index_outside_of_the_text_is_no_place(start: Any, end: Any) -> None:
    (found,) = reply(TextPart("Text", annotations=[url(start, end)])).citations
    assert (found.start, found.end, found.text) == (None, None, None)
    assert found.url == "https://a.example/"


def test_it_is_a_value_like_the_others() -> None:
    (one, two) = reply(TextPart("a🎉bc", annotations=[url(1, 2), url(0, 1)])).citations
    for keep in (
        lambda value: pickle.loads(pickle.dumps(value)),
        lambda value: tw.Citation.from_dict(json.loads(json.dumps(value.to_dict()))),
        lambda value: tw.Citation(**value.to_dict()),
    ):
        assert keep(one) == one
        assert hash(keep(one)) == hash(one)
    assert one != two
    assert {one, two, one} == {one, two}
    assert one.to_dict() == {
        "start": 1,
        "end": 2,
        "text": "🎉",
        "url": "https://a.example/",
        "title": "A",
        "document": None,
        "raw": url(1, 2),
    }
    assert repr(tw.Citation(url="u")) == "Citation(url='u')"


def test_each_choice_has_its_own() -> None:
    cited = reply(TextPart("Text", annotations=[url(0, 4)]))
    assert cited.choices[0].citations == cited.citations
    assert pickle.loads(pickle.dumps(cited)).citations == cited.citations
    assert tw.LlmResponse.from_dict(cited.to_dict()).citations == cited.citations


def test_many_of_them_share_the_text() -> None:
    """A server that cites its whole text again and again does not multiply it."""
    text = "日" * 200_000
    many = [url(0, len(text))] * 20_000
    found = reply(TextPart(text, annotations=many)).citations
    assert len(found) == len(many)
    assert found[-1].text == text
