"""Configurations: `tokenwire.toml` and its mapping.

`file` reads TOML and shows a problem without secrets, `configuration` is the value that is read,
`checks` reads a source into one and finds every problem at once.
"""
