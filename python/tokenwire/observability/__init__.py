"""What a program learns of its calls.

`on_call` calls back once for each finished call. `metrics` counts on it: `counts` has its values,
`text` shows them. `otel` makes spans and metrics of OpenTelemetry.
"""
