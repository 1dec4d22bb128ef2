//! Which tools the simulated model calls.

mod client;

use client::{Client, chat, sim};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn tools() -> Value {
    let city = json!({"type": "object", "required": ["city"],
                      "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    json!([{"type": "function", "function": {"name": "weather", "parameters": city}},
           {"type": "function", "function": {"name": "time"}}])
}

/// The names of the tools that a reply calls, after its finish reason.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn called(reply: &Value) -> Vec<String> {
    let choice = &reply["choices"][0];
    let calls = choice["message"]["tool_calls"].as_array().cloned();
    let names = calls.unwrap_or_default();
    let names = names.iter().map(|call| &call["function"]["name"]);
    [&choice["finish_reason"]]
        .into_iter()
        .chain(names)
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn tool_choice_says_which_tools_are_called() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let both: &[&str] = &["tool_calls", "weather", "time"];
    let named = json!({"type": "function", "function": {"name": "time"}});
    let allowed = |mode: &str| {
        let tools = json!([{"type": "function", "function": {"name": "time"}}]);
        json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}})
    };
    for (model, choice, expected) in [
        ("chat", Value::Null, both),
        ("chat", json!("auto"), both),
        ("sim-tools", json!("auto"), both),
        ("words", json!("auto"), &["stop"]),
        ("chat", json!("none"), &["stop"]),
        ("chat", json!("required"), both),
        ("words", json!("required"), both),
        ("words", named, &["tool_calls", "time"]),
        ("chat", allowed("auto"), &["tool_calls", "time"]),
        ("words", allowed("auto"), &["stop"]),
        ("words", allowed("required"), &["tool_calls", "time"]),
    ] {
        let body = json!({"model": model, "tools": tools(), "tool_choice": choice});
        let reply = client.post(CHAT, &chat("hi", body)).unwrap().json();
        assert_eq!(called(&reply), expected, "{model} {choice}");
        assert_eq!(
            reply["choices"][0]["message"]["content"].is_null(),
            expected.len() > 1
        );
    }
    let serial = json!({"model": "chat", "tools": tools(), "parallel_tool_calls": false});
    let reply = client.post(CHAT, &chat("hi", serial)).unwrap().json();
    assert_eq!(called(&reply), ["tool_calls", "weather"]);
}

#[test]
fn a_choice_that_no_tool_meets_is_refused() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let named = json!({"type": "function", "function": {"name": "nothing"}});
    for (tools, choice, text) in [
        (tools(), named.clone(), "'nothing' is not among the tools"),
        (json!([]), named, "'nothing' is not among the tools"),
        (
            Value::Null,
            json!("required"),
            "only allowed when 'tools' are specified",
        ),
        (tools(), json!("sometimes"), "or the name of a function"),
        (
            tools(),
            json!({"type": "function"}),
            "or the name of a function",
        ),
    ] {
        let body = chat("hi", json!({"tools": tools, "tool_choice": choice}));
        let answer = client.post(CHAT, &body).unwrap();
        let error = answer.json()["error"].clone();
        assert_eq!(
            (answer.status, error["param"].as_str()),
            (400, Some("tool_choice"))
        );
        assert!(error["message"].as_str().unwrap().contains(text), "{error}");
    }
}

#[test]
fn the_results_of_calls_are_in_the_answer() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let mut body = chat("hi", json!({"model": "chat", "tools": tools()}));
    let reply = client.post(CHAT, &body).unwrap().json();
    let message = reply["choices"][0]["message"].clone();
    let arguments = &message["tool_calls"][0]["function"]["arguments"];
    assert_eq!(arguments, "{\"city\":\"text\"}");
    assert_eq!(message["tool_calls"][1]["function"]["arguments"], "{}");
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(message.clone());
    for (place, result) in [json!("sunny"), json!([{"type": "text", "text": "noon"}])]
        .into_iter()
        .enumerate()
    {
        let id = &message["tool_calls"][place]["id"];
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
    }
    let reply = client.post(CHAT, &body).unwrap().json();
    assert_eq!(called(&reply), ["stop"]);
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    let expected = "The tool weather returned: sunny. The tool time returned: noon. ";
    assert!(text.starts_with(expected), "{text}");
    // A new question may call them again.
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "user", "content": "And tomorrow?"}));
    let reply = client.post(CHAT, &body).unwrap().json();
    assert_eq!(called(&reply), ["tool_calls", "weather", "time"]);
}

#[test]
fn each_choice_and_each_form_has_the_same_calls() {
    let sim = sim(json!({}));
    let more = json!({"tools": tools(), "tool_choice": "required", "n": 2});
    let mut body = chat("hi", more);
    let whole = Client::new(&sim).post(CHAT, &body).unwrap().json();
    body["stream"] = json!(true);
    let streamed = Client::new(&sim).post(CHAT, &body).unwrap().chunks_json();
    let mut ids = Vec::new();
    for choice in whole["choices"].as_array().unwrap() {
        for (at, call) in choice["message"]["tool_calls"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let deltas = streamed
                .iter()
                .map(|chunk| &chunk["choices"][0])
                .filter(|delta| delta["index"] == choice["index"])
                .filter_map(|delta| delta["delta"]["tool_calls"].as_array())
                .flatten()
                .filter(|delta| delta["index"] == at);
            let deltas: Vec<&Value> = deltas.collect();
            assert_eq!(deltas[0]["id"], call["id"]);
            let arguments: String = deltas
                .iter()
                .map(|delta| delta["function"]["arguments"].as_str().unwrap())
                .collect();
            assert_eq!(call["function"]["arguments"], arguments);
            ids.push(call["id"].to_string());
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn functions_are_called_in_the_older_form() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let functions: Vec<Value> = tools()
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"].clone())
        .collect();
    let more = json!({"functions": functions, "function_call": {"name": "weather"}});
    let mut body = chat("hi", more);
    let reply = client.post(CHAT, &body).unwrap().json();
    let call = json!({"name": "weather", "arguments": "{\"city\":\"text\"}"});
    let choice = &reply["choices"][0];
    assert_eq!(choice["message"]["function_call"], call);
    assert_eq!(choice["message"]["tool_calls"], Value::Null);
    assert_eq!(choice["finish_reason"], "function_call");
    body["stream"] = json!(true);
    let chunks = client.post(CHAT, &body).unwrap().chunks_json();
    let deltas = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["function_call"]);
    let deltas: Vec<&Value> = deltas.filter(|delta| !delta.is_null()).collect();
    assert_eq!(deltas[0]["name"], "weather");
    let arguments = deltas
        .iter()
        .filter_map(|delta| delta["arguments"].as_str());
    assert_eq!(arguments.collect::<String>(), "{\"city\":\"text\"}");
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "function_call"
    );
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "function", "name": "weather", "content": "sunny"}));
    body["stream"] = json!(false);
    let reply = client.post(CHAT, &body).unwrap().json();
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(
        text.starts_with("The tool weather returned: sunny. "),
        "{text}"
    );
}

#[test]
fn what_the_script_says_is_said_instead_of_a_call() {
    let sim = sim(json!({"default": {"reply": {"text": "No tools."}}}));
    let body = chat("hi", json!({"tools": tools(), "tool_choice": "required"}));
    let reply = Client::new(&sim).post(CHAT, &body).unwrap().json();
    assert_eq!(called(&reply), ["stop"]);
    assert_eq!(reply["choices"][0]["message"]["content"], "No tools.");
}
