"""The two clients over the engine.

`base` is what both share: the constructor and the calls. `chat` and `completion` add what only
they need. `arguments` converts a call's arguments for the engine, `api_key` is the one rule for
keys that are refused, `map` runs many calls at once, and `models` lists what a server has.
"""
