"""Configurations: `tokenwire.toml`, or a mapping of the same form.

Read in this order:

- `configuration` is the result.
- `file` reads TOML, and shows a problem without secrets.
- `checks` reads a configuration and finds all of its problems at once.
- `loading` does the same, and raises an error if there are problems.
"""
