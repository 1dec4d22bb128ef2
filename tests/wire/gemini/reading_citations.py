"""A plain reading of the sources that Gemini names (wire.md 18.3).

A segment counts bytes within one part; one of ours counts characters of the whole text.
"""

from __future__ import annotations

from typing import Any


def citations_of(parts: list[dict[str, Any]], candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the citations of a candidate, with its `parts` as they are read."""
    texts = [part["text"] for part in parts if part["type"] == "text"]
    grounding = candidate.get("groundingMetadata") or {}
    chunks = grounding.get("groundingChunks") or []
    found = []
    for support in grounding.get("groundingSupports") or []:
        span = _span(texts, support.get("segment") or {})
        found += [
            {**span, **_source(chunks[number]), "raw": chunks[number]}
            for number in support.get("groundingChunkIndices") or []
            if 0 <= number < len(chunks)
        ]
    cited = candidate.get("citationMetadata") or {}
    for one in cited.get("citations") or cited.get("citationSources") or []:
        if one:  # An empty one names nothing (wire.md 1).
            span = _span(texts, one)
            url, title = one.get("uri") or None, one.get("title") or None
            found.append({**span, "document": None, "url": url, "title": title, "raw": one})
    return found


def _span(texts: list[str], segment: dict[str, Any]) -> dict[str, Any]:
    """Return where the bytes of a segment are, in characters of all texts together."""
    place, end = segment.get("partIndex") or 0, segment.get("endIndex")
    if not end or place >= len(texts):
        return {"start": None, "end": None, "text": None}
    data = texts[place].encode()
    if end > len(data):
        # The text is not the one that was counted: some recordings have other quotes (wire.md 0.1).
        return {"start": None, "end": None, "text": None}
    before = sum(map(len, texts[:place]))
    start = len(data[: segment.get("startIndex") or 0].decode(errors="ignore"))
    stop = len(data[:end].decode(errors="ignore"))
    said = texts[place][start:stop]
    return {"start": before + start, "end": before + stop, "text": said}


def _source(chunk: dict[str, Any]) -> dict[str, str | None]:
    """Return the page, the document or the place of a chunk."""
    kind = next((key for key in ("web", "retrievedContext", "maps", "image") if chunk.get(key)), "")
    source = chunk.get(kind) or {}
    return {
        "url": source.get("uri") or None,
        "title": source.get("title") or None,
        # Files that were uploaded for a search have no more of a name than their store.
        "document": source.get("documentName") or source.get("fileSearchStore") or None,
    }
