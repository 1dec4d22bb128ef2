"""What an earlier version wrote still loads: dumps and pickles from before parts noted an API."""

from __future__ import annotations

import base64
import json
import pickle

import pytest

import tokenwire as tw
from tokenwire.types import (
    LlmMessage,
    LlmRequest,
    OpaquePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)

USAGE = tw.Usage(
    prompt_tokens=12,
    completion_tokens=5,
    total_tokens=17,
    cached_tokens=4,
    reasoning_tokens=2,
    cost_usd="0.0012",
)
CALL = tw.ToolCall("call_1", "weather", '{"city":"Oslo"}', {"function": {"kind": "x"}, "index": 0})
MESSAGE = LlmMessage(
    "assistant",
    [
        ReasoningPart(
            "Let me look.",
            signature="c2ln",
            provider="openrouter",
            field="reasoning_details",
            model="some-model",
            format="v1",
        ),
        TextPart("Sunny in "),
        ToolCallPart(CALL.id, CALL.name, CALL.arguments, CALL.extra, "openrouter"),
        RefusalPart("No."),
        OpaquePart("openrouter", "annotations", [{"type": "url_citation"}]),
    ],
)

DICT = (
    '{"id": "gen-1", "model": "some-model", "created": 1700000000, "text": "Sunny in ", "re'
    'asoning": "Let me look.", "refusal": "No.", "tool_calls": [{"id": "call_1", "name": "w'
    r'eather", "arguments": "{\"city\":\"Oslo\"}", "extra": {"function": {"kind": "x"}, "ind'
    'ex": 0}}], "finish_reason": "refusal", "provider_finish_reason": "tool_calls", "usage"'
    ': {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17, "cached_tokens": 4'
    ', "cache_write_tokens": null, "reasoning_tokens": 2, "cost_usd": "0.0012"}, "timing": '
    '{"queue": null, "connect": null, "first_byte": null, "first_token": null, "last_token"'
    ': null, "total": null, "tokens_per_second": null}, "provider": "openrouter", "requeste'
    'd_model": "some-model", "reply": {"id": "gen-1", "model": null, "created": 1700000000,'
    ' "choices": [{"index": 0, "parts": [{"type": "reasoning", "text": "Let me look.", "sig'
    'nature": "c2ln", "field": "reasoning_details", "extra": {"format": "v1", "model": "som'
    'e-model"}}, {"type": "text", "text": "Sunny in "}, {"type": "tool_call", "id": "call_1'
    r'", "name": "weather", "arguments": "{\"city\":\"Oslo\"}", "extra": {"function": {"kind'
    '": "x"}, "index": 0}}, {"type": "refusal", "text": "No."}, {"type": "opaque", "field":'
    ' "annotations", "json": [{"type": "url_citation"}]}], "finish_reason": "refusal", "pro'
    'vider_finish_reason": "tool_calls", "logprobs": null}], "usage": {"prompt_tokens": 12,'
    ' "completion_tokens": 5, "total_tokens": 17, "cached_tokens": 4, "cache_write_tokens":'
    ' null, "reasoning_tokens": 2, "cost_usd": "0.0012"}, "request_id": "req_1"}, "status":'
    ' 200, "headers": [["x-a", "b"]], "request_id": null, "attempts": [], "dropped": [], "c'
    'hoices": [{"index": 0, "parts": [{"type": "reasoning", "text": "Let me look.", "signat'
    'ure": "c2ln", "field": "reasoning_details", "extra": {"format": "v1", "model": "some-m'
    'odel"}}, {"type": "text", "text": "Sunny in "}, {"type": "tool_call", "id": "call_1", '
    r'"name": "weather", "arguments": "{\"city\":\"Oslo\"}", "extra": {"function": {"kind": '
    '"x"}, "index": 0}}, {"type": "refusal", "text": "No."}, {"type": "opaque", "field": "a'
    'nnotations", "json": [{"type": "url_citation"}]}], "finish_reason": "refusal", "provid'
    'er_finish_reason": "tool_calls", "logprobs": null}]}'
)
PICKLE = base64.b64decode(
    "gASVMgQAAAAAAACMCGJ1aWx0aW5zlIwHZ2V0YXR0cpSTlIwJdG9rZW53aXJllIwLTGxtUmVzcG9uc2WUk5SMCF9yZXN0"
    "b3JllIaUUpRC5AMAAHsicHJvdmlkZXIiOiJvcGVucm91dGVyIiwicmVxdWVzdGVkX21vZGVsIjoic29tZS1tb2RlbCIs"
    "InJlcGx5Ijp7ImlkIjoiZ2VuLTEiLCJtb2RlbCI6bnVsbCwiY3JlYXRlZCI6MTcwMDAwMDAwMCwiY2hvaWNlcyI6W3si"
    "aW5kZXgiOjAsInBhcnRzIjpbeyJ0eXBlIjoicmVhc29uaW5nIiwidGV4dCI6IkxldCBtZSBsb29rLiIsInNpZ25hdHVy"
    "ZSI6ImMybG4iLCJmaWVsZCI6InJlYXNvbmluZ19kZXRhaWxzIiwiZXh0cmEiOnsiZm9ybWF0IjoidjEiLCJtb2RlbCI6"
    "InNvbWUtbW9kZWwifX0seyJ0eXBlIjoidGV4dCIsInRleHQiOiJTdW5ueSBpbiAifSx7InR5cGUiOiJ0b29sX2NhbGwi"
    "LCJpZCI6ImNhbGxfMSIsIm5hbWUiOiJ3ZWF0aGVyIiwiYXJndW1lbnRzIjoie1wiY2l0eVwiOlwiT3Nsb1wifSIsImV4"
    "dHJhIjp7ImZ1bmN0aW9uIjp7ImtpbmQiOiJ4In0sImluZGV4IjowfX0seyJ0eXBlIjoicmVmdXNhbCIsInRleHQiOiJO"
    "by4ifSx7InR5cGUiOiJvcGFxdWUiLCJmaWVsZCI6ImFubm90YXRpb25zIiwianNvbiI6W3sidHlwZSI6InVybF9jaXRh"
    "dGlvbiJ9XX1dLCJmaW5pc2hfcmVhc29uIjoicmVmdXNhbCIsInByb3ZpZGVyX2ZpbmlzaF9yZWFzb24iOiJ0b29sX2Nh"
    "bGxzIiwibG9ncHJvYnMiOm51bGx9XSwidXNhZ2UiOnsicHJvbXB0X3Rva2VucyI6MTIsImNvbXBsZXRpb25fdG9rZW5z"
    "Ijo1LCJ0b3RhbF90b2tlbnMiOjE3LCJjYWNoZWRfdG9rZW5zIjo0LCJjYWNoZV93cml0ZV90b2tlbnMiOm51bGwsInJl"
    "YXNvbmluZ190b2tlbnMiOjIsImNvc3RfdXNkIjoiMC4wMDEyIn0sInJlcXVlc3RfaWQiOiJyZXFfMSJ9LCJzdGF0dXMi"
    "OjIwMCwiaGVhZGVycyI6W1sieC1hIiwiYiJdXSwicmVxdWVzdF9pZCI6bnVsbCwidGltaW5nIjp7InF1ZXVlIjpudWxs"
    "LCJjb25uZWN0IjpudWxsLCJmaXJzdF9ieXRlIjpudWxsLCJmaXJzdF90b2tlbiI6bnVsbCwibGFzdF90b2tlbiI6bnVs"
    "bCwidG90YWwiOm51bGx9LCJhdHRlbXB0cyI6W10sImRyb3BwZWQiOltdfZROhpRSlC4="
)
CHOICE = base64.b64decode(
    "gASVLgQAAAAAAACMCGJ1aWx0aW5zlIwHZ2V0YXR0cpSTlIwJdG9rZW53aXJllIwGQ2hvaWNllJOUjAhfcmVzdG9yZZSG"
    "lFKUQuQDAAB7InByb3ZpZGVyIjoib3BlbnJvdXRlciIsInJlcXVlc3RlZF9tb2RlbCI6InNvbWUtbW9kZWwiLCJyZXBs"
    "eSI6eyJpZCI6Imdlbi0xIiwibW9kZWwiOm51bGwsImNyZWF0ZWQiOjE3MDAwMDAwMDAsImNob2ljZXMiOlt7ImluZGV4"
    "IjowLCJwYXJ0cyI6W3sidHlwZSI6InJlYXNvbmluZyIsInRleHQiOiJMZXQgbWUgbG9vay4iLCJzaWduYXR1cmUiOiJj"
    "MmxuIiwiZmllbGQiOiJyZWFzb25pbmdfZGV0YWlscyIsImV4dHJhIjp7ImZvcm1hdCI6InYxIiwibW9kZWwiOiJzb21l"
    "LW1vZGVsIn19LHsidHlwZSI6InRleHQiLCJ0ZXh0IjoiU3VubnkgaW4gIn0seyJ0eXBlIjoidG9vbF9jYWxsIiwiaWQi"
    "OiJjYWxsXzEiLCJuYW1lIjoid2VhdGhlciIsImFyZ3VtZW50cyI6IntcImNpdHlcIjpcIk9zbG9cIn0iLCJleHRyYSI6"
    "eyJmdW5jdGlvbiI6eyJraW5kIjoieCJ9LCJpbmRleCI6MH19LHsidHlwZSI6InJlZnVzYWwiLCJ0ZXh0IjoiTm8uIn0s"
    "eyJ0eXBlIjoib3BhcXVlIiwiZmllbGQiOiJhbm5vdGF0aW9ucyIsImpzb24iOlt7InR5cGUiOiJ1cmxfY2l0YXRpb24i"
    "fV19XSwiZmluaXNoX3JlYXNvbiI6InJlZnVzYWwiLCJwcm92aWRlcl9maW5pc2hfcmVhc29uIjoidG9vbF9jYWxscyIs"
    "ImxvZ3Byb2JzIjpudWxsfV0sInVzYWdlIjp7InByb21wdF90b2tlbnMiOjEyLCJjb21wbGV0aW9uX3Rva2VucyI6NSwi"
    "dG90YWxfdG9rZW5zIjoxNywiY2FjaGVkX3Rva2VucyI6NCwiY2FjaGVfd3JpdGVfdG9rZW5zIjpudWxsLCJyZWFzb25p"
    "bmdfdG9rZW5zIjoyLCJjb3N0X3VzZCI6IjAuMDAxMiJ9LCJyZXF1ZXN0X2lkIjoicmVxXzEifSwic3RhdHVzIjoyMDAs"
    "ImhlYWRlcnMiOltbIngtYSIsImIiXV0sInJlcXVlc3RfaWQiOm51bGwsInRpbWluZyI6eyJxdWV1ZSI6bnVsbCwiY29u"
    "bmVjdCI6bnVsbCwiZmlyc3RfYnl0ZSI6bnVsbCwiZmlyc3RfdG9rZW4iOm51bGwsImxhc3RfdG9rZW4iOm51bGwsInRv"
    "dGFsIjpudWxsfSwiYXR0ZW1wdHMiOltdLCJkcm9wcGVkIjpbXX2USwCGlFKULg=="
)
EVENT = base64.b64decode(
    "gASVGgUAAAAAAACMCWZ1bmN0b29sc5SMB3BhcnRpYWyUk5SMCXRva2Vud2lyZZSMCUNhbGxFdmVudJSTlIWUUpQoaAUp"
    "fZQojAhwcm92aWRlcpSMAXCUjAVtb2RlbJSMAW2UjAdlbGFwc2VklEc/+AAAAAAAAIwIc3RyZWFtZWSUiYwFZXJyb3KU"
    "TowKZXJyb3Jfa2luZJROjAhyZXNwb25zZZSMCGJ1aWx0aW5zlIwHZ2V0YXR0cpSTlIwJdG9rZW53aXJllIwLTGxtUmVz"
    "cG9uc2WUk5SMCF9yZXN0b3JllIaUUpRC5AMAAHsicHJvdmlkZXIiOiJvcGVucm91dGVyIiwicmVxdWVzdGVkX21vZGVs"
    "Ijoic29tZS1tb2RlbCIsInJlcGx5Ijp7ImlkIjoiZ2VuLTEiLCJtb2RlbCI6bnVsbCwiY3JlYXRlZCI6MTcwMDAwMDAw"
    "MCwiY2hvaWNlcyI6W3siaW5kZXgiOjAsInBhcnRzIjpbeyJ0eXBlIjoicmVhc29uaW5nIiwidGV4dCI6IkxldCBtZSBs"
    "b29rLiIsInNpZ25hdHVyZSI6ImMybG4iLCJmaWVsZCI6InJlYXNvbmluZ19kZXRhaWxzIiwiZXh0cmEiOnsiZm9ybWF0"
    "IjoidjEiLCJtb2RlbCI6InNvbWUtbW9kZWwifX0seyJ0eXBlIjoidGV4dCIsInRleHQiOiJTdW5ueSBpbiAifSx7InR5"
    "cGUiOiJ0b29sX2NhbGwiLCJpZCI6ImNhbGxfMSIsIm5hbWUiOiJ3ZWF0aGVyIiwiYXJndW1lbnRzIjoie1wiY2l0eVwi"
    "OlwiT3Nsb1wifSIsImV4dHJhIjp7ImZ1bmN0aW9uIjp7ImtpbmQiOiJ4In0sImluZGV4IjowfX0seyJ0eXBlIjoicmVm"
    "dXNhbCIsInRleHQiOiJOby4ifSx7InR5cGUiOiJvcGFxdWUiLCJmaWVsZCI6ImFubm90YXRpb25zIiwianNvbiI6W3si"
    "dHlwZSI6InVybF9jaXRhdGlvbiJ9XX1dLCJmaW5pc2hfcmVhc29uIjoicmVmdXNhbCIsInByb3ZpZGVyX2ZpbmlzaF9y"
    "ZWFzb24iOiJ0b29sX2NhbGxzIiwibG9ncHJvYnMiOm51bGx9XSwidXNhZ2UiOnsicHJvbXB0X3Rva2VucyI6MTIsImNv"
    "bXBsZXRpb25fdG9rZW5zIjo1LCJ0b3RhbF90b2tlbnMiOjE3LCJjYWNoZWRfdG9rZW5zIjo0LCJjYWNoZV93cml0ZV90"
    "b2tlbnMiOm51bGwsInJlYXNvbmluZ190b2tlbnMiOjIsImNvc3RfdXNkIjoiMC4wMDEyIn0sInJlcXVlc3RfaWQiOiJy"
    "ZXFfMSJ9LCJzdGF0dXMiOjIwMCwiaGVhZGVycyI6W1sieC1hIiwiYiJdXSwicmVxdWVzdF9pZCI6bnVsbCwidGltaW5n"
    "Ijp7InF1ZXVlIjpudWxsLCJjb25uZWN0IjpudWxsLCJmaXJzdF9ieXRlIjpudWxsLCJmaXJzdF90b2tlbiI6bnVsbCwi"
    "bGFzdF90b2tlbiI6bnVsbCwidG90YWwiOm51bGx9LCJhdHRlbXB0cyI6W10sImRyb3BwZWQiOltdfZROhpRSlIwHc3Rh"
    "cnRlZJRHQdrC/CMSkFiMCW9wZXJhdGlvbpSMBGNoYXSUjA5zZXJ2ZXJfYWRkcmVzc5ROjAtzZXJ2ZXJfcG9ydJROdU50"
    "lGIpUpQu"
)
PICKLED_MESSAGE = base64.b64decode(
    "gASVQgMAAAAAAACMF3Rva2Vud2lyZS50eXBlcy5tZXNzYWdllIwKTGxtTWVzc2FnZZSTlCmBlH2UKIwIX19kaWN0X1+U"
    "fZQojARyb2xllIwJYXNzaXN0YW50lIwHY29udGVudJRdlCiMFXRva2Vud2lyZS50eXBlcy5wYXJ0c5SMDVJlYXNvbmlu"
    "Z1BhcnSUk5QpgZR9lChoBX2UKIwEdHlwZZSMCXJlYXNvbmluZ5SMBHRleHSUjAxMZXQgbWUgbG9vay6UjAlzaWduYXR1"
    "cmWUjARjMmxulIwIcHJvdmlkZXKUjApvcGVucm91dGVylIwFZmllbGSUjBFyZWFzb25pbmdfZGV0YWlsc5SMBW1vZGVs"
    "lIwKc29tZS1tb2RlbJR1jBJfX3B5ZGFudGljX2V4dHJhX1+UfZSMBmZvcm1hdJSMAnYxlHOMF19fcHlkYW50aWNfZmll"
    "bGRzX3NldF9flI+UKGgVaBNoH2gZaBtoF5CMFF9fcHlkYW50aWNfcHJpdmF0ZV9flE51YmgLjAhUZXh0UGFydJSTlCmB"
    "lH2UKGgFfZQoaBFoE2gTjAlTdW5ueSBpbiCUdWgdfZRoIY+UKGgTkGgjTnViaACMDFRvb2xDYWxsUGFydJSTlCmBlH2U"
    "KGgFfZQoaBGMCXRvb2xfY2FsbJSMAmlklIwGY2FsbF8xlIwEbmFtZZSMB3dlYXRoZXKUjAlhcmd1bWVudHOUjA97ImNp"
    "dHkiOiJPc2xvIn2UjAVleHRyYZR9lCiMBWluZGV4lEsAjAhmdW5jdGlvbpR9lIwEa2luZJSMAXiUc3VoF2gYdWgdfZRo"
    "IY+UKGg2aDJoNGgXaDiQaCNOdWJoC4wLUmVmdXNhbFBhcnSUk5QpgZR9lChoBX2UKGgRjAdyZWZ1c2FslGgTjANOby6U"
    "dWgdfZRoIY+UKGgTkGgjTnViaAuMCk9wYXF1ZVBhcnSUk5QpgZR9lChoBX2UKGgRjAZvcGFxdWWUaBdoGGgZjAthbm5v"
    "dGF0aW9uc5SMBXZhbHVllF2UfZRoEYwMdXJsX2NpdGF0aW9ulHNhdWgdfZRoIY+UKGhRaBdoGZBoI051YmVoNE51aB19"
    "lGghj5QoaAdoCZBoI051Yi4="
)
PICKLED_USAGE = base64.b64decode(
    "gASVqAAAAAAAAACMCXRva2Vud2lyZZSMBVVzYWdllJOUKX2UKIwNcHJvbXB0X3Rva2Vuc5RLDIwRY29tcGxldGlvbl90"
    "b2tlbnOUSwWMDHRvdGFsX3Rva2Vuc5RLEYwNY2FjaGVkX3Rva2Vuc5RLBIwSY2FjaGVfd3JpdGVfdG9rZW5zlE6MEHJl"
    "YXNvbmluZ190b2tlbnOUSwKMCGNvc3RfdXNklIwGMC4wMDEylHWSlC4="
)
PICKLED_CHUNK = base64.b64decode(
    "gASVVgEAAAAAAACMCXRva2Vud2lyZZSMDkxsbVN0cmVhbUNodW5rlJOUKX2UKIwEdGV4dJSMAkhplIwJcmVhc29uaW5n"
    "lE6MB3JlZnVzYWyUTowKdG9vbF9jYWxsc5QpjA1maW5pc2hfcmVhc29ulIwEc3RvcJSMFnByb3ZpZGVyX2ZpbmlzaF9y"
    "ZWFzb26UTowFaW5kZXiUSwCMBXVzYWdllIwJdG9rZW53aXJllIwFVXNhZ2WUk5QpfZQojA1wcm9tcHRfdG9rZW5zlEsM"
    "jBFjb21wbGV0aW9uX3Rva2Vuc5RLBYwMdG90YWxfdG9rZW5zlEsRjA1jYWNoZWRfdG9rZW5zlEsEjBJjYWNoZV93cml0"
    "ZV90b2tlbnOUTowQcmVhc29uaW5nX3Rva2Vuc5RLAowIY29zdF91c2SUjAYwLjAwMTKUdZKUjAhsb2dwcm9ic5ROjANy"
    "YXeUTnWSlC4="
)
DUMPED_MESSAGE = (
    '{"role":"assistant","content":[{"type":"reasoning","text":"Let me look.","signature":"'
    'c2ln","provider":"openrouter","field":"reasoning_details","model":"some-model","format'
    '":"v1"},{"type":"text","text":"Sunny in "},{"type":"tool_call","id":"call_1","name":"w'
    r'eather","arguments":"{\"city\":\"Oslo\"}","extra":{"index":0,"function":{"kind":"x"}},'
    '"provider":"openrouter"},{"type":"refusal","text":"No."},{"type":"opaque","provider":"'
    'openrouter","field":"annotations","value":[{"type":"url_citation"}]}],"name":null}'
)


def check(reply: tw.LlmResponse) -> None:
    assert reply.message == MESSAGE
    assert reply.tool_calls == (CALL,)
    assert (reply.text, reply.reasoning, reply.refusal) == ("Sunny in ", "Let me look.", "No.")
    assert (reply.usage, reply.id, reply.created) == (USAGE, "gen-1", 1700000000)
    assert (reply.finish_reason, reply.provider_finish_reason) == ("refusal", "tool_calls")
    assert (reply.provider, reply.model, reply.headers) == (
        "openrouter",
        "some-model",
        {"x-a": "b"},
    )
    assert (reply.api, reply.status, reply.stop_details) == (None, None, None)
    assert reply.request_id == "req_1"


def test_a_reply_loads_from_its_dict() -> None:
    reply = tw.LlmResponse.from_dict(json.loads(DICT))
    check(reply)
    # Where it had the HTTP status, a dict has that of the reply now.
    again = reply.to_dict()
    assert (again["http_status"], again["status"]) == (200, None)
    assert tw.LlmResponse.from_dict(again) == reply


def test_a_reply_loads_from_its_pickle() -> None:
    check(pickle.loads(PICKLE))
    assert pickle.loads(PICKLE) == tw.LlmResponse.from_dict(json.loads(DICT))


def test_a_choice_loads_from_its_pickle() -> None:
    choice = pickle.loads(CHOICE)
    assert (choice.text, choice.message, choice.stop_details) == ("Sunny in ", MESSAGE, None)


def test_usage_loads_from_its_pickle_and_its_dict() -> None:
    for usage in (pickle.loads(PICKLED_USAGE), tw.Usage.from_dict(json.loads(DICT)["usage"])):
        assert (usage, usage.details) == (USAGE, None)


def test_a_chunk_loads_from_its_pickle() -> None:
    chunk = tw.LlmStreamChunk(text="Hi", finish_reason="stop", usage=USAGE)
    assert pickle.loads(PICKLED_CHUNK) == chunk


def test_an_event_loads_from_its_pickle() -> None:
    event = pickle.loads(EVENT)
    assert (event.provider, event.model, event.elapsed, event.api) == ("p", "m", 1.5, None)
    check(event.response)


@pytest.mark.parametrize(
    "message",
    [
        LlmMessage.model_validate_json(DUMPED_MESSAGE),
        LlmMessage.model_validate(json.loads(DUMPED_MESSAGE)),
        pickle.loads(PICKLED_MESSAGE),
    ],
    ids=["json", "dict", "pickle"],
)
def test_a_message_loads_and_sends_the_same(message: LlmMessage) -> None:
    assert [getattr(part, "api", None) for part in message.content] == [None] * 5
    assert message.__tokenwire_json__() == MESSAGE.__tokenwire_json__()
    assert message == MESSAGE
    assert json.loads(message.model_dump_json()) == json.loads(DUMPED_MESSAGE)
    again = LlmMessage("assistant", list(message.content))
    assert again.__tokenwire_json__() == MESSAGE.__tokenwire_json__()


def test_a_saved_conversation_loads() -> None:
    dumped = json.loads(DUMPED_MESSAGE)
    dumped["parts"] = dumped.pop("content")
    saved = {"messages": [dumped], "max_tokens": 5}
    request = LlmRequest.model_validate(saved)
    assert request.messages == [MESSAGE]
