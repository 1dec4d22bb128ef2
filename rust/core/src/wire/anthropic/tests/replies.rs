//! Whole replies, and other bodies.

use serde_json::{Value, json};

use super::{
    Dialect, Messages, begun, decoded, end, finish, no_text, parts, read, start, stop, stream,
    text, whole,
};
use crate::error::ErrorKind;
use crate::wire::{Chat, Responses};

#[test]
fn a_whole_reply_has_its_id_and_its_model() {
    let reply = whole(&json!([{"type": "text", "text": "a"}])).unwrap();
    assert_eq!(
        (reply.id.as_deref(), reply.model.as_deref()),
        (Some("msg_1"), Some("m"))
    );
    assert_eq!((reply.created, reply.status), (None, None));
    let streamed = read(&stream(
        &[start(0, &no_text()), text(0, "a"), stop(0)],
        "end_turn",
    ));
    let streamed = streamed.whole();
    assert_eq!((&streamed.id, &streamed.model), (&reply.id, &reply.model));
    assert_eq!(streamed.choices, reply.choices);
}

#[test]
fn padding_and_the_order_of_keys_do_not_matter() {
    let body = "\u{feff}\n {\"stop_reason\" : \"end_turn\", \"content\" : [ { \"text\" : \"a\" , \"type\":\"text\" } ]   ,\"type\":\"message\"          }\n";
    let reply = Messages.decode_reply(body.as_bytes(), 1).unwrap();
    assert_eq!(parts(&reply), json!([{"text": "a"}]));
}

#[test]
fn content_may_be_a_text_and_a_block_too() {
    for content in [json!("a"), json!(["a"]), json!([null, {"text": "a"}])] {
        assert_eq!(
            parts(&whole(&content).unwrap()),
            json!([{"text": "a"}]),
            "{content}"
        );
    }
}

#[test]
fn content_of_another_type_is_not_an_empty_answer() {
    for (content, why) in [
        (json!({}), "content: it is not a list of blocks"),
        (
            json!({"type": "text", "text": "a"}),
            "content: it is not a list of blocks",
        ),
        (json!(7), "content: it is not a list of blocks"),
        (json!(false), "content: it is not a list of blocks"),
        (json!([7]), "content[0]: it is not a content block"),
        (
            json!([{"type": "text", "text": "a"}, true]),
            "content[1]: it is not a content block",
        ),
        (json!([[]]), "content[0]: it is not a content block"),
    ] {
        let mut first = begun();
        first["message"]["content"] = content.clone();
        let streamed = read(&[first, finish("end_turn"), end()]);
        for error in [whole(&content).unwrap_err(), streamed.error.unwrap()] {
            assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{content}");
            assert!(error.message().starts_with(why), "{error}");
        }
    }
    let streamed = read(&[begun(), start(0, &json!(7))]);
    let error = streamed.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::UnexpectedContent);
    assert!(
        error.message().starts_with("content_block: it is not"),
        "{error}"
    );
}

#[test]
fn a_whole_call_without_a_name_is_as_incomplete_as_a_streamed_one() {
    for name in [json!(null), json!(""), json!(7)] {
        let call = json!({"type": "tool_use", "id": "c", "name": name, "input": {"a": 1}});
        let streamed = read(&stream(&[start(0, &call), stop(0)], "tool_use"));
        assert_eq!(
            streamed.lost(),
            "content block 0 had no beginning",
            "{name}"
        );
        let error = whole(&json!([call])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{name}");
        assert!(error.is_retryable());
        assert_eq!(
            error.message(),
            "the reply is incomplete: the call in content block 0 has no name"
        );
        assert_eq!(error.partial().unwrap().choices[0].parts.len(), 1);
    }
}

#[test]
fn a_stream_that_came_unasked_is_read() {
    let events = stream(&[start(0, &no_text()), text(0, "a"), stop(0)], "end_turn");
    let body = |events: &[Value]| -> String {
        events.iter().fold(String::new(), |body, event| {
            let name = event["type"].as_str().unwrap();
            body + &format!("event: {name}\ndata: {event}\n\n")
        })
    };
    let reply = Messages.decode_reply(body(&events).as_bytes(), 1).unwrap();
    assert_eq!(parts(&reply), json!([{"text": "a"}]));
    let error = Messages
        .decode_reply(body(&events[..3]).as_bytes(), 1)
        .unwrap_err();
    assert!(
        error.message().contains("message_stop did not arrive"),
        "{error}"
    );
    assert_eq!(error.partial().unwrap().choices[0].text(), "a");
}

#[test]
fn a_reply_that_comes_as_one_event_is_read() {
    let body = json!({"type": "message", "id": "x", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"});
    assert_eq!(
        read(&[json!({"type": "ping"}), body]).parts(),
        json!([{"text": "a"}])
    );
}

#[test]
fn a_reply_of_another_api_names_both() {
    let chat = json!({"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "a"}}]});
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "a"}}]});
    let response = json!({"object": "response", "output": []});
    let event = json!({"type": "response.created", "response": {}});
    let gemini = json!({"candidates": [{"content": {"parts": []}}]});
    for (body, name) in [
        (&chat, "Chat Completions"),
        (&chunk, "Chat Completions"),
        (&response, "Responses"),
        (&event, "Responses"),
        (&gemini, "Gemini"),
    ] {
        let expected = format!("the reply has the form of {name}, not of messages");
        for error in [
            decoded(body).unwrap_err(),
            read(std::slice::from_ref(body)).error.unwrap(),
        ] {
            assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{error}");
            assert!(error.message().starts_with(&expected), "{error}");
        }
    }
}

#[test]
fn other_apis_recognise_a_reply_of_messages() {
    let body = json!({"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"}).to_string();
    for dialect in [&Chat as &dyn Dialect, &Responses] {
        let mut errors = vec![dialect.decode_reply(body.as_bytes(), 1).unwrap_err()];
        for event in [begun(), start(0, &no_text()), finish("end_turn")] {
            let event = event.to_string();
            let read = dialect
                .stream(1)
                .event(b"", event.as_bytes(), &mut Vec::new());
            errors.push(read.unwrap_err());
        }
        for error in errors {
            let message = error.message();
            assert!(
                message.starts_with("the reply has the form of Anthropic Messages, not of "),
                "{message}"
            );
            assert!(
                message.ends_with(": api=\"messages\" may be meant"),
                "{message}"
            );
        }
    }
}

#[test]
fn what_is_no_reply_says_how_it_begins() {
    for (body, expected) in [
        ("", "no body"),
        (
            "<html><title>Nope</title></html>",
            "base_url is probably wrong",
        ),
        ("hello", "not JSON; it begins with: hello"),
        (
            "{\"ok\":true}",
            "it has no content; it begins with: {\"ok\":true}",
        ),
        ("{\"type\":\"message\"}", "it has no content"),
        ("[1]", "it has no content"),
    ] {
        let error = Messages.decode_reply(body.as_bytes(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedContent, "{body}");
        assert!(error.message().contains(expected), "{error}");
    }
    let error = Messages.decode_reply(b"{\"content\":[", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let streamed = read(&[json!({"hello": 1})]);
    let missing = streamed.missing.unwrap();
    assert!(
        missing.ends_with("it began with: {\"hello\":1}"),
        "{missing}"
    );
}
