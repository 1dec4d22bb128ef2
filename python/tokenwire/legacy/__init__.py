"""The older client interface, served by the new clients.

    import tokenwire.legacy

    tokenwire.legacy.install("root.agents")     # before the application is imported
    from root.agents.llm_client import LlmClient

The modules below this package have the names, signatures, defaults and results of the interface
that existing applications call. `install` serves them under the application's own package path;
code that is being changed imports them from here. docs/migration.md leads from here to the new API.
"""

from __future__ import annotations

from tokenwire.legacy._install import install, uninstall
from tokenwire.legacy._settings import use_config, use_defaults

__all__ = ["install", "uninstall", "use_config", "use_defaults"]
