"""How many recorded exchanges of the Responses API there are, and how many of them are streams."""

ROWS = 905
STREAMS = 239
