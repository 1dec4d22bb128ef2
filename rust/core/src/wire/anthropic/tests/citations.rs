//! Citations, which are in the block of the text that they are about.

use serde_json::{Value, json};

use super::{delta, no_text, parts, read, start, stop, stream, text, whole};

fn cited(citation: &Value) -> Value {
    delta(0, &json!({"type": "citations_delta", "citation": citation}))
}

#[test]
fn citations_are_added_to_the_list_of_their_block() {
    let (one, two) = (
        json!({"type": "char_location", "n": 1}),
        json!({"type": "page_location", "n": 2}),
    );
    for (began, expected) in [
        (no_text(), json!([one, two])),
        (
            json!({"type": "text", "text": "", "citations": null}),
            json!([one, two]),
        ),
        (
            json!({"type": "text", "text": "", "citations": []}),
            json!([one, two]),
        ),
        (
            json!({"type": "text", "text": "", "citations": [two]}),
            json!([two, one, two]),
        ),
    ] {
        let events = stream(
            &[
                start(0, &began),
                text(0, "a"),
                cited(&one),
                text(0, "b"),
                cited(&two),
                text(0, "c"),
                stop(0),
            ],
            "end_turn",
        );
        let streamed = read(&events);
        assert_eq!(
            streamed.parts(),
            json!([{"text": "abc", "extra": {"citations": expected}}])
        );
        let block = json!([{"type": "text", "text": "abc", "citations": expected}]);
        assert_eq!(parts(&whole(&block).unwrap()), streamed.parts());
    }
}

#[test]
fn a_list_without_any_stays_as_it_was_sent() {
    for list in [Value::Null, json!([])] {
        let began = json!({"type": "text", "text": "", "citations": list});
        let events = stream(&[start(0, &began), text(0, "a"), stop(0)], "end_turn");
        assert_eq!(
            read(&events).parts(),
            json!([{"text": "a", "extra": {"citations": list}}])
        );
    }
}

#[test]
fn equal_citations_are_two() {
    let one = json!({"type": "char_location"});
    let events = stream(
        &[
            start(0, &no_text()),
            cited(&one),
            cited(&one),
            text(0, "a"),
            stop(0),
        ],
        "end_turn",
    );
    assert_eq!(
        read(&events).parts()[0]["extra"]["citations"],
        json!([one, one])
    );
}

#[test]
fn the_span_of_a_citation_is_its_block_and_it_names_its_source() {
    let content = json!([
        {"type": "text", "text": "Grüße: "},
        {"type": "text", "text": "日本", "citations": [
            {"type": "web_search_result_location", "cited_text": "c", "url": "https://a.example", "title": "A", "encrypted_index": "e"},
            {"type": "char_location", "cited_text": "c", "document_index": 1, "document_title": "D", "file_id": null, "start_char_index": 0, "end_char_index": 3},
        ]},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "text", "text": "é", "citations": [
            {"type": "page_location", "document_index": 0, "document_title": "P", "file_id": "file_1", "start_page_number": 1, "end_page_number": 2},
            {"type": "content_block_location", "document_index": 2, "document_title": null, "start_block_index": 0, "end_block_index": 1},
            {"type": "search_result_location", "source": "https://b.example", "title": "B", "search_result_index": 0},
            {"type": "search_result_location", "source": "handbook", "title": "H", "search_result_index": 1},
        ]},
    ]);
    let reply = whole(&content).unwrap();
    let choice = &reply.choices[0];
    let text = choice.text();
    let found: Vec<_> = choice
        .citations()
        .iter()
        .map(|one| {
            let span = one.span.as_ref().unwrap();
            (
                &text[span.bytes.clone()],
                span.chars.clone(),
                one.url.clone(),
                one.document.clone(),
                one.title.clone(),
            )
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            ("日本", 7..9, some("https://a.example"), None, some("A")),
            ("日本", 7..9, None, some("D"), some("D")),
            ("é", 9..10, None, some("file_1"), some("P")),
            ("é", 9..10, None, None, None),
            ("é", 9..10, some("https://b.example"), None, some("B")),
            ("é", 9..10, None, some("handbook"), some("H")),
        ]
    );
    let raw: Value = serde_json::from_str(choice.citations()[0].raw.get()).unwrap();
    assert_eq!(raw, content[1]["citations"][0]);
}

#[test]
fn what_is_not_a_citation_is_left_out() {
    let content = json!([{"type": "text", "text": "a", "citations": [7, null, "x", {}]}, {"type": "text", "text": "b", "citations": {"a": 1}}]);
    let reply = whole(&content).unwrap();
    assert!(reply.choices[0].citations().is_empty());
}
