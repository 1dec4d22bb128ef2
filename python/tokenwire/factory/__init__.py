"""Clients by name, created once and shared.

Read in this order:

- `factory` finds out what a name means.
- `plan` is the result: it tells two clients apart, and creates one.
- `pool` keeps the clients.
"""
