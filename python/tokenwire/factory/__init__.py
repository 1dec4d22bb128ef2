"""Clients by name, created once and shared.

Read in this order:

- `factory` finds out what a name means.
- `plan` is the result: the key of a client in the pool, and how to create it.
- `pool` keeps the clients.
"""
