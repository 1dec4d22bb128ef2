"""Transports for clients of httpx and httpx2: written once, for both families.

`tokenwire.httpx` and `tokenwire.httpx2` are the public modules. They only join the classes here
with the base classes of their family, because a client checks for those. In the order of a request:

- `options`: the arguments of a transport and of a client, and what the engine is given for them;
- `sending`: `SyncSending` and `AsyncSending`, which send a request and return its response;
- `address`: where a request goes;
- `patches`: whether a mock has replaced the family's own transport, which then gets the request;
- `upload`: the length of a body that is produced piece by piece;
- `body`: the stream of a response, which ends with its transport;
- `loops`: waiting in the event loop that runs;
- `failures`: the family's errors for ours.
"""
