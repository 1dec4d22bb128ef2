"""A tool, and the beginning of an answer that makes the small model call it twice."""

from __future__ import annotations


def get_weather(city: str) -> str:
    """Say what the weather is.

    Args:
        city: Name of the city.
    """
    return f"It rains in {city}."


QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
BEGUN = {
    "role": "assistant",
    "content": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "',
}
ASKED = {"tools": [get_weather], "tool_choice": "required", "max_tokens": 120}
# The model says it twice, whatever the value of `parallel_tool_calls`.
TWICE = [("get_weather", {"city": "Paris"})] * 2


def names_and_arguments(calls):
    return [(call.name, call.parsed_arguments) for call in calls]
