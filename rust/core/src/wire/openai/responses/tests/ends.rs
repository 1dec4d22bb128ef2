//! How streams end, and what later events have of what earlier ones said.

use serde_json::{Value, json};

use super::{
    added, call, completed, decoded, done, message, opened, parts, read, read_texts, text_delta,
};
use crate::error::ErrorKind;
use crate::message::{ChunkKind, FinishReason};
use crate::wire::Step;

fn event(kind: &str, more: &Value) -> Value {
    let mut event =
        json!({"type": format!("response.{kind}"), "output_index": 0, "content_index": 0});
    event
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    event
}

#[test]
fn each_terminal_event_ends_the_stream_and_nothing_after_it_counts() {
    let terminal = |kind: &str| json!({"type": format!("response.{kind}"), "response": {"output": [message("m", "t")]}});
    for kind in ["completed", "incomplete"] {
        let events = [
            terminal(kind),
            text_delta(3, "late"),
            json!({"type": "error", "message": "late"}),
        ];
        let streamed = read(&events);
        assert_eq!(streamed.step, Step::Done);
        assert_eq!(streamed.reply.choices[0].text(), "t");
        assert_eq!(
            streamed.reply.choices[0].provider_finish_reason.as_deref(),
            Some(kind)
        );
    }
    let failed = read(&[terminal("failed")]);
    assert_eq!(failed.error.unwrap().kind(), ErrorKind::Server);
    assert_eq!(failed.reply.choices[0].text(), "t");
    let glued = [
        completed(&json!([message("m", "one")])),
        completed(&json!([message("n", "two")])),
    ];
    assert_eq!(read(&glued).reply.choices[0].text(), "one");
}

#[test]
fn a_stream_without_its_terminal_event_says_which_one_is_missing() {
    let cut = read(&[added(0, &opened("m")), text_delta(0, "half")]);
    assert_eq!(cut.missing.unwrap(), "response.completed did not arrive");
    assert_eq!(cut.reply.choices[0].text(), "half");
    for before in [vec![], vec![text_delta(0, "half").to_string()]] {
        let events = [before, vec!["[DONE]".to_owned()]].concat();
        let error = read_texts(&events).error.unwrap();
        assert_eq!(error.kind(), ErrorKind::StreamIncomplete);
        assert!(
            error
                .message()
                .contains("response.completed did not arrive"),
            "{error}"
        );
    }
    let other = read(&[json!({"hello": "world"})]);
    assert!(other.missing.unwrap().contains("it began with: {\"hello\""));
}

#[test]
fn the_name_of_the_event_counts_only_where_the_json_has_no_type() {
    use super::{Dialect, Responses};
    let mut decoder = Responses.stream(1);
    let mut out = Vec::new();
    decoder
        .event(
            b"response.created",
            text_delta(0, "a").to_string().as_bytes(),
            &mut out,
        )
        .unwrap();
    let mut bare = text_delta(0, "b");
    bare.as_object_mut().unwrap().remove("type");
    decoder
        .event(
            b"response.output_text.delta",
            bare.to_string().as_bytes(),
            &mut out,
        )
        .unwrap();
    let text: Vec<_> = out.iter().filter(|chunk| chunk.has_content()).collect();
    assert_eq!(
        text,
        [&ChunkKind::Text("a".into()), &ChunkKind::Text("b".into())]
    );
}

#[test]
fn a_text_whose_deltas_are_missing_is_caught_up_once_wherever_it_comes_first() {
    let item = message("m", "whole text");
    let later = [
        event("output_text.done", &json!({"text": "whole text"})),
        event("content_part.done", &json!({"part": item["content"][0]})),
        done(0, &item),
        completed(&json!([item])),
    ];
    for said in ["", "whole", "whole text"] {
        for first in 0..later.len() {
            let mut events = vec![added(0, &opened("m"))];
            if !said.is_empty() {
                events.push(text_delta(0, said));
            }
            events.extend_from_slice(&later[first..]);
            let streamed = read(&events);
            assert_eq!(
                streamed.parts(),
                parts(&super::whole(&json!([item])).unwrap()),
                "{said} {first}"
            );
            let pieces = streamed.chunks.iter().filter(|chunk| chunk.has_content());
            assert!(pieces.count() <= 2, "{said} {first}");
        }
    }
}

#[test]
fn the_end_may_repeat_nothing() {
    let item = message("m", "text");
    for output in [json!([]), Value::Null] {
        let events = [
            added(0, &opened("m")),
            text_delta(0, "text"),
            done(0, &item),
            completed(&output),
        ];
        assert_eq!(
            read(&events).parts(),
            parts(&super::whole(&json!([item])).unwrap())
        );
    }
}

#[test]
fn reasoning_that_is_encrypted_only_at_the_end_gets_its_signature() {
    let item = |id: &str, encrypted: Value| {
        json!({
            "type": "reasoning", "id": id, "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": encrypted,
        })
    };
    let open = json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "not yet whole"});
    for last in ["rs", "rotated"] {
        let events = [
            added(0, &open),
            done(0, &item("rs", Value::Null)),
            done(1, &message("m", "t")),
            completed(&json!([item(last, json!("whole")), message("m", "t")])),
        ];
        let streamed = read(&events).parts();
        assert_eq!(streamed[0]["signature"], "whole");
        assert_eq!(streamed.as_array().unwrap().len(), 2);
    }
    // What comes with its item counts, and what the beginning has does not.
    let events = [
        added(0, &open),
        done(0, &item("rs", json!("whole"))),
        completed(&json!([item("rs", json!("other"))])),
    ];
    assert_eq!(read(&events).parts()[0]["signature"], "whole");
    let events = [added(0, &open), completed(&json!([]))];
    assert_eq!(read(&events).parts()[0]["signature"], Value::Null);
}

#[test]
fn a_call_is_done_where_the_provider_ends_it_and_never_if_it_was_cut() {
    let delta = |index: usize, text: &str| json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": text});
    let open = |id: &str| json!({"type": "function_call", "id": id, "call_id": "c", "name": "f", "arguments": "", "status": "in_progress"});
    let cut = json!({"type": "function_call", "id": "b", "call_id": "c", "name": "f", "arguments": "{}", "status": "incomplete"});
    // `{}` is complete JSON, but more may follow.
    let events = [
        added(0, &open("a")),
        delta(0, "{}"),
        added(1, &open("b")),
        delta(1, "{}"),
    ];
    assert!(read(&events).calls_done().is_empty());
    let ended = [&events[..], &[done(0, &call("a", "{}"))]].concat();
    assert_eq!(read(&ended).calls_done(), ["{}"]);
    for last in [
        vec![
            done(1, &cut),
            json!({"type": "response.incomplete", "response": {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [call("a", "{}"), cut]}}),
        ],
        vec![
            json!({"type": "response.incomplete", "response": {"status": "incomplete", "output": []}}),
        ],
    ] {
        let streamed = read(&[&ended[..], &last].concat());
        assert_eq!(streamed.calls_done(), ["{}"]);
        assert_eq!(
            streamed.reply.choices[0].finish_reason,
            Some(FinishReason::Length)
        );
        assert_eq!(streamed.reply.choices[0].tool_calls().count(), 2);
    }
    // The end of a complete reply ends what no other event has ended.
    let streamed = read(&[&events[..], &[completed(&json!([]))]].concat());
    assert_eq!(streamed.calls_done(), ["{}", "{}"]);
}

#[test]
fn a_call_may_come_without_deltas_or_without_its_beginning() {
    let item = call("a", "{\"x\": 1}");
    let done_only = json!({"type": "response.function_call_arguments.done", "output_index": 0, "arguments": "{\"x\": 1}"});
    let delta = json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{\"x\""});
    for events in [
        vec![done_only.clone(), done(0, &item)],
        vec![delta.clone(), done_only.clone(), done(0, &item)],
        vec![delta, done(0, &item)],
        vec![done(0, &item)],
        vec![],
    ] {
        let events = [events, vec![completed(&json!([item]))]].concat();
        let streamed = read(&events);
        assert_eq!(
            streamed.parts(),
            parts(&super::whole(&json!([item])).unwrap()),
            "{events:?}"
        );
        assert_eq!(streamed.calls_done(), ["{\"x\": 1}"]);
    }
}

#[test]
fn annotations_come_by_events_of_their_own_and_with_their_text() {
    let citation =
        |number: u8| json!({"type": "file_citation", "index": 7, "file_id": number.to_string()});
    let annotation = |number: u8| {
        event(
            "output_text.annotation.added",
            &json!({"annotation": citation(number), "annotation_index": number}),
        )
    };
    let mut item = message("m", "text");
    let start = [
        added(0, &opened("m")),
        text_delta(0, "text"),
        annotation(0),
        annotation(1),
    ];
    let both = json!([citation(0), citation(1)]);
    assert_eq!(parts(&read(&start).reply)[0]["extra"]["annotations"], both);
    for listed in [json!([]), both.clone()] {
        item["content"][0]["annotations"] = listed;
        let events = [&start[..], &[done(0, &item), completed(&json!([item]))]].concat();
        assert_eq!(read(&events).parts()[0]["extra"]["annotations"], both);
    }
    assert_eq!(
        read(&[&start[..], &[done(0, &item), completed(&json!([]))]].concat()).parts()[0]["extra"]
            ["item"]["status"],
        "completed"
    );
}

#[test]
fn a_reply_is_read_also_where_it_comes_as_an_event_or_an_event_as_a_reply() {
    let reply = json!({"object": "response", "status": "completed", "output": [message("m", "t")]});
    assert_eq!(
        read(std::slice::from_ref(&reply)).reply.choices[0].text(),
        "t"
    );
    let event = json!({"type": "response.completed", "response": reply});
    assert_eq!(decoded(&event).unwrap().choices[0].text(), "t");
}
