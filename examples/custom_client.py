"""Your own client: here the model is a program that reads a prompt and prints an answer.

python examples/custom_client.py      needs no key and no network
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from tokenwire.types import AnyParams, Prompt

# A command-line model: it answers with the words of the prompt in reverse order.
PROGRAM = """
import sys
for word in reversed(sys.stdin.read().split()):
    print(word, flush=True)
"""


class ProgramClient(tw.LlmClientInterface):
    """Asks a program. `complete`, `run`, `map` and the async methods use its `stream`."""

    def __init__(self, model: str, *, provider: str = "program", capitals: bool = False) -> None:
        super().__init__(model, provider=provider)
        self.capitals = capitals

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> tw.LlmStream:
        """Ask, and read the answer word by word."""
        if not isinstance(request_or_prompt, str):
            raise tw.LlmConfigError("prompt: this program takes a str")
        prompt, limit = request_or_prompt, params.get("max_tokens")

        def chunks() -> Iterator[tw.LlmStreamChunk | str]:
            began = perf_counter()
            error = None
            try:
                yield from self._chunks(prompt, limit)
            except BaseException as raised:  # GeneratorExit means that the reader left
                error = raised
                raise
            finally:
                # `on_call` and metrics learn of the call here.
                tw.report_call(
                    provider=self.provider,
                    model=self.model,
                    elapsed=perf_counter() - began,
                    response=stream.response,
                    error=error,
                    streamed=True,
                )

        stream = tw.LlmStream.from_chunks(chunks(), provider=self.provider, model=self.model)
        return stream

    def get_supported_parameters(self) -> frozenset[str]:
        """Return the parameters that the program knows."""
        return frozenset({"max_tokens"})

    def _chunks(self, prompt: str, limit: int | None) -> Iterator[tw.LlmStreamChunk | str]:
        # This runs when the stream is read. Leaving the stream early ends the program.
        command = [sys.executable, "-c", PROGRAM]
        with subprocess.Popen(  # noqa: S603 (a fixed command)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as program:
            if program.stdin is None or program.stdout is None:
                raise tw.LlmConnectError("the program has no pipes")
            try:
                program.stdin.write(prompt)
                program.stdin.close()
                count = 0
                for line in program.stdout:
                    if count == limit:
                        break
                    count += 1
                    word = line.strip()
                    yield f"{word.upper() if self.capitals else word} "
            finally:
                program.kill()
        usage = tw.Usage(prompt_tokens=len(prompt.split()), completion_tokens=count)
        # Without a finish reason, the stream would count as incomplete.
        yield tw.LlmStreamChunk(finish_reason="length" if count == limit else "stop", usage=usage)


def main() -> None:
    """Use it directly, through the factory, with metrics and a handler."""
    print(ProgramClient("reverse").run("blue is sky the"))

    registry = tw.ModelRegistry()
    registry.register_provider(tw.LlmProvider("program", client=ProgramClient))
    factory = tw.LlmClientFactory(registry=registry)
    client = factory.get_client("program:reverse", capitals=True)

    with tw.MetricsCollector() as metrics:
        tw.StreamingHandler().to_terminal().run(client.stream("why reason a is there"))
        rows = list(client.map(["two one", "four three"], concurrency=2, max_tokens=1))
        print([row.result().text for row in rows])
        total = metrics.snapshot().total
    print(f"{total.calls} calls, {total.completion_tokens} words")


if __name__ == "__main__":
    main()
