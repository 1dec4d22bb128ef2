"""`fake`: the calls of a process answered by the simulator, whatever model they name."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.testing.replies import behaviour_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    # A reply for every request, or a list of replies for one request each.
    Rules: TypeAlias = Mapping[str, Any]

__all__ = ["Fake", "FakeRequest", "fake"]

_CALL, _PROVIDER, _URL = "x-tokenwire-call", "x-tokenwire-provider", "x-tokenwire-url"
_API = "x-tokenwire-api"
_NOT_PARAMETERS = ("model", "messages", "prompt", "stream", "stream_options")

# Those in force; the last decides first. They hold for the whole process, as the engine does.
_in_force: list[Fake] = []


@dataclass(frozen=True)
class FakeRequest:
    """A request that a fake answered.

    Attributes:
        provider: The provider's name, as in front of the colon of a model string.
        model: The model's id.
        api: The API by which it was asked, such as `"chat"` or `"completions"`.
        url: Where it would have gone; None for a client without an address.
        stream: Whether the reply was to be streamed.
        body: The whole body.
        headers: The headers, names in lower case; those that hold a key were taken out.
        call: One and the same for all attempts of a call.
        attempt: 1, or which attempt of its call it was.
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

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat; empty for a completion."""
        messages: list[dict[str, Any]] = self.body.get("messages", [])
        return messages

    @property
    def prompt(self) -> Any:
        """The prompt of a completion; None for a chat."""
        return self.body.get("prompt")

    @property
    def params(self) -> dict[str, Any]:
        """The request parameters: the body without model, messages, prompt and stream."""
        return {key: value for key, value in self.body.items() if key not in _NOT_PARAMETERS}


class _Rule:
    """The replies of one pattern."""

    def __init__(self, pattern: Any, answers: Any) -> None:
        if not isinstance(pattern, str) or ":" not in pattern.replace("*", ":"):
            raise LlmConfigError(
                f"fake: {pattern!r} matches no model; write \"provider:model\", such as 'openai:*'"
            )
        self.pattern = pattern
        self.has_turns = isinstance(answers, list)
        self.total = len(answers) if self.has_turns else 1
        self.used = 0
        self.last: dict[str, Any] = {}
        given = answers if self.has_turns else [answers]
        # A deque: taking one out is one step, however many threads answer.
        self.left = deque(self._ready(answer, turn) for turn, answer in enumerate(given, 1))

    def take(self, call: str) -> Any:
        """The next reply: JSON, or the function that makes it; None where none is left."""
        self.used += 1
        if not self.has_turns:
            return self.left[0]
        try:
            answer = self.left.popleft()
        except IndexError:
            # Further attempts of the call that got the last one find what the first one found.
            return self.last.get(call)
        if not self.left and (callable(answer) or json.loads(answer).keys() & {"error", "fault"}):
            self.last[call] = answer
        return answer

    def unused(self) -> str | None:
        """What was not used, in words."""
        if not self.has_turns:
            return None if self.used else f'"{self.pattern}" was never asked for'
        left = len(self.left)
        return f'"{self.pattern}" has {left} of {self.total} left' if left else None

    def _ready(self, answer: Any, turn: int) -> Any:
        if callable(answer):
            return answer
        place = f'"{self.pattern}", reply {turn}' if self.has_turns else f'"{self.pattern}"'
        return behaviour_json(answer, f"fake: {place}")


class Fake:
    """The calls of this process, answered by rules; a context manager. See `fake`.

    Attributes:
        requests: The requests that it answered, in the order in which they came. Every attempt of
            a call is one.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.requests: list[FakeRequest] = []
        self._rules: list[_Rule] = []
        # By call: an attempt goes where the first one went.
        self._attempts: dict[str, int] = {}
        self._simulator: _engine.Simulator | None = None
        self.add(rules or {})

    def add(self, rules: Rules) -> None:
        """Add rules, which are asked before those that are there.

        Raises:
            LlmConfigError: A pattern or a reply cannot be; the message names it.
        """
        if not hasattr(rules, "items"):
            raise LlmConfigError('fake: give a mapping, such as {"openai:*": "hi"}')
        self._rules[:0] = [_Rule(pattern, answers) for pattern, answers in rules.items()]

    def assert_all_used(self) -> None:
        """Fail where a reply of a list is left, or a pattern was never asked for.

        Raises:
            AssertionError: One is; the message names each.
        """
        unused = [words for rule in self._rules if (words := rule.unused())]
        if unused:
            raise AssertionError(f"unused replies: {'; '.join(unused)}")

    def __enter__(self) -> Self:
        """Answer every call that is made from now on.

        Raises:
            LlmConfigError: It does so already.
        """
        if self._simulator is not None:
            raise LlmConfigError("fake: this one is in force already; make another")
        self._simulator = _engine.Simulator(log_capacity=0, answer=self._answer)
        _in_force.append(self)
        _engine.intercept(self._simulator.base_url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the calls go where they did before."""
        simulator, self._simulator = self._simulator, None
        if simulator is None:
            return
        _in_force.remove(self)
        outer = _in_force[-1]._simulator if _in_force else None
        _engine.intercept(None if outer is None else outer.base_url)
        simulator.stop()

    def _answer(self, record: str) -> str:
        """Say what the simulator is to do with a request; called on threads of its own."""
        request = self._read(json.loads(record))
        target = f"{request.provider}:{request.model}"
        # An inner fake wins; what it has no rule for is an outer one's.
        fakes = [self, *(fake for fake in reversed(_in_force) if fake is not self)]
        for one in fakes:
            for rule in one._rules:
                if fnmatchcase(target, rule.pattern):
                    one.requests.append(request)
                    return _behaviour(rule, request, target)
        self.requests.append(request)
        patterns = ", ".join(f'"{rule.pattern}"' for one in fakes for rule in one._rules)
        return _mistake(f'the fake has no rule for "{target}"; its patterns: {patterns or "none"}')

    def _read(self, record: dict[str, Any]) -> FakeRequest:
        headers: dict[str, str] = dict(record["headers"])
        # What the engine told us, and nobody else would have been told.
        call, provider, url = headers.pop(_CALL), headers.pop(_PROVIDER), headers.pop(_URL, None)
        api = headers.pop(_API)
        body = record["body"] if isinstance(record["body"], dict) else {}
        attempt = self._attempts[call] = self._attempts.get(call, 0) + 1
        return FakeRequest(
            provider=provider,
            model=str(body.get("model", "")),
            api=api,
            url=url,
            stream=body.get("stream") is True,
            body=body,
            headers=headers,
            call=call,
            attempt=attempt,
        )


def _behaviour(rule: _Rule, request: FakeRequest, target: str) -> str:
    answer = rule.take(request.call)
    if answer is None:
        return _mistake(
            f'the fake has no reply left for "{target}": the {rule.total} of "{rule.pattern}" are '
            f"used up, and this is request {rule.used}; give more, or one reply without a list, "
            "which answers every request"
        )
    text = answer if isinstance(answer, str) else _called(answer, rule, request)
    takes_text_alone = _engine.apis().get(request.api) == "completions"
    if takes_text_alone and json.loads(text).get("reply", {}).get("tool_calls"):
        return _mistake(f'fake: "{rule.pattern}" calls a tool, and "{target}" was asked for text')
    return text


def _called(function: Callable[[FakeRequest], Any], rule: _Rule, request: FakeRequest) -> str:
    place = f'fake: the function of "{rule.pattern}"'
    try:
        answer = function(request)
    except Exception as error:  # noqa: BLE001 (it is reported where the call was made)
        return _mistake(f"{place} raised {type(error).__name__}: {error}")
    if hasattr(answer, "__await__"):
        getattr(answer, "close", lambda: None)()
        return _mistake(f"{place} is async; give a plain one")
    try:
        return behaviour_json(answer, f"{place} returned a wrong reply")
    except LlmConfigError as error:
        return _mistake(str(error))


def _mistake(message: str) -> str:
    """What makes the engine raise an LlmConfigError, and try no second time."""
    headers = {"x-tokenwire-mistake": "1"}
    return json.dumps({"error": {"status": 400, "body": message, "headers": headers}})


def fake(rules: Rules | None = None) -> Fake:
    """Answer the calls of this process from rules, whatever client makes them.

        with fake({"openai:*": ["hi", tool_call("f", x=1), error(429)], "vllm:*": "yes"}) as f:
            code_under_test()
        assert f.requests[0].messages[-1]["content"] == "Say hi."

    It holds for all threads of the process, for clients made before and inside, and for forked
    children. No key is needed, none is sent, and nothing leaves the machine.

    Args:
        rules: Replies by pattern. A pattern is a glob over `provider:model`, upper and lower case
            told apart; the first that matches answers. A reply is a str, `tool_call(...)`, a tuple
            of those (one reply), `error(...)`, `reply(...)`, `cut(...)`, any behaviour of the
            simulator, or a function that takes a `FakeRequest` and returns one of these. A list is
            used in turn, one reply for each request; a reply alone answers every request. An error
            at the end of a list stands for every further attempt of its call.

    Raises:
        LlmConfigError: A pattern or a reply cannot be; the message names it. A call that no
            pattern matches, or whose list has run out, raises it, too, and is not tried again.
    """
    return Fake(rules)
