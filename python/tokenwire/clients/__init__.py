"""The two clients over the engine.

`base` is what both share: settings, arguments of a call, the calls themselves. `chat` and
`completion` add what only they take, and `api_key` is the one rule for keys that are refused.
"""
