//! The shortcut for events that repeat gives what reading in full gives.

use proptest::prelude::*;

use super::super::stream::GeminiStream;
use crate::message::ChunkKind;
use crate::wire::repeat::Frame;
use crate::wire::{Step, StreamDecoder};

/// An event with this in its part, its candidate, its counts and beside them.
fn event(part: &str, candidate: &str, counts: &str, more: &str) -> String {
    format!(
        r#"{{"candidates": [{{"content": {{"parts": [{{{part}}}],"role": "model"}}{candidate}}}],"usageMetadata": {{{counts}}},"modelVersion": "m"{more}}}"#
    )
}

fn counts(number: u64) -> String {
    let total = number + 7;
    format!(
        r#""promptTokenCount": 7,"candidatesTokenCount": {number},"totalTokenCount": {total},"promptTokensDetails": [{{"modality": "TEXT","tokenCount": 7}}]"#
    )
}

fn text(text: &str, number: u64) -> String {
    event(
        &format!(r#""text": "{text}""#),
        r#","index": 0"#,
        &counts(number),
        "",
    )
}

fn thought(text: &str, number: u64) -> String {
    let counts = format!(r#"{},"thoughtsTokenCount": {number}"#, counts(3));
    event(
        &format!(r#""text": "{text}","thought": true"#),
        "",
        &counts,
        "",
    )
}

type Decoded = Vec<Result<(Step, Vec<ChunkKind>), String>>;

/// Reads the events, and then what is left. `forgets` reads each event in full.
fn read(events: &[String], forgets: bool) -> (Decoded, usize) {
    let mut stream = GeminiStream::new(1);
    let mut known = 0;
    let mut decoded: Decoded = events
        .iter()
        .map(|data| {
            if forgets {
                stream.frame = Frame::default();
            }
            known += usize::from(stream.frame.read(data.as_bytes()).is_some());
            let mut out = Vec::new();
            let step = stream.event(b"", data.as_bytes(), &mut out);
            step.map(|step| (step, out))
                .map_err(|error| error.to_string())
        })
        .collect();
    let mut out = Vec::new();
    stream.flush(&mut out);
    decoded.push(Ok((Step::Continue, out)));
    (decoded, known)
}

/// Reads the events and stops after each of them, so that a reader sees the counts so far.
#[track_caller]
fn assert_same(events: &[String]) {
    for end in 0..=events.len() {
        let events = events.get(..end).unwrap_or_default();
        assert_eq!(read(events, false).0, read(events, true).0, "{events:#?}");
    }
}

#[test]
fn a_known_frame_does_not_change_what_is_read() {
    let finish = event(
        r#""text": """#,
        r#","finishReason": "STOP","index": 0"#,
        &counts(70),
        "",
    );
    assert_same(&[
        thought("t", 9),
        thought("u", 10),
        thought("", 11),
        text("one", 1),
        text(" two", 2),
        text(" two", 2),
        text(" two", 13),
        text("", 1234),
        text(r" \ud83d", 20),
        text(r"\ude00", 21),
        text(r"\ud83d", 22),
        text(" three", 23),
        text(" four", 24),
        text(r" \n", 25),
        text(" \u{e9}", 26),
        thought("v", 27),
        text(" five", 28),
        text(" six", 29),
        text("", 30),
        event(
            r#""text": "s","thoughtSignature": "S""#,
            r#","index": 0"#,
            &counts(31),
            "",
        ),
        text(" seven", 32),
        text(" eight", 33),
        event(r#""text": " nine""#, r#","index": 1"#, &counts(34), ""),
        text(" ten", 35),
        text(" eleven", 36).replace("7,", "07,"),
        text(" twelve", 37),
        text(" thirteen", 38).replace("model", "user"),
        text(" fourteen", 39),
        finish,
        text(" late", 71),
        text(" later", 72),
    ]);
}

#[test]
fn counts_that_have_none_do_not_replace_those_that_have() {
    let with = |counts: &str, text: &str| event(&format!(r#""text": "{text}""#), "", counts, "");
    let traffic = r#""trafficType": "ON_DEMAND1""#;
    assert_same(&[
        with(traffic, "a"),
        with(traffic, "b"),
        with(&counts(1), "c"),
        with(&counts(2), "d"),
        with(traffic, "e"),
        with(&traffic.replace('1', "2"), "f"),
    ]);
}

#[test]
fn only_the_text_and_the_counts_of_the_reply_may_differ() {
    let fits = |data: &str| {
        let mut stream = GeminiStream::default();
        stream
            .event(b"", text("one", 1).as_bytes(), &mut Vec::new())
            .unwrap();
        let known = stream.frame.read(data.as_bytes())?;
        Some(known.text.to_owned())
    };
    for (piece, number) in [(" two", 1), ("", 2), ("\u{e9}", 123_456)] {
        assert_eq!(fits(&text(piece, number)).as_deref(), Some(piece));
    }
    for other in [
        text(r"a\n", 2),
        text("tab\there", 2),
        text(r#"two","x":"y"#, 2),
        text("two", 2).replace("\"index\": 0", "\"index\": 1"),
        text("two", 2).replace(": 7,", ": 8,"),
        text("two", 2).replace(": 2,", ": 02,"),
        text("two", 2).replace(": 2,", ": -2,"),
        text("two", 2).replace(": 2,", ": 2.5,"),
        text("two", 2).replace(": 2,", ": ,"),
        text("two", 2).replace("\"text\":", "\"text\" :"),
        text("two", 2).replace("\"m\"", "\"n\""),
        text("two", 2).trim_end_matches('}').to_owned(),
    ] {
        assert_eq!(fits(&other), None, "{other}");
    }
}

#[test]
fn digits_of_an_escape_are_not_a_count() {
    let with = |piece: &str, digits: &str| {
        let counts = format!(r#""note": "\u00{digits}","candidatesTokenCount": 5"#);
        event(&format!(r#""text": "{piece}""#), "", &counts, "")
    };
    assert_same(&[with("a", "41"), with("b", "42"), with("c", "4")]);
}

#[test]
fn an_event_with_anything_else_is_read_in_full() {
    let part = r#""text": "a""#;
    for first in [
        event(part, r#","finishReason": "STOP""#, &counts(1), ""),
        event(part, r#","safetyRatings": [1]"#, &counts(1), ""),
        event(part, r#","logprobsResult": {}"#, &counts(1), ""),
        event(part, "", &counts(1), r#","promptFeedback": {"x": 1}"#),
        event(r#""text": "a","x": 1"#, "", &counts(1), ""),
        event(r#""text": "a"}, {"text": "b""#, "", &counts(1), ""),
        event(part, r#"}, {"index": 1"#, &counts(1), ""),
        event(r#""text": "a\n""#, "", &counts(1), ""),
    ] {
        assert_eq!(read(&[first.clone(), first.clone()], false).1, 0, "{first}");
    }
    let plain = event(part, "", &counts(1), "");
    assert_eq!(read(&[plain.clone(), plain], false).1, 1);
}

/// An event as a server may send it: mostly plain, and now and then with something else.
fn any_event() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        " b",
        "",
        " \u{e9}",
        "\u{1f600}",
        r"\n",
        r"\ud83d",
        r"\ude00",
        r#"\""#,
    ]);
    (0_u8..40, piece, 0_u64..2000).prop_map(|(kind, piece, number)| {
        let part = format!(r#""text": "{piece}""#);
        match kind {
            0..=17 => text(piece, number),
            18..=25 => thought(piece, number),
            26 => event(&part, r#","index": 1"#, &counts(number), ""),
            27 => event(&part, r#","finishReason": """#, &counts(number), ""),
            28 => event(&part, r#","finishReason": "STOP""#, &counts(number), ""),
            29 => event(
                &part,
                r#","citationMetadata": {"a": 1}"#,
                &counts(number),
                "",
            ),
            30 => event(&part, "", r#""trafficType": "ON_DEMAND""#, ""),
            31 => event(&part, "", "", ""),
            32 => event(&part, "", &counts(number), r#","error": {"code": 500}"#),
            33 => event(
                &format!(r#"{part},"thoughtSignature": "S""#),
                "",
                &counts(number),
                "",
            ),
            34 => event(&format!(r"{part}}}, {{{part}"), "", &counts(number), ""),
            35 => event(
                r#""functionCall": {"id": "i","name": "f","args": {}}"#,
                "",
                &counts(number),
                "",
            ),
            36 => format!(r#"{{"usageMetadata": {{{}}}}}"#, counts(number)),
            37 => text(piece, number).replace("\"usageMetadata\"", "\"usage_metadata\""),
            38 => text(piece, number).replace("7,", "07,"),
            _ => text(piece, number).replace('}', "} "),
        }
    })
}

proptest! {
    #[test]
    fn any_stream_is_read_as_without_the_shortcut(events in prop::collection::vec(any_event(), 0..24)) {
        prop_assert_eq!(read(&events, false).0, read(&events, true).0);
    }
}
