"""Ask many questions at once with asyncio, and print each answer when it arrives.

python examples/async_fan_out.py                               the simulator; needs no key
python examples/async_fan_out.py --model openai:gpt-4o-mini    a provider
"""

from __future__ import annotations

import argparse
import asyncio

import tokenwire as tw
from tokenwire.testing import SimServer

PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune", "Pluto")
# The simulator takes 20 ms for Mercury and 160 ms for Neptune, and refuses Pluto.
SCRIPT = {
    "rules": [
        *(
            {
                "match": {"body": planet},
                "then": {
                    "reply": {"text": f"{planet} is planet {number} from the sun."},
                    "pacing": {"head_delay_ms": 20 * number},
                },
            }
            for number, planet in enumerate(PLANETS[:-1], start=1)
        ),
        {"match": {"body": "Pluto"}, "then": {"error": {"status": 400, "message": "no planet"}}},
    ],
}


async def ask(chat: tw.ChatClient) -> None:
    """Ask about every planet, farthest first, with five calls at a time."""
    planets = PLANETS[::-1]
    questions = (f"Which planet from the sun is {planet}?" for planet in planets)
    spent = 0.0
    async for row in chat.map_async(questions, concurrency=5, ordered=False):
        if row.response is None:
            print(f"{planets[row.index]}: {type(row.error).__name__}")
            continue
        spent += row.response.timing.total or 0.0
        print(f"{planets[row.index]}: {row.response.text}")

    # For a few calls you do not need `map_async`.
    first, last = await asyncio.gather(
        chat.run_async("Which planet is Mercury?"), chat.run_async("Which planet is Neptune?")
    )
    print(f"{first} {last}")
    print(f"one after another the questions would have taken {spent:.2f} s")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    model = parser.parse_args().model
    try:
        if model:
            asyncio.run(ask(tw.ChatClient(model)))
            return
        with SimServer(SCRIPT) as server:
            asyncio.run(ask(tw.ChatClient("sim:chat", base_url=server.base_url)))
    except tw.LlmError as error:
        raise SystemExit(f"async_fan_out: {error}") from None


if __name__ == "__main__":
    main()
