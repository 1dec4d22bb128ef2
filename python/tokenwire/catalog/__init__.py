"""What is known of providers and models, what a reply cost, how many tokens a text is.

`provider` and `model` are the values, frozen by `row`; `registry` keeps them. `genai_prices` is the
only module that names the library of list prices, `cost` puts a price on a reply, `tokens` counts.
"""
