//! Calls of tools, and their results.

use serde_json::{Value, json};

use super::{no_messages, whole, written};

/// What a result becomes.
fn result(part: &Value) -> Value {
    let mut part = part.clone();
    part["type"] = json!("tool_result");
    part["tool_call_id"] = json!("c");
    whole(&json!([{"role": "user", "content": "hi"},
                  {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}]},
                  {"role": "tool", "parts": [part]}]))[2]["content"][0]
        .take()
}

#[test]
fn a_result_has_text_images_and_documents_and_says_if_it_failed() {
    for (part, expected) in [
        (
            json!({"content": "{\"a\": 1}"}),
            json!({"content": "{\"a\": 1}"}),
        ),
        (json!({"content": ""}), json!({})),
        (
            json!({"content": [{"type": "text", "text": "a"}]}),
            json!({"content": "a"}),
        ),
        (
            json!({"content": "no", "error": true}),
            json!({"content": "no", "is_error": true}),
        ),
        (
            json!({"content": "a", "error": false}),
            json!({"content": "a"}),
        ),
        (
            json!({"content": [
                {"type": "text", "text": "a"}, {"type": "text", "text": ""},
                {"type": "image", "data": "aGk=", "media_type": "image/png"},
                {"type": "file", "data": "aGk=", "filename": "a.pdf"}], "cache": true}),
            json!({"content": [
                {"type": "text", "text": "a"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}, "title": "a.pdf"}],
                "cache_control": {"type": "ephemeral"}}),
        ),
    ] {
        let mut block = json!({"type": "tool_result", "tool_use_id": "c"});
        block
            .as_object_mut()
            .unwrap()
            .extend(expected.as_object().unwrap().clone());
        assert_eq!(result(&part), block);
    }
}

#[test]
fn all_results_of_a_turn_are_in_one_message_before_what_the_user_says() {
    let call = |id: &str| json!({"type": "tool_call", "id": id, "name": "f", "arguments": "{}"});
    let used = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let answer = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "1"});
    let calls = json!({"role": "assistant", "parts": [call("a"), call("b")]});
    let expected = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [used("a"), used("b")]},
        {"role": "user", "content": [answer("a"), answer("b"), {"type": "text", "text": "so?"}]},
        {"role": "assistant", "content": "so"},
    ]);
    let tool = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "1"});
    let said = json!({"role": "user", "content": "so?"});
    for turn in [
        vec![tool("a"), tool("b"), said.clone()],
        vec![said.clone(), tool("a"), tool("b")],
        vec![tool("a"), said, tool("b")],
        vec![
            json!({"role": "tool", "parts": [
            {"type": "tool_result", "tool_call_id": "a", "content": "1"}, {"type": "tool_result", "tool_call_id": "b", "content": "1"}]}),
            json!({"role": "user", "parts": [{"type": "text", "text": "so?"}]}),
        ],
        vec![
            json!({"role": "user", "content": [answer("a")]}),
            json!({"role": "user", "content": [answer("b"), {"type": "text", "text": "so?"}]}),
        ],
    ] {
        let mut messages = vec![json!({"role": "user", "content": "hi"}), calls.clone()];
        messages.extend(turn);
        messages.push(json!({"role": "assistant", "content": "so"}));
        assert_eq!(whole(&Value::from(messages)), expected);
    }
}

#[test]
fn ids_that_the_api_refuses_are_rewritten_on_both_sides() {
    let turn = |id: &str| {
        [
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
            json!({"role": "tool", "tool_call_id": id, "content": "1"}),
        ]
    };
    let ids = |sent: &Value| -> Vec<(Value, Value)> {
        let list = sent.as_array().unwrap();
        let mut all = Vec::new();
        for pair in list[1..].chunks(2) {
            all.push((
                pair[0]["content"][0]["id"].clone(),
                pair[1]["content"][0]["tool_use_id"].clone(),
            ));
        }
        all
    };
    let mut messages = vec![json!({"role": "user", "content": "hi"})];
    for id in ["functions.f:0", "a|b", "call_1", "call_1", "é"] {
        messages.extend(turn(id));
    }
    // Another turn may have the same ids.
    let written: Vec<_> = ["functions_f_0", "a_b", "call_1", "call_1", "_"]
        .into_iter()
        .map(|id| (json!(id), json!(id)))
        .collect();
    assert_eq!(ids(&whole(&Value::from(messages))), written);
}

#[test]
fn calls_and_results_without_ids_or_with_one_id_answer_each_other_in_their_order() {
    let call = |id: Value| json!({"type": "tool_call", "id": id, "name": "f", "arguments": ""});
    let result =
        |id: Value, text: &str| json!({"type": "tool_result", "tool_call_id": id, "content": text});
    let sent = whole(&json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "parts": [call(Value::Null), call(json!("x")), call(json!("")), call(json!("x"))]},
        {"role": "tool", "parts": [result(json!("x"), "2"), result(Value::Null, "1"), result(Value::Null, "3"), result(json!("x"), "4")]},
    ]));
    let ids = |at: usize, key: &str| -> Vec<String> {
        let list = sent[at]["content"].as_array().unwrap();
        list.iter()
            .map(|block| block[key].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(1, "id"),
        ["call_messages_1", "x", "call_messages_2", "x_2"]
    );
    assert_eq!(
        ids(2, "tool_use_id"),
        ["x", "call_messages_1", "call_messages_2", "x_2"]
    );
}

#[test]
fn calls_of_a_turn_have_ids_that_differ() {
    let given = ["a.b", "a_b", "a_b", "a_b_2"];
    let calls: Vec<_> = given
        .iter()
        .map(|id| json!({"type": "tool_call", "id": id, "name": "f", "arguments": ""}))
        .collect();
    let results: Vec<_> = given
        .iter()
        .map(|id| json!({"type": "tool_result", "tool_call_id": id, "content": "1"}))
        .collect();
    let sent = whole(
        &json!([{"role": "user", "content": "hi"}, {"role": "assistant", "parts": calls}, {"role": "tool", "parts": results}]),
    );
    for (at, id) in ["a_b", "a_b_2", "a_b_3", "a_b_2_2"].iter().enumerate() {
        assert_eq!(sent[1]["content"][at]["id"], *id);
        assert_eq!(sent[2]["content"][at]["tool_use_id"], *id);
    }
}

#[test]
fn the_input_of_a_call_is_an_object() {
    let input = |arguments: Value| {
        whole(&json!([{"role": "user", "content": "hi"},
                      {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": arguments}]}]))[1]["content"][0]["input"]
            .take()
    };
    for (arguments, expected) in [
        (json!(""), json!({})),
        (json!(" "), json!({})),
        (json!("null"), json!({})),
        (Value::Null, json!({})),
        (json!(" {\"a\": [1, \"é\\n\"]} "), json!({"a": [1, "é\n"]})),
        (json!({"a": 1}), json!({"a": 1})),
    ] {
        assert_eq!(input(arguments), expected);
    }
    for (arguments, text) in [
        (json!("{\"a\": 1"), "{\"a\": 1"),
        (json!("[1]"), "[1]"),
        (json!("{} {}"), "{} {}"),
        (json!([1]), "[1]"),
    ] {
        assert_eq!(input(arguments.clone()), json!({"input": text}));
        let dict = json!([{"role": "user", "content": "hi"},
                          {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]}]);
        assert_eq!(
            whole(&dict)[1]["content"][0]["input"],
            json!({"input": text})
        );
    }
}

#[test]
fn a_call_that_the_limit_cut_goes_back_with_the_error_that_answers_it() {
    let call = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{\"city\": \"Os"});
    let result =
        json!({"type": "tool_result", "tool_call_id": "c", "content": "cut off", "error": true});
    let sent = whole(&json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [result]},
    ]));
    assert_eq!(
        (&sent[1]["content"], &sent[2]["content"]),
        (
            &json!([{"type": "tool_use", "id": "c", "name": "f", "input": {"input": "{\"city\": \"Os"}}]),
            &json!([{"type": "tool_result", "tool_use_id": "c", "content": "cut off", "is_error": true}]),
        )
    );
}

#[test]
fn a_call_of_a_tool_with_a_grammar_keeps_its_text() {
    let (sent, _) = written(&json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
    ]));
    assert_eq!(
        sent[1]["content"],
        json!([{"type": "tool_use", "id": "c", "name": "sql", "input": {"input": "SELECT 1"}}])
    );
}

#[test]
fn a_name_that_the_api_refuses_is_rewritten_in_a_call_that_was_made() {
    let long = "n".repeat(200);
    let name = |name: &str| {
        whole(&json!([{"role": "user", "content": "hi"},
                      {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": name, "arguments": "{}"}]}]))[1]["content"][0]["name"]
            .take()
    };
    assert_eq!(name("a.b:c"), "a_b_c");
    assert_eq!(name(&long), "n".repeat(128));
}

#[test]
fn calls_and_results_are_in_the_messages_of_those_who_make_them() {
    let call = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"});
    let result = json!({"type": "tool_result", "tool_call_id": "c", "content": "1"});
    for (role, part, why) in [
        ("user", &call, "only a message of the assistant has calls"),
        (
            "assistant",
            &result,
            "only a message of the user or of a tool has results",
        ),
    ] {
        let messages = json!([{"role": role, "parts": [part]}]);
        assert_eq!(
            no_messages(&messages),
            format!("messages[0].parts[0]: {why}")
        );
    }
    let text = json!([{"role": "tool", "parts": [{"type": "text", "text": "1"}]}]);
    assert_eq!(
        no_messages(&text),
        "messages[0]: a tool message holds results; write call.result(…) or ToolResult(call_id, …)"
    );
    let nameless = json!([{"role": "user", "content": "hi"}, {"role": "tool", "content": "1"}]);
    assert_eq!(
        no_messages(&nameless),
        "messages[1].tool_call_id: it is missing, and no call is without a result"
    );
}
