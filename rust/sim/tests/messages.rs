//! Messages: what is sent, in which order.

mod client;

use client::{Answer, Client, Ending, sim};
use serde_json::{Value, json};
use tokenwire_sim::Sim;

const PATH: &str = "/v1/messages";
const VERSION: &str = "anthropic-version: 2023-06-01\r\n";

#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
fn asked_at(sim: &Sim, path: &str, more: Value) -> Answer {
    let mut body = json!({"model": "words", "max_tokens": 2000,
                          "messages": [{"role": "user", "content": "hi"}]});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    let mut client = Client::new(sim);
    client.send(path, VERSION, &body);
    client.read().unwrap()
}

fn asked(sim: &Sim, more: Value) -> Answer {
    asked_at(sim, PATH, more)
}

#[allow(clippy::indexing_slicing)]
fn streamed(sim: &Sim, mut more: Value) -> Answer {
    more["stream"] = true.into();
    asked(sim, more)
}

#[allow(clippy::unwrap_used)]
fn get(sim: &Sim, path: &str, headers: &str) -> Answer {
    let mut client = Client::new(sim);
    client.write(&format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n"
    ));
    client.read().unwrap()
}

/// The types of the events, without repetitions.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn types(answer: &Answer) -> Vec<String> {
    let events = answer.chunks_json();
    let mut types: Vec<String> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    types.dedup();
    types
}

/// A message put together from its events, as the API documents it.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn joined(answer: &Answer) -> Value {
    let mut message = Value::Null;
    let mut arguments = String::new();
    for event in answer.chunks_json() {
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                let blocks = message["content"].as_array_mut().unwrap();
                assert_eq!(event["index"], blocks.len());
                blocks.push(event["content_block"].clone());
                arguments.clear();
            }
            "content_block_delta" => {
                let index = usize::try_from(event["index"].as_u64().unwrap()).unwrap();
                let block = &mut message["content"][index];
                let delta = &event["delta"];
                let name = match delta["type"].as_str().unwrap() {
                    "text_delta" => "text",
                    "thinking_delta" => "thinking",
                    "signature_delta" => "signature",
                    "input_json_delta" => {
                        arguments += delta["partial_json"].as_str().unwrap();
                        continue;
                    }
                    other => unreachable!("{other}"),
                };
                let text = block[name].as_str().unwrap().to_owned();
                block[name] = (text + delta[name].as_str().unwrap()).into();
            }
            "content_block_stop" if !arguments.is_empty() => {
                let block = message["content"]
                    .as_array_mut()
                    .unwrap()
                    .last_mut()
                    .unwrap();
                block["input"] = serde_json::from_str(&arguments).unwrap();
            }
            "message_delta" => {
                for (name, value) in event["delta"].as_object().unwrap() {
                    message[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().into_iter().flatten() {
                    message["usage"][name] = value.clone();
                }
            }
            _ => {}
        }
    }
    message
}

fn weather() -> Value {
    json!([{"name": "weather", "input_schema": {
        "type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}])
}

#[test]
fn a_stream_opens_and_closes_each_block_and_is_the_whole_message() {
    let script = json!({"default": {"reply": {
        "reasoning": "I think.", "text": "It is blue.",
        "tool_calls": [{"name": "weather", "arguments": {"city": "Paris"}},
                       {"name": "time", "arguments": {}}]}}});
    let sim = sim(script);
    let (answer, whole) = (streamed(&sim, json!({})), asked(&sim, json!({})).json());
    assert_eq!(
        types(&answer),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(joined(&answer), whole);
    assert_eq!(whole["content"][0]["thinking"], "I think.");
    assert_eq!(whole["content"][1]["text"], "It is blue.");
    assert_eq!(whole["content"][2]["input"], json!({"city": "Paris"}));
    assert_eq!(whole["content"][3]["input"], json!({}));
    assert_eq!(whole["stop_reason"], "tool_use");
    assert!(whole["id"].as_str().unwrap().starts_with("msg_01"));
    assert!(
        whole["content"][2]["id"]
            .as_str()
            .unwrap()
            .starts_with("toolu_01")
    );
    assert_eq!(answer.header("request-id"), Some("req_sim_1"));
    let text = answer.text();
    let names = text.lines().filter(|line| line.starts_with("event: "));
    assert_eq!(names.count(), answer.chunks_json().len());
    assert!(!text.contains("[DONE]"));
}

#[test]
fn thinking_can_be_hidden_empty_or_signed() {
    let reply = |more: Value| {
        let mut reply = json!({"text": "hi", "reasoning": "Hm."});
        let fields = reply.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        sim(json!({"default": {"reply": reply}}))
    };
    let hidden = reply(json!({"reasoning_field": "redacted"}));
    let (events, whole) = (
        streamed(&hidden, json!({})),
        asked(&hidden, json!({})).json(),
    );
    assert_eq!(joined(&events), whole);
    assert_eq!(whole["content"][0]["type"], "redacted_thinking");
    assert!(!events.text().contains("thinking_delta"));
    let empty = reply(json!({"reasoning": ""}));
    let (events, whole) = (streamed(&empty, json!({})), asked(&empty, json!({})).json());
    assert_eq!(joined(&events), whole);
    assert_eq!(whole["content"][0]["thinking"], "");
    assert!(whole["content"][0]["signature"].as_str().unwrap().len() > 100);
    assert!(!events.text().contains("thinking_delta"));
    assert!(events.text().contains("signature_delta"));
}

#[test]
fn a_request_to_think_is_answered_with_thinking() {
    let sim = sim(json!({}));
    let thought = |model: &str, thinking: Value| {
        let reply = asked(&sim, json!({"model": model, "thinking": thinking})).json();
        reply["content"][0]["thinking"].as_str().map(str::is_empty)
    };
    let budget = json!({"type": "enabled", "budget_tokens": 1024});
    assert_eq!(thought("words", budget.clone()), Some(false));
    assert_eq!(thought("words", json!({"type": "disabled"})), None);
    let adaptive = json!({"type": "adaptive"});
    assert_eq!(thought("claude-opus-4-6", adaptive.clone()), Some(false));
    // From Opus 4.7 on, thinking is not shown unless the request asks for it.
    assert_eq!(thought("claude-opus-4-7", adaptive), Some(true));
    let shown = json!({"type": "adaptive", "display": "summarized"});
    assert_eq!(thought("claude-opus-4-7", shown), Some(false));
    let hidden = json!({"type": "adaptive", "display": "omitted"});
    assert_eq!(thought("claude-opus-4-6", hidden), Some(true));
}

#[test]
fn a_reason_says_how_a_message_ended() {
    let ended = |script: Value, more: Value| {
        let sim = sim(json!({"default": {"reply": script}}));
        let (events, whole) = (streamed(&sim, more.clone()), asked(&sim, more).json());
        assert_eq!(joined(&events), whole);
        (whole["stop_reason"].clone(), whole)
    };
    let text = json!({"text": "one two three"});
    assert_eq!(ended(text.clone(), json!({})).0, "end_turn");
    let (reason, cut) = ended(text.clone(), json!({"max_tokens": 2}));
    assert_eq!(
        (reason, &cut["content"][0]["text"]),
        (json!("max_tokens"), &json!("one two"))
    );
    let (reason, cut) = ended(text, json!({"stop_sequences": ["zzz", " th"]}));
    assert_eq!(
        (reason, &cut["stop_sequence"]),
        (json!("stop_sequence"), &json!(" th"))
    );
    assert_eq!(cut["content"][0]["text"], "one two");
    let (reason, refused) = ended(json!({"refusal": "I will not."}), json!({}));
    assert_eq!(
        (reason, &refused["content"]),
        (json!("refusal"), &json!([]))
    );
    assert_eq!(refused["stop_details"]["explanation"], "I will not.");
    for (word, reason) in [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("pause_turn", "pause_turn"),
    ] {
        let script = json!({"text": "a", "finish_reason": word});
        assert_eq!(ended(script, json!({})).0, reason);
    }
    // The limit is demanded, so it does not say how long a made-up text is.
    assert_eq!(ended(json!({}), json!({})).0, "end_turn");
    assert_eq!(ended(json!({}), json!({"max_tokens": 5})).0, "max_tokens");
    assert_eq!(
        ended(json!({"text": ""}), json!({})).1["content"],
        json!([])
    );
}

#[test]
fn usage_counts_what_is_cached_apart() {
    let words = sim(json!({}));
    let usage = asked(&words, json!({"max_tokens": 5})).json()["usage"].clone();
    assert_eq!(
        (&usage["input_tokens"], &usage["output_tokens"]),
        (&json!(1), &json!(5))
    );
    let system = json!([{"type": "text", "text": "a b c", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let usage = asked(&words, json!({"system": system})).json()["usage"].clone();
    assert_eq!(usage["input_tokens"], 1);
    assert_eq!(usage["cache_creation_input_tokens"], 3);
    assert_eq!(usage["cache_creation"]["ephemeral_1h_input_tokens"], 3);
    let of_chat = json!({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1}});
    let scripted = sim(json!({"default": {"reply": {"text": "a", "usage": of_chat}}}));
    let expected = json!({"input_tokens": 5, "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 2, "output_tokens": 4,
        "output_tokens_details": {"thinking_tokens": 1}});
    let (events, whole) = (
        streamed(&scripted, json!({})),
        asked(&scripted, json!({})).json(),
    );
    assert_eq!(whole["usage"], expected);
    assert_eq!(joined(&events), whole);
    let none = sim(json!({"default": {"reply": {"text": "a", "usage": {}}}}));
    assert!(!asked(&none, json!({})).text().contains("usage"));
    assert!(!streamed(&none, json!({})).text().contains("usage"));
}

#[test]
fn tools_are_called_as_the_choice_says() {
    let sim = sim(json!({}));
    let calls = |model: &str, choice: Value| {
        let mut tools = weather();
        let mut second = tools[0].clone();
        second["name"] = "time".into();
        tools.as_array_mut().unwrap().push(second);
        let more = json!({"model": model, "tools": tools, "tool_choice": choice});
        let reply = asked(&sim, more).json();
        let blocks = reply["content"].as_array().unwrap();
        let names = blocks.iter().filter_map(|block| block["name"].as_str());
        names.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(calls("words", Value::Null), "");
    assert_eq!(calls("chat", Value::Null), "weather time");
    assert_eq!(calls("words", json!({"type": "any"})), "weather time");
    assert_eq!(
        calls("words", json!({"type": "tool", "name": "time"})),
        "time"
    );
    let serial = json!({"type": "any", "disable_parallel_tool_use": true});
    assert_eq!(calls("words", serial), "weather");
    assert_eq!(calls("chat", json!({"type": "none"})), "");
}

#[test]
fn a_format_and_the_script_are_respected() {
    let sim = sim(
        json!({"rules": [{"match": {"body": "extra"}, "then": {"reply": {
        "text": "a", "extra": {"container": {"id": "c"}, "model": "other"}}}}]}),
    );
    let schema = json!({"type": "object", "required": ["n"], "additionalProperties": false,
                        "properties": {"n": {"type": "integer"}}});
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    let reply = asked(&sim, json!({"output_config": format})).json();
    let text = reply["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["n"].is_i64());
    let more = json!({"messages": [{"role": "user", "content": "extra"}]});
    let (events, whole) = (streamed(&sim, more.clone()), asked(&sim, more).json());
    assert_eq!(
        (&whole["model"], &whole["container"]["id"]),
        (&json!("other"), &json!("c"))
    );
    assert_eq!(joined(&events), whole);
}

#[test]
fn vertex_names_the_model_in_the_path() {
    let sim = sim(
        json!({"rules": [{"match": {"model": "claude-opus-4-6", "stream": true},
                                    "then": {"reply": {"text": "streamed"}}}]}),
    );
    let base = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-6";
    let more = json!({"model": null, "anthropic_version": "vertex-2023-10-16"});
    let whole = asked_at(&sim, &format!("{base}:rawPredict"), more.clone()).json();
    assert_eq!(whole["model"], "claude-opus-4-6");
    let events = asked_at(&sim, &format!("{base}:streamRawPredict"), more);
    assert_eq!(joined(&events)["content"][0]["text"], "streamed");
    let refused = asked_at(&sim, &format!("{base}:rawPredict"), json!({"model": null}));
    let message = refused.json()["error"]["message"].clone();
    assert_eq!(message, "anthropic_version: Field required");
}

#[test]
fn tokens_are_counted_and_models_are_listed() {
    let sim = sim(json!({"models": ["a", "b", "c"], "require_key": "k"}));
    let refused = get(&sim, "/v1/models", VERSION);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["type"], "authentication_error");
    for key in ["x-api-key: k\r\n", "authorization: Bearer k\r\n"] {
        let headers = format!("{VERSION}{key}");
        let page = get(&sim, "/v1/models?limit=2", &headers).json();
        assert_eq!(
            (&page["has_more"], &page["last_id"]),
            (&json!(true), &json!("b"))
        );
        let page = get(&sim, "/v1/models?limit=2&after_id=b", &headers).json();
        assert_eq!(
            (&page["has_more"], &page["first_id"]),
            (&json!(false), &json!("c"))
        );
        assert_eq!(page["data"][0]["type"], "model");
    }
    let of_openai = get(&sim, "/v1/models", "authorization: Bearer k\r\n").json();
    assert_eq!(of_openai["object"], "list");
    let free = client::sim(json!({}));
    let more = json!({"max_tokens": null, "system": "one two"});
    let counted = asked_at(&free, "/v1/messages/count_tokens", more).json();
    assert_eq!(counted, json!({"input_tokens": 3}));
}

#[test]
fn an_error_has_the_form_of_the_api() {
    let script = json!({"rules": [
        {"times": 1, "then": {"error": {"status": 529, "message": "Overloaded"}}},
        {"times": 1, "then": {"error": {
            "status": 429, "message": "Limit.", "code": "enforced_spend_limit_reached"}}},
        {"times": 1, "then": {"fault": {
            "kind": "error_event", "at": {"events": 2}, "named": true, "done": true}}},
    ]});
    let sim = sim(script);
    let answer = asked(&sim, json!({}));
    let expected = json!({"type": "error", "request_id": "req_sim_1",
        "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!((answer.status, answer.json()), (529, expected));
    assert_eq!(answer.header("request-id"), Some("req_sim_1"));
    let limited = asked(&sim, json!({})).json();
    assert_eq!(limited["error"]["type"], "rate_limit_error");
    let code = &limited["error"]["details"]["error_code"];
    assert_eq!(code, "enforced_spend_limit_reached");
    let cut = streamed(&sim, json!({}));
    let events = cut.chunks_json();
    let [.., error, end] = events.as_slice() else {
        panic!("{}", cut.text());
    };
    assert_eq!(error["error"]["type"], "api_error");
    assert_eq!(error["request_id"], "req_sim_3");
    assert_eq!(end["type"], "message_stop");
    assert!(cut.text().contains("event: error\n"));
}

#[test]
fn a_position_in_a_stream_means_what_it_means_in_chat() {
    let said = |fault: Value| {
        let script = json!({"default": {"reply": {"text": "one two three"}, "fault": fault}});
        let answer = streamed(&sim(script), json!({}));
        let deltas = answer.chunks_json();
        let texts = deltas
            .iter()
            .filter_map(|event| event["delta"]["text"].as_str());
        let text: String = texts.collect();
        let last = types(&answer).pop().unwrap_or_default();
        (text, last, answer.ending)
    };
    let text = |text: &str, last: &str, ending| (text.to_owned(), last.to_owned(), ending);
    assert_eq!(
        said(json!({"kind": "reset", "at": {"events": 3}})).0,
        "one two"
    );
    assert_eq!(
        said(json!({"kind": "close", "at": {"events": 1}})),
        text("", "message_start", Ending::Cut)
    );
    assert_eq!(
        said(json!({"kind": "drop_done"})),
        text("one two three", "message_delta", Ending::Whole)
    );
    assert_eq!(
        said(json!({"kind": "drop_done", "before_finish": true})),
        text("one two three", "content_block_delta", Ending::Whole)
    );
    assert_eq!(
        said(json!({"kind": "after_done", "events": 2})),
        text(
            "one two three late late",
            "content_block_delta",
            Ending::Whole
        )
    );
}
