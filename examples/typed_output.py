"""Get an answer as a Python object. If the first answer does not fit, ask again.

python examples/typed_output.py                               the simulator; needs no key
python examples/typed_output.py --model openai:gpt-4o-mini    a provider
"""

from __future__ import annotations

import argparse
from json import dumps
from typing import Annotated, Literal

from pydantic import BaseModel, Field

import tokenwire as tw
from tokenwire.testing import SimServer

REVIEW = "Great soup, rude waiter, and we waited an hour. The terrace is lovely."


class Opinion(BaseModel):
    """What a review says about one thing."""

    about: str
    mood: Literal["good", "bad"]


class Review(BaseModel):
    """A review of a restaurant."""

    stars: Annotated[int, Field(ge=1, le=5, description="5 is best")]
    opinions: list[Opinion]


# What the simulator says: first an answer with too many stars, then one that fits.
OPINIONS = [{"about": "soup", "mood": "good"}, {"about": "waiter", "mood": "bad"}]
WRONG = {"stars": 9, "opinions": OPINIONS}
RIGHT = {"stars": 3, "opinions": OPINIONS}


def script() -> dict[str, object]:
    """Return the simulator's answers."""
    return {
        "rules": [
            {"match": {"body": "adjectives"}, "then": {"reply": {"text": '{"value": ["rude"]}'}}},
            {"times": 1, "then": {"reply": {"text": dumps(WRONG)}}},
        ],
        "default": {"reply": {"text": dumps(RIGHT)}},
    }


def ask(chat: tw.ChatClient) -> None:
    """Ask for a pydantic model, and for a plain type."""
    review = chat.parse(Review, f"What does this review say? {REVIEW}", reask=1)
    print(f"{review.stars} stars")
    for opinion in review.opinions:
        print(f"{opinion.about}: {opinion.mood}")
    print(chat.parse(list[str], f"List the adjectives for people: {REVIEW}"))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    model = parser.parse_args().model
    try:
        if model:
            ask(tw.ChatClient(model))
            return
        with SimServer(script()) as server:
            ask(tw.ChatClient("sim:chat", base_url=server.base_url))
    except tw.LlmError as error:
        raise SystemExit(f"typed_output: {error}") from None


if __name__ == "__main__":
    main()
