"""`fake`: the simulator answers all calls of a process, for any model."""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.testing.chat_form import chat_form, text_of
from tokenwire.testing.replies import behaviour_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    # By pattern: a reply for every request, or a list with one reply for each request.
    Rules: TypeAlias = Mapping[str, Any]

__all__ = ["Fake", "FakeRequest", "fake"]

# Some APIs name the model, and what is done with it, in the path.
_MODEL_IN_PATH = re.compile(r"/models/([^/:?]+):(\w+)")

_NOT_PARAMETERS = ("model", "messages", "prompt", "stream", "stream_options")

# All active fakes of the process, as the engine is shared. The last one is asked first.
_active: list[Fake] = []


@dataclass(frozen=True)
class FakeRequest:
    """A request that a fake answered.

    `messages`, `tools`, `params` and `text` have the form of chat, in whichever API the request
    was made, so a test need not change with the model. `body` is what was sent.

    Attributes:
        provider: The provider's name, as before the colon of a model string.
        model: The model's id.
        api: The API of the call, such as `"chat"`, `"responses"`, `"messages"`
            or `"gemini"`.
        url: Where it would have been sent; None for a client without an address.
        stream: Whether the reply was requested as a stream.
        body: The whole body.
        headers: The headers, with names in lower case, without those that hold a key.
        call: The id of the call, shared by all of its attempts.
        attempt: The number of the attempt in its call, from 1.
    """

    provider: str
    model: str
    api: str
    url: str | None
    stream: bool
    body: dict[str, Any]
    headers: dict[str, str]
    call: str
    attempt: int

    def __repr__(self) -> str:
        shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return _engine.without_data(f"FakeRequest({shown})")

    @property
    def _as_chat(self) -> dict[str, Any]:
        return chat_form(self.body, self.api)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat; empty for a completion."""
        messages: list[dict[str, Any]] = self._as_chat.get("messages", [])
        return messages

    @property
    def text(self) -> str:
        """The text of the last message, or of the prompt."""
        messages = self.messages
        return text_of(messages[-1].get("content") if messages else self.prompt)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools, such as `{"type": "function", "function": {"name": …}}`; empty for none."""
        tools: list[dict[str, Any]] = self._as_chat.get("tools") or []
        return tools

    @property
    def prompt(self) -> Any:
        """The prompt of a completion; None for a chat."""
        return self.body.get("prompt") if self.api == "completions" else None

    @property
    def params(self) -> dict[str, Any]:
        """The request parameters: the body without model, messages, prompt and stream.

        In other APIs than chat, they have the names that OpenAI's chat gives them, such as
        `max_completion_tokens`. Responses are without `store: false` and the request for encrypted
        reasoning, which the client adds; Messages have the limit that the client adds.
        """
        names = self._as_chat.items()
        return {key: value for key, value in names if key not in _NOT_PARAMETERS}


class _Rule:
    """The replies of one pattern."""

    def __init__(self, pattern: Any, replies: Any) -> None:
        if not isinstance(pattern, str) or ":" not in pattern.replace("*", ":"):
            raise LlmConfigError(
                f"fake: {pattern!r} matches no model; write \"provider:model\", such as 'openai:*'"
            )
        self.pattern = pattern
        self.is_list = isinstance(replies, list)
        self.total = len(replies) if self.is_list else 1
        self.used = 0
        # Any number of threads may answer, and popleft is atomic.
        self._left: deque[Any] = deque()
        for number, reply in enumerate(replies if self.is_list else [replies], 1):
            place = f'fake: "{pattern}"{f", reply {number}" if self.is_list else ""}'
            self._left.append(reply if callable(reply) else behaviour_json(reply, place))
        # Attempts after a final error, by call.
        self._final: dict[str, Any] = {}

    def take(self, call: str) -> Any:
        """The next reply: JSON, or a function that makes it; None after the last one."""
        self.used += 1
        if not self.is_list:
            return self._left[0]
        try:
            reply = self._left.popleft()
        except IndexError:
            # Only further attempts of the call with the last reply get that reply again.
            return self._final.get(call)
        if not self._left and (callable(reply) or json.loads(reply).keys() & {"error", "fault"}):
            self._final[call] = reply
        return reply

    def unused(self) -> str | None:
        """Which replies are unused, in words, or None."""
        if not self.is_list:
            return None if self.used else f'"{self.pattern}" was never asked for'
        left = len(self._left)
        return f'"{self.pattern}" has {left} of {self.total} left' if left else None


class Fake:
    """Rules that answer the calls of this process; a context manager. See `fake`.

    Attributes:
        requests: The requests that it answered, in order of arrival. Each attempt of a call is one.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.requests: list[FakeRequest] = []
        self._rules: list[_Rule] = []
        # The number of attempts of each call.
        self._attempts: dict[str, int] = {}
        self._simulator: _engine.Simulator | None = None
        # What a function raised that is not an `Exception`.
        self._end: BaseException | None = None
        self.add(rules or {})

    def add(self, rules: Rules) -> None:
        """Add rules. They are asked before the existing ones.

        Raises:
            LlmConfigError: A pattern or a reply is wrong; the message names it.
        """
        if not hasattr(rules, "items"):
            raise LlmConfigError('fake: give a mapping, such as {"openai:*": "hi"}')
        self._rules[:0] = [_Rule(pattern, replies) for pattern, replies in rules.items()]

    def assert_all_used(self) -> None:
        """Fail if replies of a list are left, or if a pattern was never asked for.

        Raises:
            AssertionError: The message names each of them.
        """
        unused = [text for rule in self._rules if (text := rule.unused())]
        if unused:
            raise AssertionError(f"unused replies: {'; '.join(unused)}")

    def __enter__(self) -> Self:
        """Answer every call from now on.

        Raises:
            LlmConfigError: It is active already.
        """
        if self._simulator is not None:
            raise LlmConfigError("fake: this one is already active; create another one")
        self._simulator = _engine.Simulator(log_capacity=0, answer=self._answer)
        _active.append(self)
        _engine.intercept(self._simulator.base_url)
        return self

    def __exit__(self, *_: object) -> None:
        """Send calls to their providers again.

        If a function of a rule raised something that ends a program or a test, such as Ctrl-C,
        `SystemExit` or `pytest.fail`, its call failed and it is raised here.
        """
        simulator, self._simulator = self._simulator, None
        if simulator is None:
            return
        _active.remove(self)
        outer = _active[-1]._simulator if _active else None
        _engine.intercept(None if outer is None else outer.base_url)
        simulator.stop()
        end, self._end = self._end, None
        if end is not None:
            raise end

    def _answer(self, record: str) -> str:
        """The behaviour for a request; called on threads of the simulator."""
        try:
            return self._behaviour(self._request(json.loads(record)))
        except LlmConfigError as problem:
            if isinstance(problem, _EndedError):
                self._end = self._end or problem.__cause__
            # With this header, the engine raises an LlmConfigError and does not retry.
            headers = {"x-tokenwire-mistake": "1"}
            answer = {"status": 400, "body": str(problem), "headers": headers}
            return json.dumps({"error": answer})

    def _request(self, record: dict[str, Any]) -> FakeRequest:
        headers: dict[str, Any] = dict(record["headers"])
        # What the engine adds for the fake.
        names = ("call", "provider", "url", "api")
        facts = {name: headers.pop(f"x-tokenwire-{name}", None) for name in names}
        body = record["body"] if isinstance(record["body"], dict) else {}
        in_path = _MODEL_IN_PATH.search(record["path"])
        model, verb = in_path.groups() if in_path else (str(body.get("model", "")), "")
        call = facts["call"]
        self._attempts[call] = self._attempts.get(call, 0) + 1
        return FakeRequest(
            **facts,
            model=unquote(model),
            stream=body.get("stream") is True or verb.startswith("stream"),
            body=body,
            headers=headers,
            attempt=self._attempts[call],
        )

    def _behaviour(self, request: FakeRequest) -> str:
        target = f"{request.provider}:{request.model}"
        # An inner fake wins; an outer one answers what the inner one has no rule for.
        fakes = [self, *(fake for fake in reversed(_active) if fake is not self)]
        for one in fakes:
            for rule in one._rules:
                if fnmatchcase(target, rule.pattern):
                    one.requests.append(request)
                    return _reply(rule, request, target)
        self.requests.append(request)
        patterns = ", ".join(f'"{rule.pattern}"' for one in fakes for rule in one._rules)
        raise LlmConfigError(
            f'the fake has no rule for "{target}"; its patterns: {patterns or "none"}'
        )


def _called(function: Any, request: FakeRequest, place: str) -> Any:
    """What the function of a rule returns."""
    try:
        reply = function(request)
    except Exception as error:
        raise LlmConfigError(f"{place} raised {type(error).__name__}: {error}") from error
    except BaseException as end:
        raise _EndedError(f"{place} raised {type(end).__name__}: {end}") from end
    if hasattr(reply, "__await__"):
        getattr(reply, "close", lambda: None)()
        raise LlmConfigError(f"{place} is async; give a plain function")
    return reply


class _EndedError(LlmConfigError):
    """A function raised what ends a program or a test, such as Ctrl-C or `pytest.fail`."""


def _reply(rule: _Rule, request: FakeRequest, target: str) -> str:
    reply = rule.take(request.call)
    if reply is None:
        raise LlmConfigError(
            f'the fake has no reply left for "{target}": the list of "{rule.pattern}" has '
            f"{rule.total}, and this is request {rule.used}; give more, or one reply without a "
            "list, which answers every request"
        )
    if callable(reply):
        place = f'fake: the function of "{rule.pattern}"'
        reply = _called(reply, request, place)
        reply = behaviour_json(reply, f"{place} returned a wrong reply")
    text: str = reply
    is_completion = _engine.apis().get(request.api) == "completions"
    if is_completion and json.loads(text).get("reply", {}).get("tool_calls"):
        raise LlmConfigError(
            f'fake: the reply of "{rule.pattern}" calls a tool, and "{target}" is a text completion'
        )
    return text


def fake(rules: Rules | None = None) -> Fake:
    """Answer the calls of this process by rules, for any client.

        with fake({"openai:*": ["hi", tool_call("f", x=1), error(429)], "vllm:*": "yes"}) as f:
            code_under_test()
        assert f.requests[0].messages[-1]["content"] == "Say hi."

    This applies to all threads of the process, to clients created before and inside the block, and
    to forked children. Calls that other libraries send over `tokenwire.httpx2` and
    `tokenwire.httpx` are answered, too. No key is needed, none is sent, and nothing leaves the
    machine.

    Args:
        rules: Replies by pattern. A pattern is a case-sensitive glob over `provider:model`; the
            first that matches answers. A reply is a str, `tool_call(...)`, a tuple of those (one
            reply), `error(...)`, `reply(...)`, `cut(...)`, any behaviour of the simulator, or a
            function that takes a `FakeRequest` and returns one of these. A list is used in order,
            one reply for each request; a reply without a list answers every request. An error at
            the end of a list also answers every further attempt of its call.

    Raises:
        LlmConfigError: A pattern or a reply is wrong; the message names it. A call also raises it,
            without a retry, if no pattern matches or its list is used up.
    """
    return Fake(rules)
