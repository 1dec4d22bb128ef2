"""`python -m tokenwire` is the command `tokenwire`."""

from __future__ import annotations

from tokenwire.cli import main

raise SystemExit(main())
