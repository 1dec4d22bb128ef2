//! Tools, and the choice between them.

use serde_json::{Value, json};

use super::{body, encoded, refused};

const MODEL: &str = "gemini-2.5-flash";

fn with(params: &Value) -> Value {
    body(&json!({"model": MODEL, "input": "hi", "params": params}))
}

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}

fn why(params: &Value) -> String {
    refused(&json!({"model": MODEL, "input": "hi", "params": params})).1
}

#[test]
fn functions_are_declared_in_one_tool_and_others_pass() {
    let schema = json!({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}});
    let described = json!({"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": false}});
    let tools = json!([{"googleSearch": {}}, described, {"codeExecution": {}}, function("g"), {"url_context": {}}]);
    assert_eq!(
        with(&json!({"tools": tools}))["tools"],
        json!([
            {"googleSearch": {}},
            {"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": schema}, {"name": "g"}]},
            {"codeExecution": {}}, {"url_context": {}},
        ])
    );
    let own = json!([{"functionDeclarations": [{"name": "h", "parameters": {"type": "OBJECT"}}]}]);
    assert_eq!(with(&json!({"tools": own}))["tools"], own);
    assert_eq!(with(&json!({"tools": []}))["tools"], json!([]));
}

#[test]
fn a_function_without_parameters_has_no_schema() {
    for parameters in [json!({}), Value::Null] {
        let tools = json!([
            {"type": "function", "function": {"name": "f", "parameters": parameters}},
            {"type": "function", "name": "g", "parameters": parameters},
        ]);
        assert_eq!(
            with(&json!({"tools": tools}))["tools"],
            json!([{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}])
        );
    }
}

#[test]
fn a_mark_of_a_cached_prefix_is_left_out_of_a_tool() {
    let tools = json!([{"type": "function", "function": {"name": "f"}, "cache": true}, {"googleSearch": {}, "cache": "1h"}]);
    assert_eq!(
        with(&json!({"tools": tools}))["tools"],
        json!([{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}])
    );
    let wrong = json!([{"type": "function", "function": {"name": "f"}, "cache": 1}]);
    assert!(why(&json!({"tools": wrong})).starts_with("params.tools[0].cache: "));
}

#[test]
fn a_strict_function_has_no_place_and_is_listed() {
    let tools = json!([{"type": "function", "function": {"name": "f", "strict": true}}]);
    let request = json!({"model": MODEL, "input": "hi", "params": {"tools": tools}});
    let (body, encoded) = encoded("google", &request).unwrap();
    assert_eq!(
        body["tools"],
        json!([{"functionDeclarations": [{"name": "f"}]}])
    );
    assert_eq!(encoded.dropped, ["params.tools[0].function.strict"]);
}

#[test]
fn a_name_has_up_to_128_letters_digits_and_four_signs() {
    for name in ["f", "_a.b:c-d9", &"x".repeat(128)] {
        assert_eq!(
            with(&json!({"tools": [function(name)]}))["tools"][0]["functionDeclarations"][0]["name"],
            name
        );
    }
    for name in ["", "9a", "a b", "é", &"x".repeat(129)] {
        let text = why(&json!({"tools": [function(name)]}));
        assert!(
            text.starts_with("params.tools[0].function.name: "),
            "{text}"
        );
        assert!(text.len() < 300, "{text}");
    }
}

#[test]
fn a_choice_is_a_mode_with_the_names_that_are_allowed() {
    let config = |mode: &str| json!({"functionCallingConfig": {"mode": mode}});
    let named = |mode: &str, names: &[&str]| json!({"functionCallingConfig": {"mode": mode, "allowedFunctionNames": names}});
    let allowed = |mode: &str| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [function("f"), function("g")]}});
    for (choice, expected) in [
        (json!("auto"), config("AUTO")),
        (json!("none"), config("NONE")),
        (json!("required"), config("ANY")),
        (json!("any"), config("ANY")),
        (json!("validated"), config("VALIDATED")),
        (function("f"), named("ANY", &["f"])),
        (allowed("required"), named("ANY", &["f", "g"])),
        (allowed("auto"), named("VALIDATED", &["f", "g"])),
        (config("ANY"), config("ANY")),
        (
            json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
            named("ANY", &["f"]),
        ),
    ] {
        let body = with(&json!({"tools": [function("f")], "tool_choice": choice}));
        assert_eq!(body["toolConfig"], expected, "{choice}");
    }
    // What else the caller has there stays.
    let request = json!({"model": MODEL, "input": "hi", "params": {"tool_choice": "required"},
        "extra_body": {"tool_config": {"includeServerSideToolInvocations": true}}});
    assert_eq!(
        body(&request)["toolConfig"],
        json!({"functionCallingConfig": {"mode": "ANY"}, "includeServerSideToolInvocations": true})
    );
}

#[test]
fn a_choice_that_is_none_is_refused() {
    for (choice, expected) in [
        (
            json!("perhaps"),
            "params.tool_choice: \"perhaps\" is not one of",
        ),
        (
            json!({"type": "web_search"}),
            "params.tool_choice: gemini can be made to call functions only",
        ),
        (
            json!({"type": "function", "function": {}}),
            "params.tool_choice.function.name: it is missing",
        ),
    ] {
        let text = why(&json!({"tool_choice": choice}));
        assert!(text.starts_with(expected), "{text}");
    }
    for (tool, expected) in [
        (
            json!({"type": "custom", "custom": {"name": "f"}}),
            "custom; ",
        ),
        (
            json!({"type": "web_search"}),
            "web_search, which are of responses; ",
        ),
        (
            json!({"type": "web_search_20260318", "name": "web_search"}),
            "web_search_20260318, which are of messages; ",
        ),
    ] {
        let text = why(&json!({"tools": [tool]}));
        let start = "params.tools[0].type: gemini has no tools of type ";
        assert!(text.starts_with(&format!("{start}{expected}")), "{text}");
    }
}

#[test]
fn a_function_in_the_form_of_responses_is_declared_and_chosen_too() {
    let flat = json!({"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false, "cache": true});
    let choice = json!({"type": "function", "name": "f"});
    let sent = with(&json!({"tools": [flat, function("g")], "tool_choice": choice}));
    assert_eq!(
        sent["tools"],
        json!([{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}, {"name": "g"}]}])
    );
    assert_eq!(
        sent["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"],
        json!(["f"])
    );
}
