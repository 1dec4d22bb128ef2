"""Streams over a user's iterator, and what reads a stream for a program.

Start with `handler`, which passes a stream's events to callbacks. `tee` reads one stream for
several readers; `terminal` and `styles` print one. `custom_stream` is behind
`LlmStream.from_chunks`.
"""
