"""What a program learns about its calls.

Read `on_call` first: it calls a function for each finished call, and the rest builds on it.
`metrics` counts calls; `counts` has the values of its snapshots, and `text` prints them. `otel`
reports calls to OpenTelemetry. Both get their names from `labels`.
"""
