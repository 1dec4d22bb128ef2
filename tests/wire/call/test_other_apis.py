"""Replies of APIs that a client does not speak are errors, never a wrong or an empty reply."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.wire.recorded import recorded_rows
from tests.wire.socket_replays import Replay, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OF_EACH = 12
# In the order of the recordings, and the API that a client speaks instead.
OTHERS = {
    "responses": (
        "messages",
        "gemini.generate",
        "gemini.stream",
        "bedrock.converse",
        "bedrock.invoke",
        "cohere.chat",
        "ollama.chat",
        "embeddings",
        "chat.completions",
        "completions",
    ),
    "messages": (
        "responses",
        "gemini.generate",
        "gemini.stream",
        "bedrock.converse",
        "bedrock.invoke",
        "cohere.chat",
        "ollama.chat",
        "embeddings",
        "chat.completions",
        "completions",
    ),
    "gemini": (
        "responses",
        "messages",
        "bedrock.converse",
        "bedrock.invoke",
        "cohere.chat",
        "ollama.chat",
        "embeddings",
        "chat.completions",
        "completions",
    ),
    "chat": (
        "messages",
        "gemini.generate",
        "gemini.stream",
        "bedrock.converse",
        "bedrock.invoke",
        "cohere.chat",
        "ollama.chat",
        "embeddings",
        "responses",
    ),
}
# How a body begins whose form is not recognized: an array, and the comments of OpenRouter.
UNNAMED = "[:"
# Where an error says its own words, whatever API the server speaks.
ERROR = "event: error"
# The forms that a reply says by its keys (wire.md 2.2, 4.2, 5.2 and 6.2), in the words that an
# error about one has.
NAMED = {
    "messages": "messages",
    "gemini.generate": "gemini",
    "gemini.stream": "gemini",
    "chat.completions": "chat",
    "responses": "responses",
}
# How the replies of an API begin that come under another name, too: Bedrock's invoke has Messages
# for Anthropic's models, and one gateway for its chat (wire.md 5.2, 5.3 and 18.2).
ITS_OWN = {"messages": ('"type":"message"', '"type": "message"', '"message_start"')}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("spoken", OTHERS)
def test_a_reply_of_another_api_is_a_typed_error(
    data_dir: Path, report_line: Callable[[str], None], spoken: str
) -> None:
    replays = []
    rows = [
        row
        for row in recorded_rows(data_dir, *OTHERS[spoken])
        if row["status"] == 200
        and not any(mark in row["response_body_text"] for mark in ITS_OWN.get(spoken, ()))
    ]
    for api in OTHERS[spoken]:
        for streamed in (False, True):
            of_a_kind = [row for row in rows if (row["api"], row["is_sse"]) == (api, streamed)]
            step = max(1, len(of_a_kind) // OF_EACH)
            replays += [
                Replay(row, "random", api=spoken, stream=stream, cut=f"-{stream}")
                for row in of_a_kind[::step][:OF_EACH]
                # Also where the client did not ask for the kind of body that arrives.
                for stream in (False, True)
            ]
    assert len(replays) >= 250
    kinds: Counter[tuple[str, str, str]] = Counter()
    wrong = []
    for replay, seen in in_turn(replays):
        row = replay.row
        if seen.error is None:
            wrong.append(f"{replay.name}: a reply with {seen.parts!r:.200}")
            continue
        body = "stream" if row["is_sse"] else "whole"
        kinds[row["api"], body, seen.error.kind] += 1
        both = {spoken, NAMED.get(row["api"], spoken)}
        unnamed = [word for word in both if word not in seen.error.message.lower()]
        text = row["response_body_text"]
        if row["api"] in NAMED and unnamed and text[0] not in UNNAMED and ERROR not in text:
            wrong.append(f"{replay.name}: {seen.error.kind}: {seen.error.message}: {unnamed}")
    for (api, body, kind), count in sorted(kinds.items()):
        report_line(f"{spoken} reads {api}, {body}: {count} {kind}")
    assert not wrong, f"{len(wrong)} of {len(replays)}\n  " + "\n  ".join(wrong[:30])
