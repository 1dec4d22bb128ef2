"""The two clients over the engine.

Read `base` first, the constructor of both clients, then `calls`, what they do. `chat` and
`completion` add the little that differs. `arguments` converts the arguments of a call for the
engine, `one_server` keeps what is secret from other servers, `api_key` gets keys from a callable,
`map` runs many calls at once, and `models` reads a server's list of models.
"""
