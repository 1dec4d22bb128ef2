"""What reads a stream: callbacks, a terminal, several readers at once, a web page.

`handler` is the consumer, `tee` reads one stream for several, `terminal` and `styles` print.
"""
