"""Many models from one place: a configuration, a custom provider, and the cost.

python examples/factory.py                       two models of the simulator; needs no key
python examples/factory.py tokenwire.toml        every model in the file
"""

from __future__ import annotations

import argparse

import tokenwire as tw
from tokenwire.registry import cost_of
from tokenwire.testing import SimServer

QUESTION = "Why is the sky blue? Answer in one sentence."


def made_up(server: SimServer) -> dict[str, object]:
    """A configuration as a mapping; `tokenwire.toml` has the same form."""
    price = {"input": 0.15, "output": 0.6, "source": "made up"}
    return {
        "defaults": {"timeout": 30, "params": {"max_tokens": 40}},
        "providers": {"acme": {"base_url": server.base_url}},
        "models": {
            "chat": {"model": "acme:m1", "system": "Be brief.", "price": price},
            "base": {"model": "acme:m2", "api": "completions"},
        },
    }


def ask(factory: tw.LlmClientFactory) -> None:
    """Ask every model of the configuration, and print the replies."""
    for name in factory.names():
        client = factory.get_client(name)
        reply = client.complete(QUESTION)
        cost = cost_of(reply, registry=factory.registry)
        shown = "unknown" if cost is None else f"{cost.usd:f} USD ({cost.source})"
        print(f"{name} ({type(client).__name__}, {client.model}): {reply.text.strip()}")
        print(f"    cost: {shown}")
    print(factory.stats())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="?", help="a configuration, such as tokenwire.toml")
    config = parser.parse_args().config
    if config is not None:
        ask(tw.LlmClientFactory(config))
        return
    with SimServer() as server:
        ask(tw.LlmClientFactory(made_up(server)))


if __name__ == "__main__":
    main()
