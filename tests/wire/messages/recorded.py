"""How many recorded exchanges of Anthropic's Messages API there are, and how many are streams."""

ROWS = 902
STREAMS = 243
ERRORS = 22
