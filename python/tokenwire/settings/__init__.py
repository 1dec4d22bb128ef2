"""The arguments of a client.

`client_settings` is the table of them and of their checks, `model_string` the one reader of
`provider:model`, `secret` keeps keys out of sight.
"""
