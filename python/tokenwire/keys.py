from tokenwire.clients.api_key import *
