"""What a program learns of its calls.

`on_call` calls back once for each finished call; `metrics` counts on it, `text` shows the counts,
`otel` makes spans and metrics of it.
"""
