"""A changed openai: one warning that names both versions, and the right answers: its own."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

openai = pytest.importorskip("openai")

from tests.wire.openai import doctored  # noqa: E402
from tests.wire.openai.doctored import Change  # noqa: E402

from tokenwire import _engine  # noqa: E402

# The program starts a process of its own, once.
pytestmark = pytest.mark.chooses_transport

ALL = ["streams", "requests", "replies"]
BASE = "_base_client.py"
STREAMS = "_streaming.py"
MODELS = "_models.py"
CHAT = "resources/chat/completions/completions.py"


class Doctored(NamedTuple):
    """What is changed, what the warning says, the parts that stay on, and what the answers show.

    Without a warning, the change is one that we can use.
    """

    changes: list[Change]
    reason: str | None
    parts: list[str]
    shows: str = ""


CHANGED = {
    "a parameter renamed": Doctored(
        [
            Change(
                BASE,
                r"(def _process_response_data\(\s*self,\s*\*,\s*)data(: object,"
                r"[^\"]*?\) -> ResponseT:\n)",
                r"\1payload\2        data = payload\n",
            ),
            Change(STREAMS, r"process_data\((\s*)data=", r"process_data(\1payload="),
            Change(
                "_legacy_response.py", r"(_process_response_data\([^\n]*\n\s*)data=", r"\1payload="
            ),
            Change("_response.py", r"(_process_response_data\([^\n]*\n\s*)data=", r"\1payload="),
        ],
        "OpenAI._process_response_data takes different arguments",
        ["requests"],
    ),
    "a parameter added": Doctored(
        [
            Change(
                BASE,
                r"(def request\(\n\s*self,\n\s*cast_to: Type\[ResponseT\],\n"
                r"\s*options: FinalRequestOptions,\n\s*\*,)",
                r"\1\n        retry_all: bool = False,",
            )
        ],
        "OpenAI.request takes different arguments",
        ["requests", "replies"],
    ),
    "arguments of any name": Doctored(
        [
            Change(
                BASE,
                "",
                "def _post(self, *args, _stock=SyncAPIClient.post, **options):\n"
                "    return _stock(self, *args, **options)\n"
                "SyncAPIClient.post = _post",
            )
        ],
        None,
        ALL,
    ),
    "a walk that does something new": Doctored(
        [
            Change(
                "_utils/_transform.py",
                r"    if data is None:\n        return None\n    return transform\(data",
                "    data = _doctored(data)\n    return transform(data",
            ),
            Change(
                "_utils/_transform.py",
                "",
                "def _doctored(data): return {**data, 'metadata': {'doctored': 'yes'}}",
            ),
        ],
        "maybe_transform has changed",
        ["streams", "replies"],
        "doctored",
    ),
    "another argument of a stream": Doctored(
        [Change(STREAMS, r"(client: OpenAI,)", r"\1\n        label: str = '',")],
        "Stream.__init__ takes different arguments",
        ["requests", "replies"],
    ),
    "a loop that changes its events": Doctored(
        [Change(STREAMS, r"data = sse.json\(\)", "data = dict(sse.json(), doctored=True)")],
        "the loop of Stream has changed; the loop of AsyncStream has changed",
        ["requests", "replies"],
        "doctored",
    ),
    "a loop that leaves out events": Doctored(
        [
            Change(
                STREAMS,
                r"( +)if sse.data.startswith\(\"\[DONE\]\"\):",
                r'\1if "red" in sse.data:\n\1    continue\n\1if sse.data.startswith("[DONE]"):',
            )
        ],
        "the loop of Stream has changed",
        ["requests", "replies"],
    ),
    "no _iter_events": Doctored(
        [
            Change(STREAMS, r"def _iter_events", "def _events"),
            Change(STREAMS, r"self\._iter_events\(\)", "self._events()"),
        ],
        "the loop of Stream is not a function",
        ["requests", "replies"],
    ),
    "another decoder": Doctored(
        [
            Change(
                BASE,
                "",
                "class _Decoder(SSEDecoder):\n"
                "    def decode(self, line):\n"
                "        return super().decode(line.replace('fp_', 'doctored'))\n"
                "def _make(self): return _Decoder()\n"
                "BaseClient._make_sse_decoder = _make",
            )
        ],
        "OpenAI._make_sse_decoder has changed",
        ["requests", "replies"],
        "doctored",
    ),
    "a decoder with a limit": Doctored(
        [
            Change(STREAMS, r"(class SSEDecoder:)", r"MAX_LINE = 100\n\n\n\1"),
            Change(
                STREAMS,
                r"(    def decode\(self, line: str\).*\n)",
                r"\1        if len(line) > MAX_LINE:\n"
                r"            raise ValueError('a long line')\n",
            ),
        ],
        "SSEDecoder has changed",
        ["requests", "replies"],
        "a long line",
    ),
    "another iteration": Doctored(
        [
            Change(
                STREAMS,
                r"for item in self._iterator:\n",
                "for item in self._iterator:\n            item.doctored = True\n",
            )
        ],
        "Stream.__iter__ has changed",
        ["requests", "replies"],
        "doctored",
    ),
    "a hook for replies": Doctored(
        [
            Change(
                BASE,
                r"return cast\(ResponseT, construct_type\(type_=cast_to, value=data\)\)",
                "return cast(ResponseT, construct_type(type_=cast_to, value=_doctored(data)))",
            ),
            Change(BASE, "", "def _doctored(data): return dict(data, doctored=True)"),
        ],
        "OpenAI._process_response_data has changed",
        ["requests"],
        "doctored",
    ),
    "another way to build models": Doctored(
        [
            Change(
                MODELS,
                r"    if value is None:\n        return field_get_default\(field\)\n",
                "    if value is None:\n        return field_get_default(field)\n"
                "    if key == 'model':\n        value = f'doctored {value}'.title()\n",
            ),
        ],
        "BaseModel.construct has changed",
        ["requests"],
        "Doctored",
    ),
    "a hook of models": Doctored(
        [
            Change(
                MODELS,
                r"(    def to_dict\(\n)",
                "    def model_post_init(self, context: Any) -> None:\n"
                "        object.__setattr__(self, '_doctored', True)\n\n\\1",
            )
        ],
        "it builds its models differently",
        ["requests"],
    ),
    "other names in models": Doctored(
        [Change(MODELS, r'extra="allow", ', 'extra="allow", str_to_lower=True, ')],
        "it builds its models differently",
        ["requests"],
    ),
    "an alias in a request": Doctored(
        [
            Change(
                "types/chat/chat_completion_user_message_param.py",
                r"    name: str\n",
                "    name: Annotated[str, PropertyInfo(alias='doctoredName')]\n",
            ),
            Change(
                "types/chat/chat_completion_user_message_param.py",
                r"(from __future__ import annotations\n)",
                r"\1from typing import Annotated\nfrom ..._utils import PropertyInfo\n",
            ),
        ],
        "sends names or texts as other ones",
        ALL,
        "doctoredName",
    ),
    "a create that reads its values": Doctored(
        [
            Change(
                CHAT,
                r"( +)validate_response_format\(response_format\)\n",
                r"\1validate_response_format(response_format)\n"
                r'\1extra_headers = {"x-count": f"doctored {messages!r:.2}"}\n',
            )
        ],
        None,
        ALL,
        "doctored [{",
    ),
    "a create that does something new": Doctored(
        [
            Change(
                CHAT,
                r"( +)validate_response_format\(response_format\)\n",
                r"\1validate_response_format(response_format)\n"
                r"\1extra_headers = _doctored(locals())\n",
            ),
            Change(
                CHAT,
                "",
                "def _doctored(all): return {'x-count': f'doctored {len(all[\"messages\"])}'}",
            ),
        ],
        None,
        ALL,
        "doctored 1",
    ),
    "a newer major version": Doctored(
        [Change("_version.py", r'__version__ = "[\d.]+"', '__version__ = "4.1.0"')],
        "only versions 2 and 3 are tested",
        [],
    ),
    "an older major version": Doctored(
        [Change("_version.py", r'__version__ = "[\d.]+"', '__version__ = "1.109.1"')],
        "only versions 2 and 3 are tested",
        [],
    ),
}


def test_as_installed_every_part_is_on_without_a_warning(tmp_path):
    doctored.make(tmp_path, [])
    found = doctored.run(tmp_path)
    assert found["warnings"] == []
    assert found["parts"] == ALL
    assert found["ours"] == found["stock"]
    replies, requests = found["ours"]
    assert len(replies) == len(requests) == 10
    assert replies[0][1] == "ChatCompletion"
    assert replies[3][0][1] == "ChatCompletionChunk"


def check_warning(found: dict[str, Any], reason: str) -> None:
    (warning,) = found["warnings"]
    assert reason in warning
    assert f"tokenwire {_engine.__version__} does not know openai {found['version']}" in warning
    is_older = found["version"].startswith("1.")
    assert warning.endswith(f"upgrade {'openai' if is_older else 'tokenwire'}")
    assert "\n" not in warning


@pytest.mark.parametrize("change", CHANGED)
def test_what_is_not_known_is_left_to_openai(change, tmp_path):
    changes, reason, parts, shows = CHANGED[change]
    doctored.make(tmp_path, changes)
    found = doctored.run(tmp_path)
    if reason is None:
        assert found["warnings"] == []
    else:
        check_warning(found, reason)
    assert found["parts"] == parts
    # The change can be seen, if it changes answers.
    assert shows in json.dumps(found["stock"])
    assert found["ours"] == found["stock"]
