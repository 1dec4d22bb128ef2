"""openai's client over the engine: `import tokenwire.openai as openai` is the whole change.

    import tokenwire.openai as openai

    client = openai.OpenAI()

`OpenAI`, `AsyncOpenAI`, `AzureOpenAI` and `AsyncAzureOpenAI` are subclasses of openai's classes of
the same name. Every other name of this module is openai's own, and so are retries, headers, status
errors, paging, `with_raw_response`, `stream()` and `parse()`. `clients` joins what is ours, each
part alone, with openai's own way behind it:

- `transport`: the default `http_client`, over `tokenwire.httpx2` (for openai 2, `tokenwire.httpx`);
- `streams`: the engine reads the events, and `validators` build the chunks;
- `requests`: plain JSON is sent without a walk through its types;
- `replies`: those, too, are built by `validators`.

`shapes` checks what they need of openai when this is imported. What it does not know is left
to openai, with one warning. `failures` has the errors of streams, and `installation` puts our
classes in openai's place for libraries that make their own clients.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import openai
    from openai import *  # noqa: F403
    from openai import AsyncAzureOpenAI as AsyncAzureOpenAI
    from openai import AsyncClient as AsyncClient
    from openai import AsyncOpenAI as AsyncOpenAI
    from openai import AzureOpenAI as AzureOpenAI
    from openai import Client as Client
    from openai import OpenAI as OpenAI
    from openai import api_key as api_key
    from openai import api_type as api_type
    from openai import api_version as api_version
    from openai import audio as audio
    from openai import azure_ad_token as azure_ad_token
    from openai import azure_ad_token_provider as azure_ad_token_provider
    from openai import azure_endpoint as azure_endpoint
    from openai import base_url as base_url
    from openai import batches as batches
    from openai import beta as beta
    from openai import chat as chat
    from openai import completions as completions
    from openai import default_headers as default_headers
    from openai import default_query as default_query
    from openai import embeddings as embeddings
    from openai import files as files
    from openai import http_client as http_client
    from openai import images as images
    from openai import max_retries as max_retries
    from openai import models as models
    from openai import moderations as moderations
    from openai import organization as organization
    from openai import project as project
    from openai import pydantic_function_tool as pydantic_function_tool
    from openai import responses as responses
    from openai import timeout as timeout

    from tokenwire.openai.failures import StreamIncompleteError
    from tokenwire.openai.installation import install, langchain, uninstall
else:
    from sys import modules
    from types import ModuleType

    try:
        import openai
    except ModuleNotFoundError as error:
        raise ImportError("tokenwire.openai needs openai: pip install openai") from error

    from tokenwire.openai.clients import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
    from tokenwire.openai.failures import StreamIncompleteError, error_named
    from tokenwire.openai.installation import install, langchain, uninstall

    AsyncClient = AsyncOpenAI
    Client = OpenAI

    class _Module(ModuleType):
        """This module: what it does not have is read from openai, and set there."""

        def __getattr__(self, name: str) -> object:
            try:
                return getattr(openai, name)
            except AttributeError:
                if (ours := error_named(name)) is not None:
                    return ours
                raise AttributeError(
                    f"module 'tokenwire.openai' has no attribute {name!r}"
                ) from None

        def __setattr__(self, name: str, value: object) -> None:
            # The settings of the client behind openai's module-level calls, such as `api_key`.
            if name not in self.__dict__ and name in openai.__dict__:
                setattr(openai, name, value)
            else:
                super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return sorted({*super().__dir__(), *dir(openai)})

        def __delattr__(self, name: str) -> None:
            # As `unittest.mock` does, before it sets the former value.
            if name not in self.__dict__ and name in openai.__dict__:
                delattr(openai, name)
            else:
                super().__delattr__(name)

    def _setting(name: str) -> property:
        return property(
            lambda _: getattr(openai, name), lambda _, value: setattr(openai, name, value)
        )

    # pytest's `monkeypatch` deletes what it has set, unless the class has the attribute.
    for _name in openai.__annotations__:
        setattr(_Module, _name, _setting(_name))
    del _name

    modules[__name__].__class__ = _Module

__all__ = [
    "AsyncAzureOpenAI",
    "AsyncClient",
    "AsyncOpenAI",
    "AzureOpenAI",
    "Client",
    "OpenAI",
    "StreamIncompleteError",
    "install",
    "langchain",
    "uninstall",
]
__all__ += openai.__all__
