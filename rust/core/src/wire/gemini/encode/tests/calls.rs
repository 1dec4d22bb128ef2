//! Calls, their signatures, and results.

use serde_json::{Value, json};

use super::{assistant, contents, refused, sent, whole};

const OLD: &str = "gemini-2.5-flash";
const NEW: &str = "gemini-3-flash-preview";
const DUMMY: &str = "skip_thought_signature_validator";

fn call(id: &str) -> Value {
    json!({"type": "tool_call", "id": id, "name": "f", "arguments": "{\"a\": 1}"})
}

fn result(id: &str, content: &Value) -> Value {
    json!({"role": "tool", "parts": [{"type": "tool_result", "tool_call_id": id, "content": content}]})
}

/// What a result of `f` becomes.
fn response(result: &Value) -> Value {
    let mut part = json!({"type": "tool_result", "tool_call_id": "c", "name": "f"});
    for (key, value) in result.as_object().unwrap() {
        part[key] = value.clone();
    }
    let messages = json!([{"role": "tool", "parts": [part]}]);
    let (mut contents, _) = contents(NEW, &messages);
    contents[0]["parts"][0]["functionResponse"]["response"].take()
}

#[test]
fn a_call_has_an_object_of_arguments() {
    for (arguments, args) in [
        (
            json!("{\"b\": [1.50, \"\\u00e9\"], \"a\": {}}"),
            json!({"b": [1.50, "é"], "a": {}}),
        ),
        (json!(""), json!({})),
        (json!("null"), json!({})),
        (json!("  {}  "), json!({})),
        (json!({"a": 1}), json!({"a": 1})),
        (json!("{\"a\": NaN}"), json!({"a": null})),
    ] {
        let part = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": arguments});
        assert_eq!(
            whole(&assistant(&json!([part]))),
            json!([{"role": "model", "parts": [{"functionCall": {"name": "f", "args": args, "id": "c"}}]}])
        );
    }
}

#[test]
fn arguments_that_are_not_an_object_go_back_in_one() {
    for text in ["[1]", "1", "{\"a\": ", "{} {}", "x"] {
        for provider in [Value::Null, json!("openai")] {
            let part = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": text, "provider": provider});
            let (contents, _) = contents(OLD, &assistant(&json!([part])));
            assert_eq!(
                contents[0]["parts"][0]["functionCall"]["args"],
                json!({"input": text})
            );
        }
    }
    let custom = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}", "extra": {"custom": {}}});
    let (contents, _) = contents(OLD, &assistant(&json!([custom])));
    assert_eq!(
        contents[0]["parts"][0]["functionCall"]["args"],
        json!({"input": "{}"})
    );
}

#[test]
fn what_a_call_came_with_goes_back_on_the_same_part() {
    let extra = json!({"thoughtSignature": "s", "x": null, "function": {"y": [1]}});
    let part = sent(
        json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}", "extra": extra}),
    );
    assert_eq!(
        whole(&assistant(&json!([part]))),
        json!([{"role": "model", "parts": [{
            "functionCall": {"name": "f", "args": {}, "id": "c", "y": [1]}, "thoughtSignature": "s", "x": null}]}])
    );
}

#[test]
fn what_a_call_came_with_from_another_provider_is_left_out_and_listed() {
    for (provider, api) in [
        ("google", "chat"),
        ("vertex", "gemini"),
        ("openai", "responses"),
    ] {
        let part = json!({"type": "tool_call", "id": "c", "name": "f", "arguments": "{}", "provider": provider, "api": api,
            "extra": {"thoughtSignature": "s"}});
        let (contents, dropped) = contents(OLD, &assistant(&json!([part])));
        assert_eq!(
            contents[0]["parts"],
            json!([{"functionCall": {"name": "f", "args": {}, "id": "c"}}])
        );
        assert_eq!(dropped, ["messages[0].parts[0].extra"]);
    }
}

#[test]
fn results_of_parallel_calls_share_one_content() {
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "parts": [call("a"), call("b")]},
        result("a", &json!("1")), result("b", &json!("2")),
        {"role": "user", "content": "and?"},
    ]);
    let contents = whole(&messages);
    assert_eq!(contents.as_array().unwrap().len(), 4);
    assert_eq!(
        contents[2],
        json!({"role": "user", "parts": [
            {"functionResponse": {"name": "f", "id": "a", "response": {"output": "1"}}},
            {"functionResponse": {"name": "f", "id": "b", "response": {"output": "2"}}},
        ]})
    );
}

#[test]
fn results_keep_their_places_beside_other_parts() {
    let mixed = json!([{"type": "text", "text": "a"},
        {"type": "tool_result", "tool_call_id": "c", "name": "f", "content": "1"}, {"type": "text", "text": "b"}]);
    let contents = whole(&json!([{"role": "user", "parts": mixed}]));
    assert_eq!(
        contents[0]["parts"],
        json!([{"text": "a"}, {"functionResponse": {"name": "f", "id": "c", "response": {"output": "1"}}}, {"text": "b"}])
    );
}

#[test]
fn a_result_has_the_name_of_its_call() {
    let dicts = json!([
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]);
    assert_eq!(
        whole(&dicts)[1]["parts"][0]["functionResponse"]["name"],
        "g"
    );
    // A name of its own wins.
    let mut named = dicts.clone();
    named[1]["name"] = json!("h");
    assert_eq!(
        whole(&named)[1]["parts"][0]["functionResponse"]["name"],
        "h"
    );
    // Calls without an id are answered in their order.
    let nameless = json!([
        {"role": "assistant", "parts": [
            {"type": "tool_call", "name": "one", "arguments": ""}, {"type": "tool_call", "name": "two", "arguments": ""}]},
        {"role": "tool", "parts": [{"type": "tool_result", "content": "1"}]},
        {"role": "tool", "parts": [{"type": "tool_result", "content": "2"}]},
    ]);
    assert_eq!(
        whole(&nameless)[1]["parts"],
        json!([{"functionResponse": {"name": "one", "response": {"output": "1"}}},
               {"functionResponse": {"name": "two", "response": {"output": "2"}}}])
    );
}

#[test]
fn a_result_whose_function_nobody_named_is_refused_with_the_fix() {
    let (_, text) = refused(&json!({"model": OLD, "input": [result("a", &json!("1"))]}));
    assert_eq!(
        text,
        "messages[0].parts[0]: no call before it has the id \"a\", and gemini needs the name of the function; \
         give ToolResult(call_id, content, name=…)"
    );
    let dict = json!([{"role": "tool", "content": "1"}]);
    let (_, text) = refused(&json!({"model": OLD, "input": dict}));
    assert!(
        text.starts_with("messages[0]: it has neither an id nor a name"),
        "{text}"
    );
}

#[test]
fn a_result_is_an_output_an_error_or_the_object_itself() {
    for (result, expected) in [
        (json!({"content": "5 °C"}), json!({"output": "5 °C"})),
        (json!({"content": ""}), json!({"output": ""})),
        (json!({}), json!({"output": ""})),
        (
            json!({"content": "[1, {\"a\": NaN}]"}),
            json!({"output": [1, {"a": null}]}),
        ),
        // These are not JSON.
        (
            json!({"content": "{\"a\": \"x\ny\"}"}),
            json!({"output": "{\"a\": \"x\ny\"}"}),
        ),
        (
            json!({"content": "{\"a\": 01}"}),
            json!({"output": "{\"a\": 01}"}),
        ),
        (json!({"content": "5"}), json!({"output": "5"})),
        (
            json!({"content": " {\"return_value\": [1.0]} "}),
            json!({"return_value": [1.0]}),
        ),
        (json!({"content": "{}"}), json!({})),
        (
            json!({"content": "{\"a\": "}),
            json!({"output": "{\"a\": "}),
        ),
        (
            json!({"content": "no", "error": true}),
            json!({"error": "no"}),
        ),
        (
            json!({"content": "no", "error": false}),
            json!({"output": "no"}),
        ),
        (
            json!({"content": "{\"code\": 5}", "error": true}),
            json!({"error": {"code": 5}}),
        ),
        // The API would read these keys as its own.
        (
            json!({"content": "{\"error\": null, \"rows\": []}"}),
            json!({"output": {"error": null, "rows": []}}),
        ),
        (
            json!({"content": "{\"output\": 1}"}),
            json!({"output": {"output": 1}}),
        ),
        (
            json!({"content": "{\"a\": {\"$ref\": \"#/x\"}}"}),
            json!({"output": "{\"a\": {\"$ref\": \"#/x\"}}"}),
        ),
        (
            json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            json!({"output": "a\nb"}),
        ),
        (json!({"content": []}), json!({})),
        (json!({"content": [], "error": true}), json!({"error": ""})),
    ] {
        assert_eq!(response(&result), expected, "{result}");
    }
}

#[test]
fn the_parts_of_a_result_hold_images_from_gemini_3_on() {
    let content = json!([{"type": "text", "text": "a"}, {"type": "image", "data": "QQ==", "media_type": "image/png"},
        {"type": "file", "url": "https://x.org/a.pdf"}]);
    let part = json!({"type": "tool_result", "tool_call_id": "c", "name": "f", "content": content, "scheduling": "SILENT"});
    let messages = json!([{"role": "tool", "parts": [part]}]);
    let (sent, _) = contents(NEW, &messages);
    assert_eq!(
        sent[0]["parts"][0]["functionResponse"],
        json!({"name": "f", "id": "c", "response": {"output": "a"}, "scheduling": "SILENT", "parts": [
            {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.org/a.pdf"}}]})
    );
    let (_, text) = refused(&json!({"model": OLD, "input": messages}));
    assert!(
        text.starts_with("messages[0].parts[0].content[1]: gemini-2.5-flash takes only text"),
        "{text}"
    );
}

#[test]
fn history_of_another_model_gets_the_documented_word_for_a_signature() {
    let messages = json!([
        {"role": "user", "content": "old"},
        {"role": "assistant", "parts": [call("x")]}, result("x", &json!("0")),
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "new"},
        {"role": "assistant", "parts": [{"type": "text", "text": "hm"}, call("a"), call("b")]},
        result("a", &json!("1")), result("b", &json!("2")),
        {"role": "assistant", "parts": [call("c")]}, result("c", &json!("3")),
    ]);
    let signatures = |model: &str| -> Vec<Vec<Value>> {
        let (contents, dropped) = contents(model, &messages);
        assert_eq!(dropped, [""; 0]);
        let all = contents
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["role"] == "model");
        all.map(|it| {
            it["parts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part["thoughtSignature"].clone())
                .collect()
        })
        .collect()
    };
    let none = Value::Null;
    assert_eq!(
        signatures(NEW),
        [
            // An earlier turn is not checked.
            vec![none.clone()],
            vec![none.clone()],
            // Of parallel calls, the first has it.
            vec![none.clone(), json!(DUMMY), none.clone()],
            vec![json!(DUMMY)],
        ]
    );
    assert!(
        signatures("gemini-flash-latest")
            .concat()
            .contains(&json!(DUMMY))
    );
    assert!(!signatures(OLD).concat().contains(&json!(DUMMY)));
}

#[test]
fn a_signature_that_came_stays_and_the_calls_beside_it_have_none() {
    let own = |id: &str, extra: &Value| {
        sent(json!({"type": "tool_call", "id": id, "name": "f", "arguments": "{}", "extra": extra}))
    };
    let messages = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "parts": [own("a", &json!({"thoughtSignature": "s"})), own("b", &json!(null))]}]);
    let (contents, _) = contents(NEW, &messages);
    let parts = &contents[1]["parts"];
    assert_eq!(
        (
            &parts[0]["thoughtSignature"],
            parts[1].get("thoughtSignature")
        ),
        (&json!("s"), None)
    );
}

#[test]
fn a_result_with_text_beside_it_does_not_end_the_turn() {
    let mixed = json!([{"type": "tool_result", "tool_call_id": "a", "content": "1"}, {"type": "text", "text": "go on"}]);
    let messages = json!([{"role": "user", "content": "q"}, {"role": "assistant", "parts": [call("a")]},
        {"role": "user", "parts": mixed}]);
    let (contents, _) = contents(NEW, &messages);
    assert_eq!(contents[1]["parts"][0]["thoughtSignature"], DUMMY);
}

#[test]
fn an_id_that_was_made_up_is_not_sent() {
    let id = crate::wire::call_id::made_up();
    let messages = json!([
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": id, "name": "f", "arguments": "{}"},
            {"type": "tool_call", "id": "own", "name": "g", "arguments": "{}"},
        ]},
        {"role": "tool", "tool_call_id": id, "content": "1"},
        {"role": "tool", "tool_call_id": "own", "content": "2"},
    ]);
    let contents = whole(&messages);
    assert_eq!(
        contents[0]["parts"],
        json!([
            {"functionCall": {"name": "f", "args": {}}},
            {"functionCall": {"name": "g", "args": {}, "id": "own"}},
        ])
    );
    // The result still belongs to the call.
    assert_eq!(
        contents[1]["parts"],
        json!([
            {"functionResponse": {"name": "f", "response": {"output": "1"}}},
            {"functionResponse": {"name": "g", "id": "own", "response": {"output": "2"}}},
        ])
    );
}

#[test]
fn results_of_calls_that_share_an_id_answer_them_in_their_order() {
    let named =
        |name: &str| json!({"type": "tool_call", "id": "c", "name": name, "arguments": "{}"});
    let answered = |messages: &Value| -> Vec<Value> {
        let contents = contents("gemini-3-flash-preview", messages).0;
        let parts = contents.as_array().unwrap().iter();
        let parts = parts.flat_map(|content| content["parts"].as_array().unwrap());
        parts
            .filter_map(|part| part["functionResponse"].get("name"))
            .cloned()
            .collect()
    };
    let two = json!({"role": "assistant", "parts": [named("f"), named("g")]});
    let (one, other) = (result("c", &json!("1")), result("c", &json!("2")));
    assert_eq!(answered(&json!([two, one, other])), ["f", "g"]);
    // Also if a later turn repeats it, and a call of the turn before has no result.
    let again = json!({"role": "assistant", "parts": [named("h")]});
    let user = json!({"role": "user", "content": "again"});
    assert_eq!(answered(&json!([two, one, user, again, one])), ["f", "h"]);
}
