"""The two clients over the engine.

`base` is what both share: the constructor and the calls. `chat` and `completion` add what only
they need. `arguments` turns what a call is given into what the engine takes, `api_key` is the one
rule for keys that are refused, and `map` runs many calls at once.
"""
