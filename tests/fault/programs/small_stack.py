"""Make sync calls on a thread with a small stack: python small_stack.py BASE_URL KIB."""

from __future__ import annotations

import sys
import threading

import tokenwire as tw


def calls(url: str) -> None:
    chat = tw.ChatClient("m", base_url=url, max_retries=0)
    chat.run("q")
    print("whole")
    chat.run("q", stream=True)
    print("streamed")
    with chat.stream("q") as stream:
        next(stream)
    print("left")
    try:
        tw.ChatClient("m", base_url="http://127.0.0.1:9/v1", max_retries=0).run("q")
    except tw.LlmConnectError as error:
        print(type(error).__name__)


# What is imported late is imported here: Python's own imports need more stack than this.
tw.ChatClient("m", base_url=sys.argv[1]).run("q", stream=True)
threading.stack_size(int(sys.argv[2]) << 10)
thread = threading.Thread(target=calls, args=sys.argv[1:2])
thread.start()
thread.join()
