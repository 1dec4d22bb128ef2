//! Responses: what is sent, in which order, and what must come back.

mod client;

use client::{Answer, Client, Ending, sim};
use serde_json::{Value, json};
use tokenwire_sim::Sim;

const PATH: &str = "/v1/responses";

#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
fn asked(sim: &Sim, more: Value) -> Answer {
    let mut body = json!({"model": "words", "input": "hi"});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    Client::new(sim).post(PATH, &body).unwrap()
}

#[allow(clippy::indexing_slicing)]
fn streamed(sim: &Sim, mut more: Value) -> Answer {
    more["stream"] = true.into();
    asked(sim, more)
}

/// The types of the events, without repetitions.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn types(answer: &Answer) -> Vec<String> {
    let events = answer.chunks_json();
    let mut types: Vec<String> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap().replacen("response.", "", 1))
        .collect();
    types.dedup();
    types
}

/// The deltas of one kind, joined.
#[allow(clippy::indexing_slicing)]
fn said(answer: &Answer, kind: &str) -> String {
    let events = answer.chunks_json();
    let deltas = events
        .iter()
        .filter(|event| event["type"] == format!("response.{kind}.delta"));
    deltas.filter_map(|event| event["delta"].as_str()).collect()
}

/// The text of the first message.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn text(reply: &Value) -> String {
    let items = reply["output"].as_array().unwrap();
    let message = items.iter().find(|item| item["type"] == "message").unwrap();
    message["content"][0]["text"].as_str().unwrap().to_owned()
}

fn weather() -> Value {
    json!([{"type": "function", "name": "weather", "strict": false, "parameters": {
        "type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}}])
}

#[test]
fn a_stream_opens_and_closes_each_item_and_repeats_the_whole_reply() {
    let script = json!({"default": {"reply": {
        "reasoning": "I think.", "text": "It is blue.", "refusal": "I will not.",
        "tool_calls": [{"name": "weather", "arguments": {"city": "Paris"}},
                       {"name": "patch", "arguments": "+ line"}]}}});
    let sim = sim(script);
    let tools = json!([weather()[0], {"type": "custom", "name": "patch"}]);
    let more = json!({"tools": tools, "store": false});
    let (answer, whole) = (streamed(&sim, more.clone()), asked(&sim, more).json());
    assert_eq!(
        types(&answer),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "output_item.added",
            "custom_tool_call_input.delta",
            "custom_tool_call_input.done",
            "output_item.done",
            "completed",
        ]
    );
    assert_eq!(said(&answer, "reasoning_summary_text"), "I think.");
    assert_eq!(said(&answer, "output_text"), "It is blue.");
    assert_eq!(said(&answer, "refusal"), "I will not.");
    assert_eq!(
        said(&answer, "function_call_arguments"),
        "{\"city\":\"Paris\"}"
    );
    assert_eq!(said(&answer, "custom_tool_call_input"), "+ line");
    let events = answer.chunks_json();
    let numbers: Vec<Value> = events
        .iter()
        .map(|event| event["sequence_number"].clone())
        .collect();
    assert_eq!(
        numbers,
        (0..events.len()).map(Value::from).collect::<Vec<_>>()
    );
    assert_eq!(events.last().unwrap()["response"], whole);
    let done: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .collect();
    let items: Vec<Value> = done.iter().map(|event| event["item"].clone()).collect();
    assert_eq!(whole["output"], Value::from(items));
    let places: Vec<&Value> = done.iter().map(|event| &event["output_index"]).collect();
    assert_eq!(places, [0, 1, 2, 3]);
    let parts: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.content_part.done")
        .map(|event| &event["content_index"])
        .collect();
    assert_eq!(parts, [0, 1]);
    let text = answer.text();
    let names = text.lines().filter(|line| line.starts_with("event: "));
    assert_eq!(names.count(), events.len());
    assert!(!text.contains("[DONE]"));
}

#[test]
fn the_keys_of_an_event_have_the_order_of_the_real_api() {
    let script = json!({"default": {"reply": {
        "reasoning": "why", "text": "one", "tool_calls": [{"name": "f", "arguments": {}}]}}});
    let text = streamed(&sim(script), json!({"store": false})).text();
    for shape in [
        "\"type\":\"response.output_text.delta\",\"content_index\":0,\"delta\":\"one\",\"item_id\":",
        ",\"logprobs\":[],\"obfuscation\":\"wLr2mYVbTz9Kd\",",
        "\"type\":\"response.output_text.done\",\"content_index\":0,\"item_id\":",
        ",\"logprobs\":[],\"output_index\":1,\"sequence_number\":11,\"text\":\"one\"}",
        "\"part\":{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"one\"},\"sequence_number\":12}",
        "\"type\":\"message\",\"status\":\"completed\",\"content\":[{",
        "\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"why\",\"item_id\":",
        ",\"sequence_number\":4,\"summary_index\":0}",
        ",\"sequence_number\":5,\"summary_index\":0,\"text\":\"why\"}",
        "\"part\":{\"type\":\"summary_text\",\"text\":\"why\"},\"sequence_number\":6,\"summary_index\":0}",
        "\"type\":\"reasoning\",\"content\":[],\"encrypted_content\":\"gAAAAAB",
        "\"type\":\"function_call\",\"status\":\"in_progress\",\"arguments\":\"\",\"call_id\":\"call_",
        "\"type\":\"response.function_call_arguments.done\",\"arguments\":\"{}\",\"item_id\":\"fc_",
        "\"object\":\"response\",\"created_at\":1700000000,\"status\":\"in_progress\",\"background\":false,",
    ] {
        assert!(text.contains(shape), "{shape}\n{text}");
    }
}

#[test]
fn the_padding_makes_a_piece_a_multiple_of_16_and_can_be_left_out() {
    let sim = sim(json!({"default": {"reply": {"text": "a few words of several lengths"}}}));
    let lengths = |answer: &Answer| {
        let events = answer.chunks_json();
        let lengths = events.iter().filter_map(|event| {
            let padding = event["obfuscation"].as_str()?;
            Some((event["delta"].as_str()?.len() + padding.len()) % 16)
        });
        lengths.collect::<Vec<_>>()
    };
    assert_eq!(lengths(&streamed(&sim, json!({}))), [0; 6]);
    let plain = streamed(
        &sim,
        json!({"stream_options": {"include_obfuscation": false}}),
    );
    assert_eq!(lengths(&plain), [0; 0]);
}

#[test]
fn the_text_is_that_of_chat_for_the_same_question() {
    let sim = sim(json!({}));
    let messages = json!([{"role": "system", "content": "Be brief."},
                          {"role": "user", "content": [{"type": "text", "text": "Why?"}]}]);
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": "Why?"}]}]);
    for model in ["chat", "words"] {
        let chat = json!({"model": model, "messages": messages, "max_tokens": 9});
        let chat = Client::new(&sim)
            .post("/v1/chat/completions", &chat)
            .unwrap()
            .json();
        let more = json!({"model": model, "instructions": "Be brief.", "input": input,
                          "max_output_tokens": 9});
        let reply = asked(&sim, more.clone()).json();
        assert_eq!(text(&reply), chat["choices"][0]["message"]["content"]);
        assert_eq!(said(&streamed(&sim, more), "output_text"), text(&reply));
        assert_eq!(
            reply["usage"]["input_tokens"],
            chat["usage"]["prompt_tokens"]
        );
        assert_eq!(reply["usage"]["output_tokens"], 9);
    }
}

#[test]
fn the_reply_repeats_the_request() {
    let sim = sim(json!({}));
    let reply = asked(
        &sim,
        json!({"instructions": "Be brief.", "previous_response_id": "resp_1", "temperature": 0.5,
               "reasoning": {"effort": "low"}, "text": {"verbosity": "low"}, "store": false,
               "tools": [{"type": "function", "name": "f"}], "metadata": {"a": "b"}}),
    );
    let reply = reply.json();
    for (name, expected) in [
        ("instructions", json!("Be brief.")),
        ("previous_response_id", json!("resp_1")),
        ("temperature", json!(0.5)),
        ("reasoning", json!({"effort": "low", "summary": null})),
        (
            "text",
            json!({"format": {"type": "text"}, "verbosity": "low"}),
        ),
        ("store", json!(false)),
        (
            "tools",
            json!([{"type": "function", "name": "f", "strict": true}]),
        ),
        ("metadata", json!({"a": "b"})),
        ("top_p", json!(1.0)),
        ("error", Value::Null),
    ] {
        assert_eq!(reply[name], expected, "{name}");
    }
}

#[test]
fn a_finish_reason_becomes_a_status_and_the_last_event() {
    for (reason, status, detail, event) in [
        ("stop", "completed", Value::Null, "completed"),
        ("tool_calls", "completed", Value::Null, "completed"),
        (
            "length",
            "incomplete",
            json!("max_output_tokens"),
            "incomplete",
        ),
        (
            "content_filter",
            "incomplete",
            json!("content_filter"),
            "incomplete",
        ),
        ("steered", "incomplete", json!("steered"), "incomplete"),
        ("failed", "failed", Value::Null, "failed"),
        ("cancelled", "cancelled", Value::Null, "failed"),
    ] {
        let script = json!({"default": {"reply": {"text": "It is", "finish_reason": reason}}});
        let sim = sim(script);
        let whole = asked(&sim, json!({})).json();
        assert_eq!(whole["status"], status, "{reason}");
        assert_eq!(whole["incomplete_details"]["reason"], detail, "{reason}");
        assert_eq!(whole["error"].is_object(), reason == "failed");
        let answer = streamed(&sim, json!({}));
        assert_eq!(types(&answer).last().unwrap(), event, "{reason}");
        assert_eq!(answer.chunks_json().last().unwrap()["response"], whole);
        let is_cut = status == "incomplete";
        let item = if is_cut { "incomplete" } else { "completed" };
        assert_eq!(whole["output"][0]["status"], item, "{reason}");
    }
}

#[test]
fn the_words_of_a_script_mean_what_they_mean_in_chat() {
    let script = json!({"default": {"reply": {
        "tokens": ["Hel", "lo"], "reasoning": "Hm.", "reasoning_field": "content",
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.5},
        "extra": {"id": "resp_mine", "x_more": 1}, "headers": {"x-more": "2"}}}});
    let sim = sim(script);
    let answer = asked(&sim, json!({}));
    let reply = answer.json();
    assert_eq!(answer.header("x-more"), Some("2"));
    assert_eq!(
        (&reply["id"], &reply["x_more"]),
        (&json!("resp_mine"), &json!(1))
    );
    let usage = json!({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "cost": 0.5});
    assert_eq!(reply["usage"], usage);
    let reasoning = json!([{"type": "reasoning_text", "text": "Hm."}]);
    assert_eq!(reply["output"][0]["content"], reasoning);
    assert_eq!(reply["output"][0]["summary"], json!([]));
    let answer = streamed(&sim, json!({}));
    assert_eq!(said(&answer, "reasoning_text"), "Hm.");
    let deltas = answer
        .text()
        .matches("response.output_text.delta\n")
        .count();
    assert_eq!(
        (deltas, said(&answer, "output_text").as_str()),
        (2, "Hello")
    );
}

#[test]
fn a_position_in_a_stream_means_what_it_means_in_chat() {
    let reply = json!({"text": "one two three four"});
    for kind in ["reset", "close"] {
        let fault = json!({"kind": kind, "at": {"events": 3}});
        let sim = sim(json!({"default": {"reply": reply, "fault": fault}}));
        let answer = streamed(&sim, json!({}));
        assert_eq!(said(&answer, "output_text"), "one two");
        assert!(matches!(answer.ending, Ending::Reset | Ending::Cut));
    }
    let paced = sim(json!({"default": {"reply": reply, "pacing": {"tokens_per_write": 2}}}));
    // The opening, four tokens and the end.
    assert_eq!(streamed(&paced, json!({})).chunks, 3);
}

#[test]
fn the_end_of_a_stream_can_be_missing_or_be_followed_by_more() {
    let script = |fault: Value| json!({"default": {"reply": {"text": "a b"}, "fault": fault}});
    let dropped = sim(script(json!({"kind": "drop_done"})));
    let answer = streamed(&dropped, json!({}));
    assert_eq!(types(&answer).last().unwrap(), "output_item.done");
    assert_eq!(answer.ending, Ending::Whole);
    let unfinished = sim(script(json!({"kind": "drop_done", "before_finish": true})));
    let answer = streamed(&unfinished, json!({}));
    assert_eq!(types(&answer).last().unwrap(), "output_text.delta");
    let late = sim(script(json!({"kind": "after_done", "events": 2})));
    let answer = streamed(&late, json!({}));
    assert_eq!(types(&answer).last().unwrap(), "output_text.delta");
    assert_eq!(said(&answer, "output_text"), "a b late late");
}

#[test]
fn an_error_inside_a_stream_has_the_form_of_the_real_api() {
    let mut fault =
        json!({"kind": "error_event", "at": {"events": 2}, "named": true, "done": true});
    let script = |fault: &Value| json!({"default": {"reply": {"text": "a b"}, "fault": fault}});
    let answer = streamed(&sim(script(&fault)), json!({}));
    let events = answer.chunks_json();
    let [.., error, failed] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (&error["type"], &error["error"]["code"]),
        (&json!("error"), &json!("server_error"))
    );
    assert_eq!(failed["response"]["status"], "failed");
    assert!(answer.text().contains("event: error\ndata: {"));
    fault["named"] = false.into();
    fault["done"] = false.into();
    fault["body"] = json!({"error": {"message": "busy"}});
    let answer = streamed(&sim(script(&fault)), json!({}));
    assert_eq!(
        answer.events().last().unwrap(),
        "{\"error\":{\"message\":\"busy\"}}"
    );
    assert!(!answer.text().contains("event: error"));
}

#[test]
fn a_background_reply_is_queued_and_done_when_it_is_asked_for_again() {
    let sim = sim(json!({}));
    let whole = asked(&sim, json!({"background": true})).json();
    assert_eq!(
        (&whole["status"], &whole["output"]),
        (&json!("queued"), &json!([]))
    );
    assert_eq!(whole["usage"], Value::Null);
    let again = |reply: &Value| {
        let path = format!("/v1/responses/{}", reply["id"].as_str().unwrap());
        let mut client = Client::new(&sim);
        client.write(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
        client.read().unwrap()
    };
    let done = again(&whole).json();
    assert_eq!(
        (&done["status"], &done["id"]),
        (&json!("completed"), &whole["id"])
    );
    assert!(!text(&done).is_empty());
    let lost = asked(&sim, json!({"store": false, "input": "ho"})).json();
    let answer = again(&lost);
    let message = format!(
        "Response with id '{}' not found.",
        lost["id"].as_str().unwrap()
    );
    assert_eq!(
        (answer.status, &answer.json()["error"]["message"]),
        (404, &json!(message))
    );
    let kept = asked(&sim, json!({"input": "ho"})).json();
    assert_eq!(again(&kept).json(), kept);
    let answer = streamed(&sim, json!({"background": true}));
    assert_eq!(types(&answer)[..3], ["created", "queued", "in_progress"]);
    let events = answer.chunks_json();
    let statuses: Vec<&Value> = events[..3]
        .iter()
        .map(|e| &e["response"]["status"])
        .collect();
    assert_eq!(statuses, ["queued", "queued", "in_progress"]);
    assert_eq!(events.last().unwrap()["response"]["status"], "completed");
}

#[test]
fn a_format_and_log_probabilities_are_respected() {
    let sim = sim(json!({}));
    let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false,
                        "properties": {"a": {"type": "integer"}}});
    let format = json!({"type": "json_schema", "name": "n", "strict": true, "schema": schema});
    let reply = asked(&sim, json!({"text": {"format": format}})).json();
    let value: Value = serde_json::from_str(&text(&reply)).unwrap();
    assert!(value["a"].is_i64(), "{value}");
    let more = json!({"include": ["message.output_text.logprobs"], "top_logprobs": 2,
                      "max_output_tokens": 3});
    let whole = asked(&sim, more.clone()).json();
    let entries = whole["output"][0]["content"][0]["logprobs"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 3);
    assert_eq!(entries[0]["top_logprobs"].as_array().unwrap().len(), 2);
    let answer = streamed(&sim, more);
    let events = answer.chunks_json();
    let deltas = events
        .iter()
        .filter(|e| e["type"] == "response.output_text.delta");
    let pieces: Vec<Value> = deltas.map(|event| event["logprobs"][0].clone()).collect();
    assert_eq!(entries, Value::from(pieces));
}
