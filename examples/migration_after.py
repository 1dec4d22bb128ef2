"""One program on both sides of a migration: migration_before.py and migration_after.py.

migration_before.py calls the older interface, and needs `tokenwire.legacy.install("root.agents")`
before it is imported. migration_after.py was changed by hand to call tokenwire.
"""

import asyncio
import os

from tokenwire import ChatClient, CompletionClient, LlmAPIError, LlmTimeoutError
from tokenwire.legacy.completion_client import clean_llm_response

SERVER = os.environ["SERVER"]  # such as http://127.0.0.1:8000/v1


class Assistant:
    """Answers questions; the model is the server's own."""

    def __init__(self) -> None:
        self.chat = ChatClient(
            "qwen3",
            base_url=SERVER,
            temperature=0.2,
            stop=["</answer>"],
            max_tokens=1024,
            top_p=1.0,
        )

    def answer(self, question: str) -> str:
        """One answer, or what went wrong."""
        try:
            return self.chat.run(question, max_tokens=200)
        except LlmTimeoutError:
            return "too slow"
        except LlmAPIError as error:
            return f"the server said: {error}"

    async def answers(self, questions: list[str]) -> list[str]:
        """All answers at once."""
        return await asyncio.gather(*(self.chat.run_async(question) for question in questions))


def complete(code: str) -> str:
    """The rest of a piece of code."""
    llama = CompletionClient(
        "llama",
        base_url=SERVER,
        stop=["\n\n"],
        temperature=0.7,
        max_tokens=64,
        top_p=1.0,
    )
    return clean_llm_response(llama.run(code))  # cleaned of its fences


if __name__ == "__main__":
    assistant = Assistant()
    print(assistant.answer("Why is the sky blue?"))
    print(asyncio.run(assistant.answers(["One?", "Two?"])))
    print(complete("def fib(n):"))
    phi = ChatClient("phi", base_url=SERVER, temperature=0.7, max_tokens=64, top_p=1.0)
    print(phi.run("Hello."))
