//! The shortcut for events that repeat gives what reading in full gives.

use serde_json::json;

use super::super::stream::{MessagesStream, unpadded};
use super::{begun, delta, end, finish, no_text, start, stop, tool};
use crate::message::ChunkKind;
use crate::wire::repeat::Frame;
use crate::wire::{Step, StreamDecoder};

fn event(index: usize, text: &str, more: &str, spaces: usize) -> String {
    format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":"{text}"}}{more}{}}}"#,
        " ".repeat(spaces)
    )
}

type Decoded = Vec<Result<(Step, Vec<ChunkKind>), String>>;

/// Reads the events with a decoder that learns their frame, and with one that reads each in full.
fn read_both(events: &[String]) -> [Decoded; 2] {
    [false, true].map(|forgets| {
        let mut stream = MessagesStream::default();
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
    let thought =
        |text: &str| delta(1, &json!({"type": "thinking_delta", "thinking": text})).to_string();
    let events = [
        begun().to_string(),
        start(0, &no_text()).to_string(),
        event(0, "one", "", 0),
        event(0, " two", "", 3),
        event(0, " two", "", 1),
        event(0, "", "", 2),
        event(0, r" \ud83d", "", 0),
        event(0, r"\ude00", "", 0),
        event(0, " é", "", 0),
        event(0, r" \n", "", 0),
        event(0, " x", r#","x":1"#, 0),
        event(0, " three", "", 0),
        start(1, &json!({"type": "thinking", "thinking": ""})).to_string(),
        thought("a"),
        thought("b"),
        event(0, " four", "", 0),
        start(2, &no_text()).to_string(),
        event(2, "five", "", 0),
        event(2, " six", "", 9),
        stop(0).to_string(),
        // The block has ended.
        event(0, " late", "", 0),
        event(0, " later", "", 0),
        stop(2).to_string(),
        start(3, &tool("t")).to_string(),
        event(2, " latest", "", 0),
        finish("end_turn").to_string(),
        event(2, " last", "", 0),
        event(2, " broken", "}", 0),
        end().to_string(),
        event(2, " after", "", 0),
    ];
    let [learned, in_full] = read_both(&events);
    assert_eq!(learned, in_full);
}

#[test]
fn only_the_text_and_the_spaces_before_the_last_brace_may_differ() {
    let fits = |data: &str| {
        let mut stream = MessagesStream::default();
        stream
            .event(b"", event(0, "one", "", 4).as_bytes(), &mut Vec::new())
            .unwrap();
        let known = stream.frame.read(unpadded(data.as_bytes())?)?;
        Some(known.text.to_owned())
    };
    for (text, spaces) in [(" two", 0), ("", 4), ("\u{e9}", 30)] {
        assert_eq!(fits(&event(0, text, "", spaces)).as_deref(), Some(text));
    }
    for other in [
        event(0, r"a\n", "", 0),
        event(0, "tab\there", "", 0),
        event(1, "two", "", 0),
        event(0, "two", r#","x":1"#, 0),
        event(0, r#"two","x":"y"#, "", 0),
        event(0, "two", "", 0).replace("\"text\":", "\"text\" :"),
        event(0, "two", "", 0).replace("}}", "}"),
        event(0, "two", "", 0).trim_end_matches('}').to_owned(),
    ] {
        assert_eq!(fits(&other), None, "{other}");
    }
}
