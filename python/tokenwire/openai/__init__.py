"""openai's client over the engine: `import tokenwire.openai as openai` is the whole change.

    import tokenwire.openai as openai

    client = openai.OpenAI()

`OpenAI`, `AsyncOpenAI`, `AzureOpenAI` and `AsyncAzureOpenAI` are subclasses of openai's classes of the
same name. Every other name of this module is openai's own, and so are retries, headers, status
errors, paging, `with_raw_response`, `stream()` and `parse()`. Three parts are ours, each alone, and
openai's own way is behind each of them:

- `transport`: the default `http_client`, over `tokenwire.httpx2` or, for openai 2, `tokenwire.httpx`;
- `streams`: chunks built by the compiled validator of their class, in one call into the engine each;
- `requests` and `replies`: plain JSON is sent without a walk through its types, and a reply is built
  by the validator of its class.

`shapes` checks what of openai they depend on, when this is imported. What it does not know is left to
openai, with one warning. `failures` are the errors of streams, and `installation` puts our classes
in openai's place for libraries that make their own clients.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from openai import *  # noqa: F403
    from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI

    from tokenwire.openai.failures import StreamIncompleteError
    from tokenwire.openai.installation import install, langchain, uninstall

    AsyncClient = AsyncOpenAI
    Client = OpenAI
else:
    from sys import modules
    from types import ModuleType

    try:
        import openai
    except ModuleNotFoundError as error:
        raise ImportError("tokenwire.openai needs openai: pip install openai") from error

    from tokenwire.openai.clients import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
    from tokenwire.openai.failures import StreamIncompleteError
    from tokenwire.openai.installation import install, langchain, uninstall

    AsyncClient = AsyncOpenAI
    Client = OpenAI

    class _Module(ModuleType):
        """This module: what it does not have is read from openai, and set there."""

        def __getattr__(self, name: str) -> object:
            try:
                return getattr(openai, name)
            except AttributeError:
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
