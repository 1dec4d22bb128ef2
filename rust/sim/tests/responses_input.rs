//! Responses: what a request may hold, and what must come back of earlier replies.

mod client;

use client::{Answer, Client, chat, sim};
use serde_json::{Value, json};
use tokenwire_sim::Sim;

#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
fn asked(sim: &Sim, more: Value) -> Answer {
    let mut body = json!({"model": "words", "input": "hi"});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    Client::new(sim).post("/v1/responses", &body).unwrap()
}

/// The 400 for a request: its message, parameter and code.
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::needless_pass_by_value
)]
fn refused(sim: &Sim, more: Value) -> (String, Value, Value) {
    let answer = asked(sim, more.clone());
    assert_eq!(answer.status, 400, "{more}: {}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["type"], "invalid_request_error");
    let message = error["message"].as_str().unwrap().to_owned();
    (message, error["param"].clone(), error["code"].clone())
}

fn assert_refused(sim: &Sim, more: Value, param: &str, part: &str) {
    let (message, at, _) = refused(sim, more);
    assert_eq!(at, param, "{message}");
    assert!(message.contains(part), "{param}: {message}");
}

#[test]
fn a_request_of_another_api_is_refused_by_name() {
    let sim = sim(json!({}));
    for (name, value, place) in [
        ("messages", json!([]), "input"),
        ("max_tokens", json!(1), "max_output_tokens"),
        ("max_completion_tokens", json!(1), "max_output_tokens"),
        ("response_format", json!({}), "text.format"),
        ("reasoning_effort", json!("low"), "reasoning.effort"),
        ("verbosity", json!("low"), "text.verbosity"),
    ] {
        let (message, param, code) = refused(&sim, json!({ name: value }));
        let start = format!(
            "Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{place}'."
        );
        assert!(message.starts_with(&start), "{message}");
        assert_eq!((param, code), (json!(name), json!("unsupported_parameter")));
    }
    for (more, name) in [
        (json!({"stop": ["a"]}), "stop"),
        (json!({"seed": 1}), "seed"),
        (json!({"n": 2}), "n"),
        (json!({"logit_bias": {}}), "logit_bias"),
        (json!({"presence_penalty": 1}), "presence_penalty"),
        (
            json!({"stream_options": {"include_usage": true}}),
            "stream_options.include_usage",
        ),
    ] {
        let expected = format!("Unknown parameter: '{name}'.");
        let code = json!("unknown_parameter");
        assert_eq!(refused(&sim, more), (expected, json!(name), code));
    }
    // What no API has is not known to be wrong.
    assert_eq!(asked(&sim, json!({"a_new_one": 1})).status, 200);
}

#[test]
fn a_wrong_item_is_refused_by_its_place() {
    let sim = sim(json!({}));
    let message = |content: Value| json!({"input": [{"role": "user", "content": content}]});
    for (more, param, part) in [
        (
            json!({"model": null}),
            "model",
            "Missing required parameter: 'model'.",
        ),
        (json!({"input": null}), "input", "must be provided."),
        (json!({"input": []}), "input", "must be provided."),
        (json!({"input": 1}), "input", "a string or a list"),
        (json!({"input": ["hi"]}), "input[0]", "an object"),
        (
            json!({"input": [{"role": "tool", "content": ""}]}),
            "input[0].role",
            "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
        ),
        (
            json!({"input": [{"role": "user"}]}),
            "input[0].content",
            "Missing",
        ),
        (
            message(json!([{"type": "text", "text": "a"}])),
            "input[0].content[0].type",
            "Invalid value: 'text'. Supported values are: 'input_text', ",
        ),
        (
            json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "a"}]}]}),
            "input[0].content[0].type",
            "Supported values are: 'output_text' and 'refusal'.",
        ),
        (
            json!({"input": [{"type": "function_call", "id": "call_1"}]}),
            "input[0].id",
            "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'.",
        ),
        (
            json!({"input": [{"type": "function_call", "call_id": "c"}]}),
            "input[0].name",
            "Missing",
        ),
        (
            json!({"input": [{"type": "reasoning", "id": "rs_1"}]}),
            "input[0].summary",
            "Missing",
        ),
    ] {
        assert_refused(&sim, more, param, part);
    }
}

#[test]
fn a_wrong_setting_is_refused_by_its_name() {
    let sim = sim(json!({}));
    let tool = json!({"type": "function", "function": {"name": "f"}});
    for (more, param, part) in [
        (json!({"instructions": ["a"]}), "instructions", "a string"),
        (json!({"temperature": "hot"}), "temperature", "a number"),
        (
            json!({"max_output_tokens": 0}),
            "max_output_tokens",
            "a whole number",
        ),
        (json!({"store": "no"}), "store", "a boolean"),
        (json!({"include": "all"}), "include", "a list"),
        (
            json!({"reasoning": {"effort": "lots"}}),
            "reasoning.effort",
            "Invalid value: 'lots'.",
        ),
        (
            json!({"text": {"format": {"type": "json_schema", "json_schema": {}}}}),
            "text.format.name",
            "Missing",
        ),
        (
            json!({"text": {"format": {"type": "xml"}}}),
            "text.format.type",
            "Invalid value: 'xml'.",
        ),
        (json!({"tools": [tool]}), "tools[0].name", "Missing"),
        (
            json!({"tool_choice": "required"}),
            "tool_choice",
            "must be specified with 'tools'",
        ),
        (
            json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}),
            "tool_choice.name",
            "Missing",
        ),
        (
            json!({"tool_choice": {"type": "function", "name": "g"}}),
            "tool_choice",
            "Tool choice 'g' not found in 'tools' parameter.",
        ),
        (
            json!({"model": "gpt-4o", "include": ["reasoning.encrypted_content"]}),
            "include",
            "Encrypted content is not supported with this model.",
        ),
        (
            json!({"model": "gpt-4o", "reasoning": {"effort": "low"}}),
            "reasoning.effort",
            "is not supported with this model",
        ),
    ] {
        assert_refused(&sim, more, param, part);
    }
    let both = json!({"previous_response_id": "resp_1", "conversation": "conv_1"});
    assert!(
        refused(&sim, both)
            .0
            .starts_with("Mutually exclusive parameters")
    );
}

#[test]
fn a_body_that_is_not_an_object_a_key_and_a_model_are_checked_as_in_chat() {
    let sim = sim(json!({"models": ["m"], "require_key": "sk-1"}));
    let mut client = Client::new(&sim);
    let mut status = |headers: &str, body: &Value| {
        client.send("/v1/responses", headers, body);
        let answer = client.read().unwrap();
        (answer.status, answer.json()["error"]["code"].clone())
    };
    let asks = |model: &str| json!({"model": model, "input": "hi"});
    let key = "authorization: Bearer sk-1\r\n";
    assert_eq!(status("", &asks("m")), (401, Value::Null));
    let wrong = "authorization: Bearer sk-2\r\n";
    assert_eq!(status(wrong, &asks("m")), (401, json!("invalid_api_key")));
    assert_eq!(status(key, &asks("x")), (400, json!("model_not_found")));
    assert_eq!(status(key, &json!([1])), (400, Value::Null));
    assert_eq!(status(key, &asks("m")), (200, Value::Null));
}

/// A reply with reasoning and a call, and its items with a result.
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
fn conversation(sim: &Sim, store: bool) -> (Value, Vec<Value>) {
    let tools = json!([{"type": "function", "name": "add", "strict": false}]);
    let settings = json!({"model": "sim-tools", "tools": tools, "store": store,
                          "reasoning": {"effort": "low", "summary": "auto"}});
    let reply = asked(sim, settings.clone()).json();
    let mut items = vec![json!({"role": "user", "content": "hi"})];
    items.extend(reply["output"].as_array().unwrap().clone());
    let call = reply["output"][1]["call_id"].clone();
    items.push(json!({"type": "function_call_output", "call_id": call, "output": "42"}));
    (settings, items)
}

#[allow(clippy::indexing_slicing)]
fn continued(settings: &Value, items: &[Value]) -> Value {
    let mut more = settings.clone();
    more["input"] = items.into();
    more
}

#[test]
fn a_reply_comes_back_unchanged_and_the_next_one_repeats_the_results() {
    for store in [false, true] {
        let sim = sim(json!({}));
        let (settings, items) = conversation(&sim, store);
        assert_eq!(items[1]["encrypted_content"].is_string(), !store);
        let reply = asked(&sim, continued(&settings, &items));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let message = &reply.json()["output"][1];
        let text = message["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("The tool add returned: 42."), "{text}");
    }
}

#[test]
fn reasoning_that_was_not_stored_needs_its_encrypted_content() {
    let sim = sim(json!({}));
    let (settings, mut items) = conversation(&sim, false);
    let id = items[1]["id"].as_str().unwrap().to_owned();
    let content = items[1]["encrypted_content"].as_str().unwrap().to_owned();
    items[1]
        .as_object_mut()
        .unwrap()
        .remove("encrypted_content");
    let (message, param, code) = refused(&sim, continued(&settings, &items));
    let expected = format!(
        "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try \
         again with `store` set to true, or remove this item from your input."
    );
    assert_eq!(
        (message, param, code),
        (expected, json!("input"), Value::Null)
    );
    for changed in [
        content[..content.len() - 1].to_owned(),
        content.replacen('B', "C", 1),
    ] {
        items[1]["encrypted_content"] = changed.into();
        let (message, _, code) = refused(&sim, continued(&settings, &items));
        let start = format!("The encrypted content for item {id} could not be verified.");
        assert!(message.starts_with(&start), "{message}");
        assert_eq!(code, "invalid_encrypted_content");
    }
    items[1]["encrypted_content"] = content.into();
    items[1].as_object_mut().unwrap().remove("id");
    assert_eq!(asked(&sim, continued(&settings, &items)).status, 200);
    items[1]["id"] = "rs_other".into();
    let (message, _, _) = refused(&sim, continued(&settings, &items));
    assert!(message.contains("item_id did not match"), "{message}");
}

#[test]
fn the_content_of_the_first_event_is_not_yet_that_of_the_item() {
    let sim = sim(json!({}));
    let (mut settings, mut items) = conversation(&sim, false);
    settings["stream"] = true.into();
    let events = asked(&sim, settings.clone()).chunks_json();
    let added = events
        .iter()
        .find(|event| event["type"] == "response.output_item.added");
    items[1]["encrypted_content"] = added.unwrap()["item"]["encrypted_content"].clone();
    settings["stream"] = false.into();
    let (_, _, code) = refused(&sim, continued(&settings, &items));
    assert_eq!(code, "invalid_encrypted_content");
}

#[test]
fn reasoning_needs_the_item_that_it_led_to() {
    let sim = sim(json!({}));
    let (settings, items) = conversation(&sim, false);
    let id = items[1]["id"].as_str().unwrap();
    let expected = format!(
        "Item '{id}' of type 'reasoning' was provided without its required following item."
    );
    for alone in [&items[..2], &[items[1].clone(), items[0].clone()]] {
        assert_eq!(refused(&sim, continued(&settings, alone)).0, expected);
    }
}

#[test]
fn calls_and_results_belong_together() {
    let sim = sim(json!({}));
    let call = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c1", "output": "1"});
    let custom = json!({"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": ""});
    for (input, expected) in [
        (json!([call]), "No tool output found for function call c1."),
        (
            json!([output]),
            "No tool call found for function call output with call_id c1.",
        ),
        (
            json!([call, output, custom]),
            "No tool output found for custom tool call c2.",
        ),
    ] {
        let (message, param, _) = refused(&sim, json!({"input": input}));
        assert_eq!((message.as_str(), param), (expected, json!("input")));
    }
    for more in [
        json!({"input": [call, output]}),
        json!({"input": [output], "previous_response_id": "resp_1"}),
        json!({"input": [output], "conversation": {"id": "conv_1"}}),
        json!({"input": [{"type": "item_reference", "id": "fc_1"}, output]}),
        json!({"previous_response_id": "resp_1", "input": null}),
    ] {
        assert_eq!(asked(&sim, more.clone()).status, 200, "{more}");
    }
}

#[test]
fn tool_choice_says_which_tools_are_called() {
    let sim = sim(json!({}));
    let tools = json!([{"type": "function", "name": "weather"}, {"type": "custom", "name": "time"},
                       {"type": "web_search"}]);
    let both: &[&str] = &["function_call", "custom_tool_call"];
    let allowed = |mode: &str| json!({"type": "allowed_tools", "mode": mode, "tools": [{"type": "custom", "name": "time"}]});
    for (model, choice, expected) in [
        ("chat", Value::Null, both),
        ("sim-tools", json!("auto"), both),
        ("words", json!("auto"), &["message"]),
        ("chat", json!("none"), &["message"]),
        ("words", json!("required"), both),
        (
            "words",
            json!({"type": "function", "name": "weather"}),
            &["function_call"],
        ),
        (
            "words",
            json!({"type": "custom", "name": "time"}),
            &["custom_tool_call"],
        ),
        ("words", json!({"type": "web_search"}), &["message"]),
        ("chat", allowed("auto"), &["custom_tool_call"]),
        ("words", allowed("auto"), &["message"]),
        ("words", allowed("required"), &["custom_tool_call"]),
    ] {
        let more = json!({"model": model, "tools": tools, "tool_choice": choice});
        let reply = asked(&sim, more).json();
        let items = reply["output"].as_array().unwrap();
        let kinds: Vec<&Value> = items.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, expected, "{model} {choice}");
    }
    let one = json!({"model": "chat", "tools": tools, "parallel_tool_calls": false});
    assert_eq!(
        asked(&sim, one).json()["output"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn reasoning_is_made_up_where_the_request_gives_an_effort() {
    let sim = sim(json!({}));
    for (reasoning, blocks) in [
        (Value::Null, None),
        (json!({"effort": "none"}), None),
        (json!({"effort": "low"}), Some(0)),
        (json!({"effort": "max", "summary": "auto"}), Some(1)),
    ] {
        let reply = asked(&sim, json!({"reasoning": reasoning})).json();
        let item = &reply["output"][0];
        assert_eq!(item["type"] == "reasoning", blocks.is_some(), "{reasoning}");
        assert_eq!(
            item["summary"].as_array().map(Vec::len),
            blocks,
            "{reasoning}"
        );
        assert_eq!(
            reply["output"].as_array().unwrap().last().unwrap()["type"],
            "message"
        );
    }
}

#[test]
fn a_message_says_its_phase_for_the_models_that_know_phases() {
    let sim = sim(json!({}));
    for (model, phase) in [
        ("gpt-4o", Value::Null),
        ("gpt-5.3", Value::Null),
        ("gpt-5.3-codex", json!("final_answer")),
        ("gpt-5.6-sol", json!("final_answer")),
    ] {
        let reply = asked(&sim, json!({"model": model})).json();
        assert_eq!(reply["output"][0]["phase"], phase, "{model}");
    }
}

#[test]
fn chat_refuses_function_tools_for_the_models_that_take_them_here() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for (model, effort, is_refused) in [
        ("gpt-5.2", json!("low"), false),
        ("gpt-5.4", Value::Null, false),
        ("gpt-5.4-mini", json!("low"), true),
        ("gpt-5.5", json!("none"), false),
        ("gpt-5.6", Value::Null, true),
        ("gpt-5.6-sol", json!("none"), false),
        ("gpt-5.6-sol", json!("high"), true),
    ] {
        let more = json!({"model": model, "tools": tools, "reasoning_effort": effort});
        let answer = client
            .post("/v1/chat/completions", &chat("hi", more))
            .unwrap();
        assert_eq!(answer.status == 400, is_refused, "{model} {effort}");
        if is_refused {
            let expected = format!(
                "Function tools with reasoning_effort are not supported for {model} in \
                 /v1/chat/completions. To use function tools, use /v1/responses or set \
                 reasoning_effort to 'none'."
            );
            assert_eq!(answer.json()["error"]["message"], expected);
        }
    }
    let plain = chat("hi", json!({"model": "gpt-5.6"}));
    assert_eq!(
        client.post("/v1/chat/completions", &plain).unwrap().status,
        200
    );
}
