use serde_json::{Value, json};

use super::replies::{read, reply};
use super::streams::{delta, feed, folded};
use crate::message::{Choice, Fold};

/// The first choice of a stream of these choices, one in each event.
fn streamed(choices: &[Value]) -> Choice {
    let events: Vec<_> = choices
        .iter()
        .map(|choice| json!({"choices": [choice]}).to_string())
        .collect();
    folded(&events).choices.remove(0)
}

/// The first choice of a whole reply with this choice.
fn whole(choice: &Value) -> Choice {
    read(&json!({"choices": [choice]}).to_string())
        .unwrap()
        .choices
        .remove(0)
}

#[test]
fn text_beside_a_message_is_its_text_again() {
    let both = |text: &str, content: Value| json!({"text": text, "delta": {"content": content}});
    for (events, expected) in [
        // Together.
        (
            vec![
                both("1", json!("1")),
                both(",", json!(",")),
                both(" 2", json!(" 2")),
            ],
            "1, 2",
        ),
        (vec![both("1", json!("1")), both("1", json!("1"))], "11"),
        // Another text, an empty one, and one only in some events.
        (vec![both("x", json!("a")), both("y", json!("b"))], "ab"),
        (
            vec![
                both("a", json!("")),
                both("b", Value::Null),
                both("", json!("c")),
            ],
            "abc",
        ),
        (
            vec![
                json!({"text": "a"}),
                both("b", json!("b")),
                json!({"delta": {"content": "c"}}),
            ],
            "abc",
        ),
        (vec![both("x", json!([{"type": "text", "text": "a"}]))], "a"),
        (vec![both("\u{e9}\n", json!("\u{e9}\n"))], "\u{e9}\n"),
        // What follows a text that an event had twice.
        (
            vec![
                both("a", json!("a")),
                both("b", json!("")),
                both("c", json!("c")),
            ],
            "abc",
        ),
    ] {
        assert_eq!(streamed(&events).text(), expected, "{events:?}");
    }
    let thought = json!({"text": "hm", "delta": {"content": "", "reasoning": "hm"}});
    let thought = streamed(&[thought]);
    assert_eq!((&*thought.text(), &*thought.reasoning()), ("", "hm"));
    assert_eq!(
        whole(&json!({"text": "a", "message": {"content": "a"}})).text(),
        "a"
    );
    assert_eq!(
        whole(&json!({"text": "a", "message": {"content": null}})).text(),
        "a"
    );
    assert_eq!(whole(&json!({"text": "a", "message": null})).text(), "a");
}

#[test]
fn a_message_beside_a_delta_adds_only_what_is_new() {
    let both = |delta: &str, message: &str| json!({"delta": {"content": delta}, "message": {"content": message}});
    for (events, expected) in [
        (
            vec![both("a", "a"), both("b", "ab"), both("", "abc")],
            "abc",
        ),
        // The deltas count where the two differ.
        (
            vec![both("one", "another"), both(" two", "something else")],
            "one two",
        ),
        // Messages that are pieces.
        (
            vec![
                json!({"message": {"content": "a"}}),
                json!({"message": {"content": "b"}}),
            ],
            "ab",
        ),
        (
            vec![
                json!({"message": {"content": "a"}}),
                json!({"message": {"content": "ab"}}),
            ],
            "ab",
        ),
    ] {
        assert_eq!(streamed(&events).text(), expected, "{events:?}");
    }
    let call = |id: &str| json!({"id": id, "function": {"name": "f", "arguments": "{}"}});
    let events = [
        json!({"delta": {"tool_calls": [call("a")]}}),
        json!({"delta": {}, "message": {"tool_calls": [call("a"), call("b")]}}),
    ];
    assert_eq!(streamed(&events).tool_calls().count(), 2);
}

#[test]
fn a_whole_reply_has_one_message() {
    let message = json!({"content": "a", "reasoning": "r"});
    for choice in [
        json!({"message": message}),
        json!({"delta": message}),
        json!({"message": message, "delta": message}),
        json!({"message": message, "delta": {"content": "other"}, "text": "third"}),
        json!({"message": {"content": "", "reasoning": "r"}, "delta": message}),
        json!({"message": null, "delta": message}),
    ] {
        let choice = whole(&choice);
        assert_eq!((&*choice.text(), &*choice.reasoning()), ("a", "r"));
    }
}

#[test]
fn the_old_function_call_beside_tool_calls_is_the_same_call() {
    let function = json!({"name": "f", "arguments": "{}"});
    let call = json!({"index": 0, "id": "a", "type": "function", "function": function});
    let both = json!({"tool_calls": [call], "function_call": function});
    let names = |choice: &Choice| {
        let calls = choice.tool_calls();
        calls
            .map(|call| call.id.clone().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&reply(&both, "tool_calls").choices[0]), ["a"]);
    assert_eq!(names(&streamed(&[json!({"delta": both})])), ["a"]);
    let after = [
        json!({"delta": {"tool_calls": [call]}}),
        json!({"delta": {"function_call": function}}),
    ];
    assert_eq!(names(&streamed(&after)), ["a"]);
    let mut other = both.clone();
    other["function_call"]["name"] = json!("g");
    assert_eq!(names(&reply(&other, "tool_calls").choices[0]), ["a"]);
    let empty = json!({"tool_calls": [], "function_call": function});
    assert_eq!(reply(&empty, "stop").choices[0].tool_calls().count(), 1);
}

#[test]
fn reasoning_in_several_fields_is_there_once() {
    let details =
        json!([{"type": "reasoning.text", "text": "r", "summary": "s", "signature": "x"}]);
    for message in [
        json!({"reasoning": "r", "reasoning_content": "r"}),
        json!({"reasoning": "r", "reasoning_content": ""}),
        json!({"reasoning": "other", "reasoning_content": "r"}),
        json!({"reasoning": "r", "reasoning_details": details}),
        json!({"reasoning": null, "reasoning_details": details}),
        json!({"thinking": "r", "reasoning_text": "r"}),
        json!({"reasoning_content": "r", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]}),
    ] {
        assert_eq!(
            reply(&message, "stop").choices[0].reasoning(),
            "r",
            "{message}"
        );
        assert_eq!(
            folded(&[delta(&message)]).choices[0].reasoning(),
            "r",
            "{message}"
        );
    }
    // The blocks may come again at the end.
    let events = [
        delta(&json!({"reasoning": "r"})),
        delta(&json!({"reasoning_details": details})),
    ];
    assert_eq!(folded(&events).choices[0].reasoning(), "r");
    let refusal = json!({"refusal": "no", "content": [{"type": "refusal", "refusal": "no"}]});
    assert_eq!(reply(&refusal, "stop").choices[0].refusal().unwrap(), "no");
}

#[test]
fn usage_counts_from_its_best_place() {
    let usage = |count: u64| json!({"prompt_tokens": count, "completion_tokens": 1});
    let choice = |count: u64| json!({"index": 0, "delta": {"content": "a"}, "usage": usage(count)});
    let read_count = |events: &[Value]| {
        let events: Vec<_> = events.iter().map(Value::to_string).collect();
        folded(&events).usage.unwrap().prompt_tokens.unwrap()
    };
    for events in [
        vec![json!({"choices": [choice(5)]})],
        vec![json!({"choices": [choice(9)], "usage": usage(5)})],
        vec![json!({"usage": usage(5), "choices": [choice(9)], "x_groq": {"usage": usage(8)}})],
        vec![json!({"choices": [choice(5)], "usage": null, "x_groq": {"usage": usage(8)}})],
        vec![
            json!({"choices": [], "usage": usage(5)}),
            json!({"choices": [choice(9)]}),
        ],
        vec![
            json!({"choices": [choice(9)]}),
            json!({"choices": [], "usage": usage(5)}),
        ],
        vec![
            json!({"choices": [], "usage": usage(9)}),
            json!({"choices": [], "usage": usage(5)}),
        ],
        vec![json!({"choices": [], "x_groq": {"usage": usage(5)}, "usage": {}})],
    ] {
        assert_eq!(read_count(&events), 5, "{events:?}");
    }
    let mut reply: Value = json!({"choices": [{"message": {"content": "a"}, "usage": usage(5)}]});
    let prompt_tokens = |reply: &Value| {
        read(&reply.to_string())
            .unwrap()
            .usage
            .unwrap()
            .prompt_tokens
    };
    assert_eq!(prompt_tokens(&reply), Some(5));
    reply["usage"] = usage(6);
    assert_eq!(prompt_tokens(&reply), Some(6));
}

#[test]
fn tokens_in_two_forms_are_there_once() {
    let logprobs = json!({"content": [{"token": "a", "logprob": -0.5}], "tokens": ["a"], "token_logprobs": [-0.5]});
    let choice = json!({"index": 0, "message": {"content": "a"}, "logprobs": logprobs, "finish_reason": "stop"});
    assert_eq!(whole(&choice).logprobs.unwrap().tokens().len(), 1);
}

#[test]
fn an_event_with_its_text_twice_teaches_no_wrong_frame() {
    let both = |text: &str, content: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"text":"{text}","delta":{{"content":"{content}"}}}}]}}"#
        )
    };
    let events = [
        both("1", "1"),
        both("1", "2"),
        both("1", ""),
        both("3", "3"),
        both("3", ""),
    ];
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    let mut reply = Fold::default();
    for chunk in &feed(&events).unwrap().0 {
        reply.apply(chunk);
    }
    assert_eq!(reply.into_reply().choices[0].text(), "12133");
}

#[test]
fn what_another_field_says_in_another_event_is_there_once() {
    let text = |text: &str| json!({"text": text});
    let content = |text: &str| json!({"delta": {"content": text}});
    for (events, expected) in [
        // Piece by piece, whichever field is first.
        (vec![text("a"), content("a"), text("b"), content("b")], "ab"),
        (vec![content("a"), text("a"), content("b"), text("b")], "ab"),
        // All of it at the end.
        (vec![content("ab"), content("cd"), text("abcd")], "abcd"),
        (vec![text("ab"), text("cd"), content("abcd")], "abcd"),
        // What no field has had is new.
        (vec![text("a"), content("b"), text("c")], "abc"),
        (
            vec![content("a"), text("a"), text("b"), content("c")],
            "abc",
        ),
    ] {
        assert_eq!(streamed(&events).text(), expected, "{events:?}");
    }
    let thought = |field: &str, text: &str| json!({"delta": {field: text}});
    let block = |text: &str| json!({"delta": {"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]}});
    for events in [
        vec![
            thought("reasoning", "a"),
            thought("reasoning_content", "a"),
            thought("reasoning", "b"),
            thought("reasoning_content", "b"),
        ],
        vec![
            block("a"),
            thought("reasoning", "a"),
            block("b"),
            thought("reasoning", "b"),
        ],
        vec![block("a"), block("b"), thought("reasoning", "ab")],
    ] {
        assert_eq!(streamed(&events).reasoning(), "ab", "{events:?}");
    }
}

#[test]
fn the_old_function_call_may_come_before_the_list() {
    let old = |function: Value| json!({"delta": {"function_call": function}});
    let new = |call: Value| json!({"delta": {"tool_calls": [call]}});
    let header = json!({"name": "f", "arguments": ""});
    let whole = json!({"name": "f", "arguments": "{\"a\":1}"});
    for events in [
        vec![
            old(whole.clone()),
            new(json!({"index": 0, "id": "x", "function": whole})),
        ],
        // In pieces, side by side.
        vec![
            old(header.clone()),
            new(json!({"index": 0, "id": "x", "function": header})),
            old(json!({"arguments": "{\"a\":"})),
            new(json!({"index": 0, "function": {"arguments": "{\"a\":"}})),
            old(json!({"arguments": "1}"})),
            new(json!({"index": 0, "function": {"arguments": "1}"}})),
        ],
        // One after the other.
        vec![
            old(header.clone()),
            old(json!({"arguments": "{\"a\":1}"})),
            new(json!({"index": 0, "id": "x", "function": header})),
            new(json!({"index": 0, "function": {"arguments": "{\"a\":"}})),
            new(json!({"index": 0, "function": {"arguments": "1}"}})),
        ],
    ] {
        let choice = streamed(&events);
        let calls: Vec<_> = choice.tool_calls().collect();
        assert_eq!(calls.len(), 1, "{events:?}");
        assert_eq!(
            (
                calls[0].id.as_deref(),
                &*calls[0].name,
                &*calls[0].arguments
            ),
            (Some("x"), "f", "{\"a\":1}"),
            "{events:?}"
        );
    }
}
