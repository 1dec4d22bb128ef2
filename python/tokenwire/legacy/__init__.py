"""The older client interface, on top of the new clients.

    import tokenwire.legacy

    tokenwire.legacy.install("root.agents")     # before the application is imported
    from root.agents.llm_client import LlmClient

Existing applications call ten modules, from `base_llm_client` to `token_counter`. The modules here
have their names, signatures, defaults and results. `install` serves them under the application's
own package, and code that is being changed imports them from here. docs/migration.md describes the
way to the new interface. Read in this order:

- `_install` serves the modules, and finds the application's configuration class and key files;
- `chat_client`, `completion_client`, `llm_client` and `llm_completion` are the clients;
- `_calls` is what they share: arguments, the call itself, and what it prints;
- `_vendors` turns the name of a chat model into an address and a key;
- `_errors` translates errors, and `_settings` holds the settings of the whole adapter;
- `llm_client_factory` creates clients, from a configuration or from a name;
- `migrate` rewrites imports for `tokenwire migrate`.
"""

from __future__ import annotations

from tokenwire.legacy._install import install, uninstall
from tokenwire.legacy._settings import use_config, use_defaults

__all__ = ["install", "uninstall", "use_config", "use_defaults"]
