from tokenwire.observability.on_call import *
