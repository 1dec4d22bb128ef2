//! What the simulated model answers.

mod client;

use client::{Client, Ending, chat, sim, stream_from, whole_from};
use serde_json::{Value, json};
use tokenwire_sim::ledger_token;

const CHAT: &str = "/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";

#[test]
fn streamed_and_whole_replies_have_the_same_text() {
    let sim = sim(json!({}));
    let whole = whole_from(&sim).unwrap();
    let streamed = stream_from(&sim).unwrap();
    assert_eq!(streamed.ending, Ending::Whole);
    let text = whole.json()["choices"][0]["message"]["content"].clone();
    assert_eq!(streamed.said(0, "content"), text.as_str().unwrap());
    assert_eq!(whole.json()["usage"]["completion_tokens"], 16);
    assert_eq!(whole.json()["usage"]["prompt_tokens"], 1);
    assert_eq!(whole.json()["id"], streamed.chunks_json()[0]["id"]);
    assert_eq!(streamed.events().last().unwrap(), "[DONE]");
}

#[test]
fn a_stream_has_role_then_tokens_then_finish_then_usage() {
    let sim = sim(json!({}));
    let more = json!({"stream": true, "max_tokens": 2, "stream_options": {"include_usage": true}});
    let answer = Client::new(&sim).post(CHAT, &chat("a b c", more)).unwrap();
    let chunks = answer.chunks_json();
    assert_eq!(chunks.len(), 5);
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks[0]["usage"], Value::Null);
    assert_eq!(chunks[3]["choices"][0]["delta"], json!({}));
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "length");
    assert_eq!(chunks[4]["choices"], json!([]));
    assert_eq!(chunks[4]["usage"]["prompt_tokens"], 3);
    assert_eq!(chunks[4]["usage"]["completion_tokens"], 2);
    assert_eq!(chunks[4]["usage"]["total_tokens"], 5);
    assert_eq!(
        answer.header("content-type").unwrap(),
        "text/event-stream; charset=utf-8"
    );
}

#[test]
fn any_prefix_is_served() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    for prefix in ["", "/v1", "/openai/v1", "/openai/deployments/x"] {
        let path = format!("{prefix}/chat/completions?api-version=1");
        assert_eq!(
            client.post(&path, &chat("hi", json!({}))).unwrap().status,
            200,
            "{path}"
        );
    }
    client.write("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(client.read().unwrap().json()["data"][0]["id"], "chat");
    let lost = client.post("/v1/nothing", &json!({})).unwrap();
    assert_eq!(
        (lost.status, lost.json()["error"]["type"].as_str().is_some()),
        (404, true)
    );
}

#[test]
fn choices_differ_and_are_numbered() {
    let sim = sim(json!({}));
    let more = json!({"n": 3, "stream": true});
    let answer = Client::new(&sim).post(CHAT, &chat("hi", more)).unwrap();
    let texts: Vec<String> = (0..3).map(|index| answer.said(index, "content")).collect();
    assert!(texts.iter().all(|text| !text.is_empty()));
    assert!(texts[0] != texts[1] && texts[1] != texts[2]);
}

#[test]
fn completion_prompts_are_numbered_prompt_first() {
    let sim = sim(json!({}));
    let body = json!({"model": "completion", "prompt": ["a", [1, 2]], "n": 2, "max_tokens": 3,
                      "echo": true, "logprobs": 2});
    let reply = Client::new(&sim).post(COMPLETIONS, &body).unwrap().json();
    let choices = reply["choices"].as_array().unwrap();
    let starts: Vec<bool> = choices
        .iter()
        .map(|c| {
            c["text"]
                .as_str()
                .unwrap()
                .starts_with(if c["index"].as_u64() < Some(2) {
                    "a"
                } else {
                    " 1 2"
                })
        })
        .collect();
    assert_eq!(starts, [true; 4]);
    assert_eq!(
        choices[0]["logprobs"]["tokens"].as_array().unwrap().len(),
        4
    );
    assert_eq!(choices[0]["logprobs"]["token_logprobs"][0], Value::Null);
    assert_eq!(choices[0]["logprobs"]["text_offset"][1], 1);
    assert_eq!(reply["usage"], {
        let mut usage = reply["usage"].clone();
        usage["prompt_tokens"] = json!(3);
        usage["completion_tokens"] = json!(12);
        usage["total_tokens"] = json!(15);
        usage
    });
}

#[test]
fn a_streamed_completion_finishes_with_its_last_text() {
    let sim = sim(json!({}));
    let body = json!({"model": "m", "prompt": "a", "stream": true, "max_tokens": 3});
    let chunks = Client::new(&sim)
        .post(COMPLETIONS, &body)
        .unwrap()
        .chunks_json();
    assert_eq!(chunks.len(), 3);
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "length");
    assert_ne!(chunks[2]["choices"][0]["text"], "");
    let body = json!({"model": "m", "prompt": "a", "stream": true, "max_tokens": 0});
    let chunks = Client::new(&sim)
        .post(COMPLETIONS, &body)
        .unwrap()
        .chunks_json();
    assert_eq!(chunks.len(), 1);
}

#[test]
fn a_streamed_completion_begins_with_the_echoed_prompt() {
    let sim = sim(json!({}));
    let body = json!({"model": "m", "prompt": "a b\u{e9}", "stream": true, "max_tokens": 2,
                      "echo": true, "logprobs": 1});
    let chunks = Client::new(&sim)
        .post(COMPLETIONS, &body)
        .unwrap()
        .chunks_json();
    let choices: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]).collect();
    assert_eq!(choices.len(), 3);
    assert_eq!(choices[0]["text"], "a b\u{e9}");
    assert_eq!(choices[0]["logprobs"]["tokens"], json!(["a", " b\u{e9}"]));
    assert_eq!(choices[0]["logprobs"]["token_logprobs"][0], Value::Null);
    assert_eq!(choices[1]["logprobs"]["text_offset"], json!([4]));
    assert_eq!(choices[2]["finish_reason"], "length");
    let empty = json!({"model": "m", "prompt": [], "stream": true});
    let refused = Client::new(&sim).post(COMPLETIONS, &empty).unwrap();
    assert_eq!(
        (refused.status, refused.json()["error"]["param"].clone()),
        (400, json!("prompt"))
    );
}

#[test]
fn the_model_chat_says_sentences_that_quote_the_prompt() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let mut said = |more: Value| {
        let mut body = chat("Why is the sky blue?", json!({"model": "chat"}));
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        client.post(CHAT, &body).unwrap()
    };
    let whole = said(json!({"n": 2})).json();
    let choices = whole["choices"].as_array().unwrap().clone();
    let text = choices[0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.starts_with("You asked: \"Why is the sky blue?\" "),
        "{text}"
    );
    assert!(text.ends_with('.'), "{text}");
    assert_ne!(choices[1]["message"]["content"], text.as_str());
    assert_eq!(choices[0]["finish_reason"], "stop");
    let streamed = said(json!({"stream": true}));
    assert_eq!(streamed.said(0, "content"), text);
    let words: Vec<&str> = text.split(' ').collect();
    for (limit, reason) in [(words.len() - 1, "length"), (words.len(), "stop")] {
        let cut = said(json!({"max_tokens": limit})).json();
        assert_eq!(
            cut["choices"][0]["message"]["content"],
            words[..limit].join(" ")
        );
        assert_eq!(cut["choices"][0]["finish_reason"], reason);
        assert_eq!(cut["usage"]["completion_tokens"], limit);
    }
    let stopped = said(json!({"stop": "blue"})).json();
    assert_eq!(
        stopped["choices"][0]["message"]["content"],
        "You asked: \"Why is the sky "
    );
    let other = said(json!({"seed": 1})).json();
    assert_ne!(other["choices"][0]["message"]["content"], text.as_str());
}

#[test]
fn a_length_that_the_script_sets_is_in_words_for_every_model() {
    let sim = sim(json!({"default": {"pacing": {"tokens": 300}}}));
    let body = chat("hi", json!({"model": "chat"}));
    let reply = Client::new(&sim).post(CHAT, &body).unwrap().json();
    assert_eq!(reply["usage"]["completion_tokens"], 300);
}

#[test]
fn a_stop_cuts_before_the_first_match() {
    let sim = sim(json!({"default": {"reply": {"text": "one two three four"}}}));
    let more = json!({"stop": ["hree", "zzz"]});
    let reply = Client::new(&sim)
        .post(CHAT, &chat("hi", more))
        .unwrap()
        .json();
    assert_eq!(reply["choices"][0]["message"]["content"], "one two t");
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
}

#[test]
fn scripted_parts_arrive_in_order() {
    let sim = sim(json!({"default": {"reply": {
        "reasoning": "let me see", "text": "it\n\"is\"", "refusal": "no more",
        "finish_reason": "content_filter", "extra": {"x_groq": {"id": 1}},
        "usage": {"prompt_tokens": 7}, "headers": {"x-request-id": "mine"}}}}));
    let streamed = stream_from(&sim).unwrap();
    assert_eq!(streamed.said(0, "reasoning_content"), "let me see");
    assert_eq!(streamed.said(0, "content"), "it\n\"is\"");
    assert_eq!(streamed.said(0, "refusal"), "no more");
    assert_eq!(streamed.header("x-request-id"), Some("mine"));
    assert_eq!(streamed.chunks_json()[1]["x_groq"]["id"], 1);
    let whole = whole_from(&sim).unwrap().json();
    assert_eq!(
        whole["choices"][0]["message"]["reasoning_content"],
        "let me see"
    );
    assert_eq!(whole["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(whole["usage"], json!({"prompt_tokens": 7}));
}

#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn joined_arguments(chunks: &[Value], index: u64) -> String {
    let deltas = chunks
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["tool_calls"].as_array());
    let calls = deltas.flatten().filter(|call| call["index"] == index);
    calls
        .map(|call| call["function"]["arguments"].as_str().unwrap())
        .collect()
}

#[test]
fn tool_calls_are_sent_whole_or_in_fragments() {
    let calls = json!([{"name": "f", "arguments": {"city": "Orl\u{e9}ans"}},
                       {"id": "call_9", "name": "g", "arguments": "{bad"}]);
    for fragment in [0, 1, 8] {
        let reply = json!({"tool_calls": calls, "tool_fragment_bytes": fragment});
        let sim = sim(json!({"default": {"reply": reply}}));
        let answer = stream_from(&sim).unwrap();
        let chunks = answer.chunks_json();
        assert_eq!(joined_arguments(&chunks, 0), "{\"city\":\"Orl\u{e9}ans\"}");
        assert_eq!(joined_arguments(&chunks, 1), "{bad");
        assert_eq!(
            chunks.last().unwrap()["choices"][0]["finish_reason"],
            "tool_calls"
        );
        let whole = whole_from(&sim).unwrap().json();
        let message = &whole["choices"][0]["message"];
        assert_eq!(message["content"], Value::Null);
        assert_eq!(message["tool_calls"][1]["id"], "call_9");
    }
}

#[test]
fn structured_output_fits_the_schema() {
    let sim = sim(json!({}));
    let schema = json!({"type": "object", "required": ["name", "age"],
                        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "P", "schema": schema}});
    let more = json!({"stream": true, "response_format": format});
    let text = Client::new(&sim)
        .post(CHAT, &chat("hi", more))
        .unwrap()
        .said(0, "content");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value, json!({"name": "text", "age": 1}));
}

#[test]
fn chat_logprobs_cover_every_token() {
    let sim = sim(json!({}));
    let more = json!({"logprobs": true, "top_logprobs": 2, "max_tokens": 4});
    let reply = Client::new(&sim)
        .post(CHAT, &chat("hi", more))
        .unwrap()
        .json();
    let content = reply["choices"][0]["logprobs"]["content"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(content.len(), 4);
    assert_eq!(content[0]["top_logprobs"].as_array().unwrap().len(), 2);
}

#[test]
fn ledger_entries_prove_order() {
    let sim = sim(json!({"default": {"ledger": true, "pacing": {"tokens": 50}}}));
    let more = json!({"stream": true, "user": "s:7"});
    let text = Client::new(&sim)
        .post(CHAT, &chat("hi", more))
        .unwrap()
        .said(0, "content");
    let expected: String = (0..50).map(|seq| ledger_token("s_7", seq)).collect();
    assert_eq!(text, expected);
}

#[test]
fn bad_requests_name_the_parameter() {
    let sim = sim(json!({"models": ["words", "chat"]}));
    let mut client = Client::new(&sim);
    let mut refused = |body: &Value| {
        let answer = client.post(CHAT, body).unwrap();
        let error = answer.json()["error"].clone();
        (answer.status, error["param"].clone(), error["code"].clone())
    };
    let cases = [
        (json!([]), Value::Null),
        (json!({"messages": []}), json!("model")),
        (json!({"model": "words"}), json!("messages")),
        (chat("hi", json!({"n": 0})), json!("n")),
        (chat("hi", json!({"stream": "yes"})), json!("stream")),
        (chat("hi", json!({"temperature": 3})), json!("temperature")),
        (
            json!({"model": "words", "messages": [{"role": "boss"}]}),
            json!("messages[0].role"),
        ),
    ];
    for (body, param) in cases {
        assert_eq!(refused(&body), (400, param, Value::Null), "{body}");
    }
    let other = refused(&chat("hi", json!({"model": "other"})));
    assert_eq!(other, (404, Value::Null, json!("model_not_found")));
}

#[test]
fn a_required_key_is_checked() {
    let sim = sim(json!({"require_key": "sk-1"}));
    let mut client = Client::new(&sim);
    for (header, status) in [
        ("", 401),
        ("authorization: Bearer sk-2\r\n", 401),
        ("authorization: Bearer sk-1\r\n", 200),
        ("api-key: sk-1\r\n", 200),
    ] {
        client.send(CHAT, header, &chat("hi", json!({})));
        assert_eq!(client.read().unwrap().status, status, "{header}");
    }
}
