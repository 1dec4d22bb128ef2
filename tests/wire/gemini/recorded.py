"""How many recorded exchanges of Gemini there are, and how many are streams."""

ROWS = 922
STREAMS = 154  # As events.
ARRAYS = 13  # As one JSON array, which grows.
ERRORS = 16
