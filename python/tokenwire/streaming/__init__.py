"""What reads a stream: callbacks, a terminal, several readers at once, a web page.

`handler` is the consumer, `event` what it gets, `tee` reads one stream for several, `terminal` and
`styles` print.
"""
