//! The shortcut for events that repeat gives what reading in full gives.

use serde_json::json;

use super::super::stream::ResponsesStream;
use super::{added, completed, done, message, opened};
use crate::message::ChunkKind;
use crate::wire::repeat::Frame;
use crate::wire::{Step, StreamDecoder};

fn event(text: &str, number: usize, more: &str) -> String {
    format!(
        r#"{{"type":"response.output_text.delta","content_index":0,"delta":"{text}","item_id":"m","logprobs":[],"obfuscation":"{}","output_index":0,"sequence_number":{number}{more}}}"#,
        "xyz".get(..number % 4).unwrap_or_default()
    )
}

type Decoded = Vec<Result<(Step, Vec<ChunkKind>), String>>;

/// Reads the events with a decoder that learns their frame, and with one that reads each in full.
fn read_both(events: &[String]) -> [Decoded; 2] {
    [false, true].map(|forgets| {
        let mut stream = ResponsesStream::default();
        events
            .iter()
            .map(|data| {
                if forgets {
                    stream.frame = Frame::default();
                }
                let mut out = Vec::new();
                let step = stream.event(b"", data.as_bytes(), &mut out);
                step.map(|step| (step, out))
                    .map_err(|error| error.to_string())
            })
            .collect()
    })
}

#[test]
fn a_known_frame_does_not_change_what_is_read() {
    let summary = |text: &str, number: usize| {
        format!(
            r#"{{"type":"response.reasoning_summary_text.delta","summary_index":0,"delta":"{text}","output_index":1,"sequence_number":{number}}}"#
        )
    };
    let events = [
        added(0, &opened("m")).to_string(),
        event("one", 1, ""),
        event(" two", 2, ""),
        event(" two", 2, ""),
        event(" two", 3, ""),
        event("", 4, ""),
        event(r" \ud83d", 5, ""),
        event(r"\ude00", 6, ""),
        event(" é", 7, ""),
        event(r" \n", 8, ""),
        event(" three", 9, r#","logprobs":[{"token":"t","logprob":-1}]"#),
        event(" four", 10, ""),
        event(" five", 11, ""),
        event(" six", 12, "}"),
        event(" seven", 13, r#","output_index":1"#),
        summary("s", 14),
        summary("t", 15),
        event(" eight", 16, ""),
        event(" nine", 17, ""),
        done(0, &message("m", "another")).to_string(),
        event(" late", 18, ""),
        completed(&json!([])).to_string(),
        event(" after", 19, ""),
    ];
    let [learned, in_full] = read_both(&events);
    assert_eq!(learned, in_full);
}

#[test]
fn only_the_text_the_number_and_the_padding_may_differ() {
    let first = event("one", 1, "");
    let fits = |data: &str| {
        let mut stream = ResponsesStream::default();
        stream
            .event(b"", first.as_bytes(), &mut Vec::new())
            .unwrap();
        let known = stream.frame.read(data.as_bytes());
        known.map(|known| (known.text.to_owned(), known.number))
    };
    assert_eq!(
        fits(&event(" two", 2, "")),
        Some((" two".to_owned(), Some(2)))
    );
    assert_eq!(
        fits(&event("\u{e9}", 30, "")),
        Some(("\u{e9}".to_owned(), Some(30)))
    );
    for other in [
        event(r"a\n", 2, ""),
        event("tab\there", 2, ""),
        event("two", 2, " "),
        event("two", 2, r#","x":1"#),
        event("two", 2, ".5"),
        event(r#"two","item_id":"n"#, 2, ""),
        event("two", 2, "").replace("\"content_index\":0", "\"content_index\":1"),
        event("two", 2, "").replace(":2}", ":02}"),
        event("two", 2, "").replace(":2}", ":-2}"),
    ] {
        assert_eq!(fits(&other), None, "{other}");
    }
}

#[test]
fn a_stream_whose_frame_always_changes_is_given_up() {
    let mut stream = ResponsesStream::default();
    for number in 0..40 {
        let data = event("t", 1, &format!(r#","n":{number}"#));
        assert!(stream.frame.read(data.as_bytes()).is_none());
        stream.event(b"", data.as_bytes(), &mut Vec::new()).unwrap();
    }
    assert!(
        stream
            .frame
            .read(event("t", 1, r#","n":39"#).as_bytes())
            .is_none()
    );
}
