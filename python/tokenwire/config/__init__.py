"""Configurations: `tokenwire.toml` and its mapping.

`file` reads TOML and shows a problem without secrets, `configuration` is the value that is read,
`checks` finds every problem of a source at once, and `loading` reads a source or raises.
"""
