"""Clients by name, made once and shared.

`factory` finds out what a name stands for, `plan` is what it comes to, `identity` tells two plans
apart, `pool` holds the clients.
"""
