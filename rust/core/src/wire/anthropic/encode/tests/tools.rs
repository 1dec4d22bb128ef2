//! Tools, the choice between them, and marks of cached prefixes.

use serde_json::{Value, json};

use super::{asking, body, encoded, refused};

const MODEL: &str = "claude-opus-4-8";

fn tools(tools: &Value) -> Value {
    body(&asking(MODEL, &json!({"tools": tools})))["tools"].take()
}

#[test]
fn a_function_has_an_input_schema_of_an_object() {
    let empty = json!({"type": "object", "properties": {}});
    for (function, expected) in [
        (
            json!({"name": "f"}),
            json!({"name": "f", "input_schema": empty}),
        ),
        (
            json!({"name": "f", "description": "d", "parameters": null, "strict": null}),
            json!({"name": "f", "description": "d", "input_schema": empty}),
        ),
        (
            json!({"name": "f", "parameters": {"properties": {"a": {"type": "integer", "minimum": 1}}}}),
            json!({"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}}),
        ),
        (
            json!({"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}, "strict": true}),
            json!({"name": "f", "strict": true, "input_schema": {"type": "object", "additionalProperties": false,
                   "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}}}}),
        ),
    ] {
        assert_eq!(
            tools(&json!([{"type": "function", "function": function}])),
            json!([expected])
        );
        let mut flat = function;
        flat["type"] = json!("function");
        assert_eq!(tools(&json!([flat])), json!([expected]));
    }
    let more = json!([{"type": "function", "function": {"name": "f", "input_examples": [{}]}, "defer_loading": true, "cache": "1h"}]);
    assert_eq!(
        tools(&more),
        json!([{"name": "f", "input_schema": empty, "input_examples": [{}], "defer_loading": true,
                "cache_control": {"type": "ephemeral", "ttl": "1h"}}])
    );
}

#[test]
fn tools_of_the_api_pass_as_they_are() {
    let own = json!([
        {"type": "web_search_20260318", "name": "web_search", "max_uses": 2, "allowed_callers": null},
        {"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "g", "input_schema": {"type": "object"}},
    ]);
    assert_eq!(tools(&own), own);
    let marked = json!([{"type": "web_search_20260318", "name": "web_search", "cache": true}]);
    assert_eq!(
        tools(&marked),
        json!([{"type": "web_search_20260318", "name": "web_search", "cache_control": {"type": "ephemeral"}}])
    );
}

#[test]
fn a_tool_that_it_cannot_have_is_refused_by_its_path() {
    for (tool, why) in [
        (
            json!({"type": "custom", "custom": {"name": "sql"}}),
            ": messages has no tools with a grammar; give a function",
        ),
        (
            json!({"type": "function", "function": {"name": "a.b"}}),
            ".function.name: it must have 1 to 128 letters, digits, _ and -",
        ),
        (
            json!({"type": "function", "function": {}}),
            ".function.name: it is missing",
        ),
        (
            json!({"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}),
            ".function.parameters.type: messages takes only an object, and not \"array\"; put the value into a property",
        ),
        (
            json!({"type": "function", "function": {"name": "f", "parameters": {"anyOf": [{"type": "object"}]}}}),
            ".function.parameters.anyOf: messages takes only an object; put the value into a property",
        ),
        (
            json!({"type": "function", "function": {"name": "f", "strict": true, "parameters": {"type": "object", "properties": {"a": {}}}}}),
            ".function.parameters.properties.a: it allows any value, which messages cannot express; give it a type, or give output_mode=\"prompt\"",
        ),
    ] {
        assert_eq!(
            refused(&asking(MODEL, &json!({"tools": [tool]}))).1,
            format!("params.tools[0]{why}")
        );
    }
    // Another vendor's model may take other names.
    let request = json!({"model": "qwen", "input": "hi", "params": {"tools": [{"type": "function", "function": {"name": "a.b"}}]}});
    assert_eq!(
        encoded("llamacpp", &request).unwrap().0["tools"][0]["name"],
        "a.b"
    );
}

#[test]
fn a_choice_is_written_in_this_form() {
    let choice = |choice: Value, parallel: Value| {
        let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
        body(&asking(
            MODEL,
            &json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}),
        ))["tool_choice"]
            .take()
    };
    for (given, expected) in [
        (json!("auto"), json!({"type": "auto"})),
        (json!("none"), json!({"type": "none"})),
        (json!("required"), json!({"type": "any"})),
        (json!("any"), json!({"type": "any"})),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            json!({"type": "tool", "name": "f"}),
        ),
        (
            json!({"type": "function", "name": "f"}),
            json!({"type": "tool", "name": "f"}),
        ),
        (
            json!({"type": "tool", "name": "f"}),
            json!({"type": "tool", "name": "f"}),
        ),
    ] {
        assert_eq!(choice(given.clone(), Value::Null), expected);
        for (parallel, disabled) in [(false, true), (true, false)] {
            let mut expected = expected.clone();
            if expected["type"] != "none" {
                expected["disable_parallel_tool_use"] = json!(disabled);
            }
            assert_eq!(choice(given.clone(), json!(parallel)), expected);
        }
    }
}

#[test]
fn only_the_allowed_tools_are_sent() {
    let request = asking(
        MODEL,
        &json!({
            "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g"}},
                      {"type": "web_search_20260318", "name": "web_search"}],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required",
                "tools": [{"type": "function", "function": {"name": "g"}}, {"type": "web_search_20260318", "name": "web_search"}]}},
        }),
    );
    let sent = body(&request);
    let names: Vec<_> = sent["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert_eq!(names, ["g", "web_search"]);
    assert_eq!(sent["tool_choice"], json!({"type": "any"}));
}

#[test]
fn a_request_has_four_marks_of_cached_prefixes_at_most() {
    let text = json!({"type": "text", "text": "a", "cache": true});
    let own = json!({"role": "user", "content": [{"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]});
    let request = |count: usize| {
        json!({"model": MODEL, "params": {"tools": [{"type": "function", "function": {"name": "f"}, "cache": true}]},
               "input": [{"role": "system", "parts": [text]}, {"role": "user", "parts": vec![text.clone(); count]}, own]})
    };
    body(&request(1));
    assert_eq!(
        refused(&request(3)).1,
        "messages[2].content[0].cache_control: messages takes 4 marks of cached prefixes, and there are 6; leave out 2 of them"
    );
    let wrong = json!({"model": MODEL, "input": [{"role": "user", "parts": [{"type": "text", "text": "a", "cache": "2h"}]}]});
    assert_eq!(
        refused(&wrong).1,
        "messages[0].parts[0].cache: it must be true, false or \"1h\""
    );
}
