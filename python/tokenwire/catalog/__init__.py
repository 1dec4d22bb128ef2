"""Providers, models, prices and token counts, as data.

`model` and `provider` are the entries, and `registry` holds them: read these three first. `cost`
computes what a reply cost, with the list prices of `genai_prices`, the only module that uses that
library. `tokens` counts tokens and is independent of the rest.
"""
