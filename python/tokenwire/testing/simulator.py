"""`SimServer`: a simulator of the APIs on a loopback port."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class SimServer:
    """A running simulator. A background thread serves it until `stop()`.

    It speaks OpenAI's chat completions, text completions and Responses, Anthropic's Messages,
    Google's Gemini, and their lists of models, and its replies are deterministic. A script sets
    replies, pacing, errors, replays and faults.

    Args:
        script: What to answer; see the simulator's guide.
        port: The port to listen on; 0 is any free port.
        log_capacity: Maximum number of records in the log; 0 turns it off (waiting and counting
            still work).

    Raises:
        LlmConfigError: The script has an unknown field or a wrong value; the message names it.
        OSError: The port is taken.
    """

    def __init__(
        self,
        script: Mapping[str, Any] | None = None,
        *,
        port: int = 0,
        log_capacity: int = 100_000,
    ) -> None:
        self._simulator = _engine.Simulator(_json(script or {}), port, log_capacity)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._simulator.port

    @property
    def base_url(self) -> str:
        """The address for `base_url=`: `http://127.0.0.1:PORT/v1`."""
        return self._simulator.base_url

    def set_script(self, script: Mapping[str, Any]) -> None:
        """Set what to do from the next request on."""
        self._simulator.set_script(_json(script))

    def log(self) -> list[dict[str, Any]]:
        """The records of all events so far, in order."""
        return list(self._simulator.log())

    def requests(self) -> list[dict[str, Any]]:
        """The requests so far: `method`, `path`, `headers` (a key only as a hash), `body`."""
        return [record["http"] for record in self.log() if record["kind"] == "request"]

    def wait_for(self, kind: str, count: int = 1, *, timeout: float = 10.0) -> None:
        """Wait for `count` records of a kind since the start or the last reset.

        Raises:
            TimeoutError: There were fewer after `timeout` seconds.
        """
        if not self._simulator.wait_for(kind, count, timeout):
            raise TimeoutError(
                f"the simulator wrote {self.count(kind)} of {count} {kind!r} records in {timeout} s"
            )

    def count(self, kind: str) -> int:
        """The number of records of a kind so far, in the log or not."""
        return self._simulator.count(kind)

    def stats(self) -> dict[str, int]:
        """Counters: accepted and open connections, requests, bytes."""
        return dict(self._simulator.stats())

    def reset(self) -> None:
        """Clear the log, the counts and the script."""
        self._simulator.reset()

    def stop(self) -> None:
        """Stop serving and close every connection. A second call does nothing."""
        self._simulator.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _json(script: Mapping[str, Any]) -> str:
    try:
        return json.dumps(script)
    except (TypeError, ValueError) as error:
        raise LlmConfigError(f"script: {error}") from None
    except RecursionError:
        raise LlmConfigError("script: it is nested too deeply") from None
