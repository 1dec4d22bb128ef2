"""The arguments of a client.

Read in this order:

- `secret` hides keys.
- `client_settings` is the table of all arguments, with the check for each.
- `model_string` reads `provider:model`, and finds key and address.
"""
