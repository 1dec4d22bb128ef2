//! Prompts, messages, system text, images and documents.

use serde_json::json;

use super::{blocks, body, encoded, no_messages, user, whole, written};

#[test]
fn a_prompt_is_a_message_of_the_user() {
    let sent = body(
        &json!({"model": "claude-opus-4-8", "input": "hi", "system": "Be brief.", "stream": true}),
    );
    assert_eq!(
        sent,
        json!({"model": "claude-opus-4-8", "max_tokens": 4096, "system": "Be brief.", "stream": true,
               "messages": [{"role": "user", "content": "hi"}]})
    );
}

#[test]
fn messages_in_the_form_of_this_api_pass_as_they_are() {
    let messages = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "t", "citations": {"enabled": true}},
            {"type": "container_upload", "file_id": "file_1"},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "a", "citations": [{"type": "x"}]},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "cache_control": {"type": "ephemeral"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "tool_reference", "tool_name": "g"}], "is_error": false},
        ]},
        {"role": "system", "content": [{"type": "tool_addition", "tool": {"type": "tool_reference", "name": "g"}}]},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "thanks"},
        {"role": "user", "content": "and?"},
    ]);
    assert_eq!(whole(&messages), messages);
}

#[test]
fn system_text_that_begins_the_conversation_is_the_system_prompt() {
    let request = json!({"model": "claude-opus-4-8", "input": [
        {"role": "system", "content": "One."},
        {"role": "developer", "parts": [{"type": "text", "text": "Two.", "cache": "1h"}]},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes?"},
        {"role": "developer", "content": "Three."},
        {"role": "user", "content": "go"},
    ]});
    let sent = body(&request);
    assert_eq!(
        sent["system"],
        json!([{"type": "text", "text": "One."},
               {"type": "text", "text": "Two.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}])
    );
    assert_eq!(
        sent["messages"],
        json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"},
               {"role": "system", "content": "Three."}, {"role": "user", "content": "go"}])
    );
    let request = json!({"model": "m", "input": [{"role": "system", "content": "One."}, {"role": "user", "content": "hi"}]});
    assert_eq!(body(&request)["system"], "One.");
}

#[test]
fn there_is_one_system_prompt_and_a_message_besides_it() {
    let system = json!({"role": "system", "content": "One."});
    let both = json!({"model": "m", "system": "Two.", "input": [system, {"role": "user", "content": "hi"}]});
    assert_eq!(
        encoded("anthropic", &both).unwrap_err().message(),
        "messages[0]: there is a system message here and in system=; leave one out"
    );
    assert_eq!(
        no_messages(&json!([system])),
        "messages: there is only a system prompt; give a message of the user, too"
    );
    // In mid-conversation it has a place of its own.
    let later = json!({"model": "m", "system": "Two.", "input": [{"role": "user", "content": "hi"}, system]});
    assert_eq!(body(&later)["messages"][1], system);
}

#[test]
fn images_come_as_data_as_a_url_and_as_a_file() {
    let sent = blocks(&json!([
        {"type": "image", "data": "aGk=", "media_type": "image/webp"},
        {"type": "image", "data": "aGk="},
        {"type": "image", "url": "data:image/jpeg;base64,aGk="},
        {"type": "image", "url": "https://a.example/cat.png", "cache": true},
        {"type": "image", "file_id": "file_1"},
    ]));
    assert_eq!(
        sent,
        json!([
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "aGk="}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}},
            {"type": "image", "source": {"type": "url", "url": "https://a.example/cat.png"}, "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        ])
    );
}

#[test]
fn documents_are_pdf_or_text() {
    let sent = blocks(&json!([
        {"type": "file", "data": "JVBERg==", "filename": "a.pdf"},
        {"type": "file", "data": "aMOp", "media_type": "text/markdown", "filename": "a.md"},
        {"type": "file", "data": "e30=", "media_type": "application/json"},
        {"type": "file", "url": "data:text/plain,h%C3%A9%22"},
        {"type": "file", "url": "data:text/csv;charset=utf-8;base64,YSxi"},
        {"type": "file", "url": "https://a.example/a.pdf", "citations": {"enabled": true}},
        {"type": "file", "file_id": "file_1", "filename": "b.pdf"},
        {"type": "file", "data": "aGk=", "media_type": "image/gif", "filename": "c.gif"},
    ]));
    assert_eq!(
        sent,
        json!([
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}, "title": "a.pdf"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hé"}, "title": "a.md"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "{}"}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hé\""}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
            {"type": "document", "source": {"type": "url", "url": "https://a.example/a.pdf"}, "citations": {"enabled": true}},
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "b.pdf"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "aGk="}},
        ])
    );
}

#[test]
fn what_has_no_place_is_refused_by_name() {
    for (part, why) in [
        (
            json!({"type": "audio", "data": "aGk=", "format": "wav"}),
            ": messages takes no audio; write down what it says, or ask a model with another API",
        ),
        (
            json!({"type": "file", "data": "aGk=", "media_type": "video/mp4"}),
            ": messages takes no video; write down what it says, or ask a model with another API",
        ),
        (
            json!({"type": "file", "data": "aGk=", "media_type": "application/msword"}),
            ": messages takes documents in PDF and text, and not application/msword; convert it",
        ),
        (
            json!({"type": "file", "data": "/w==", "media_type": "text/plain"}),
            ": a document of text must be in UTF-8; convert it",
        ),
        (
            json!({"type": "file", "data": "?", "media_type": "text/plain"}),
            ": its data is not base64",
        ),
        (
            json!({"type": "image", "url": "data:image/png,x"}),
            ".url: a data: URL must have its data in base64",
        ),
        (
            json!({"type": "image"}),
            ": it needs url, file_id, or data in base64",
        ),
        (
            json!({"type": "smell"}),
            ".type: there is no part of type smell here",
        ),
    ] {
        let expected = format!("messages[0].parts[0]{why}");
        assert_eq!(no_messages(&user(&json!([part]))), expected);
    }
    let file = json!([{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "./cat.png"}}]}]);
    assert!(
        no_messages(&file)
            .starts_with("messages[0].content[0].source.url: it names a file on this machine")
    );
    let role = json!([{"role": "human", "content": "hi"}]);
    assert_eq!(
        no_messages(&role),
        "messages[0].role: 'human' is not a role; give user, assistant, system or tool"
    );
}

#[test]
fn content_in_the_form_of_chat_is_written_in_this_one() {
    let sent = whole(&json!([{"role": "user", "content": [
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": {"url": "https://a.example/cat.png"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"}},
    ]}]));
    assert_eq!(
        sent[0]["content"],
        json!([
            {"type": "text", "text": "hi"},
            {"type": "image", "source": {"type": "url", "url": "https://a.example/cat.png"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}, "title": "a.pdf"},
        ])
    );
}

#[test]
fn what_a_message_has_for_chat_alone_is_left_out_and_listed() {
    let (sent, dropped) = written(&json!([
        {"role": "user", "name": "Ann", "parts": [{"type": "image", "url": "https://a.example/c.png", "detail": "low"}]},
        {"role": "assistant", "content": "a", "reasoning_content": "b", "refusal": null, "annotations": [1]},
    ]));
    assert_eq!(
        sent,
        json!([{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://a.example/c.png"}}]},
               {"role": "assistant", "content": "a"}])
    );
    assert_eq!(
        dropped,
        [
            "messages[0].parts[0].detail",
            "messages[0].name",
            "messages[1].reasoning_content",
            "messages[1].annotations"
        ]
    );
}

#[test]
fn an_empty_text_is_left_out() {
    let sent = whole(&json!([
        {"role": "user", "parts": [{"type": "text", "text": ""}, {"type": "text", "text": "hi"}, {"type": "text", "text": ""}]},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "there?"},
        {"role": "assistant", "content": " "},
    ]));
    assert_eq!(
        sent,
        json!([{"role": "user", "content": "hi"}, {"role": "user", "content": "there?"}, {"role": "assistant", "content": " "}])
    );
    assert_eq!(
        no_messages(&json!([{"role": "user", "content": "hi"}, {"role": "user", "content": ""}])),
        "messages[1]: it is empty; give some text"
    );
}

#[test]
fn the_system_says_only_text() {
    let image = json!({"type": "image", "url": "https://x.org/a.png"});
    let system = json!({"role": "system", "parts": [{"type": "text", "text": "a"}, image]});
    let user = json!({"role": "user", "content": "hi"});
    for (at, messages) in [(0, json!([system, user])), (1, json!([user, system]))] {
        assert_eq!(
            no_messages(&messages),
            format!(
                "messages[{at}].parts[1]: messages takes only text from the system; send it in a message of the user"
            )
        );
    }
}
