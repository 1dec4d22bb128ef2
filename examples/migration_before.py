"""One program on both sides of a migration: migration_before.py and migration_after.py.

migration_before.py calls the older interface, and needs `tokenwire.legacy.install("root.agents")`
before it is imported. migration_after.py was changed by hand to call tokenwire.
"""

import asyncio
import os

from root.agents.chat_client import ChatClient
from root.agents.completion_client import CompletionClient
from root.agents.llm_client import LlmClient
from root.agents.llm_exceptions import LlmAPIError, LlmTimeoutError

SERVER = os.environ["SERVER"]  # such as http://127.0.0.1:8000/v1


class Assistant:
    """Answers questions; the model is the server's own."""

    def __init__(self) -> None:
        self.chat = ChatClient(
            model_name="qwen3",
            base_url=SERVER,
            debug=False,
            temperature=0.2,
            top_k=40,
            stop_sequences=["</answer>"],
        )

    def answer(self, question: str) -> str:
        """One answer, or what went wrong."""
        try:
            return self.chat.run(question, stream=False, max_tokens=200)
        except LlmTimeoutError:
            return "too slow"
        except LlmAPIError as error:
            return f"the server said: {error}"

    async def answers(self, questions: list[str]) -> list[str]:
        """All answers at once."""
        return await asyncio.gather(*(self.chat.run_async(question) for question in questions))


def complete(code: str) -> str:
    """The rest of a piece of code."""
    llama = CompletionClient(SERVER + "/completions", "llama", stop=["\n\n"])
    return llama.run(code)  # cleaned of its fences


if __name__ == "__main__":
    assistant = Assistant()
    print(assistant.answer("Why is the sky blue?"))
    print(asyncio.run(assistant.answers(["One?", "Two?"])))
    print(complete("def fib(n):"))
    phi = LlmClient(SERVER, "phi", api_key="EMPTY")
    print(phi.run("Hello."))
