use base64::Engine as _;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::error::{Error, ErrorKind};

const CAP: usize = 64 << 20;

#[derive(Debug, Clone, PartialEq, Default)]
struct Seen {
    events: Vec<(String, String)>,
    comments: Vec<String>,
    stray: Vec<(String, String)>,
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Seen {
    #[allow(clippy::unnecessary_wraps, reason = "a sink may fail")]
    fn take(&mut self, item: Item<'_>) -> Result<(), Error> {
        match item {
            Item::Event { name, data } => self.events.push((lossy(name), lossy(data))),
            Item::Comment(text) => self.comments.push(lossy(text)),
            Item::Stray { name, value } => self.stray.push((lossy(name), lossy(value))),
        }
        Ok(())
    }
}

fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Seen, EventParser) {
    let mut parser = EventParser::new(CAP);
    let mut seen = Seen::default();
    for chunk in chunks {
        parser.push(chunk, |item| seen.take(item)).unwrap();
    }
    (seen, parser)
}

fn cases() -> Vec<Value> {
    let Some(folder) = data_folder() else {
        println!("skipped: no sse_cases.json; set TOKENWIRE_DATA to the folder that has it");
        return Vec::new();
    };
    let text = std::fs::read_to_string(folder.join("sse_cases.json")).unwrap();
    let mut all: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = all["cases"].take() else {
        panic!("no cases");
    };
    cases
}

fn data_folder() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("TOKENWIRE_DATA").map(std::path::PathBuf::from);
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data"));
    named
        .into_iter()
        .chain(beside)
        .find(|folder| folder.join("sse_cases.json").exists())
}

fn expected_events(list: &Value) -> Vec<(String, String)> {
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .map(|event| (text(event, "event"), text(event, "data")))
        .collect()
}

/// Dispatches the pending event, as if a blank line followed.
fn flush_anyway(
    parser: &mut EventParser,
    sink: &mut impl FnMut(Item<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let line = parser.lines.take();
    if !line.is_empty() {
        parser.line(&line, sink)?;
    }
    parser.dispatch(sink)
}

/// Parses `chunks` and compares the events and comments that the case lists.
fn check(case: &Value, chunks: &[&[u8]]) {
    let name = case["name"].as_str().unwrap();
    let (mut seen, mut parser) = parse(chunks.iter().copied());
    assert_eq!(
        seen.events,
        expected_events(&case["events"]),
        "{name}: {} chunks",
        chunks.len()
    );
    let before = seen.events.len();
    flush_anyway(&mut parser, &mut |item| seen.take(item)).unwrap();
    let flushed = seen.events.get(before).cloned();
    match case.get("eof_flush_event") {
        Some(Value::Null) | None => assert_eq!(flushed, None, "{name}"),
        Some(event) => {
            let (event_name, data) = (event["event"].as_str(), event["data"].as_str());
            let flushed = flushed.unwrap_or_else(|| panic!("{name}: nothing was pending"));
            assert_eq!(
                (Some(&*flushed.0), Some(&*flushed.1)),
                (event_name, data),
                "{name}"
            );
        }
    }
    if let Some(comments) = case.get("comments").and_then(Value::as_array) {
        let comments: Vec<_> = comments
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(seen.comments, comments, "{name}");
    }
}

#[test]
fn the_standards_cases_hold_at_every_split() {
    for case in cases() {
        let input = base64::engine::general_purpose::STANDARD
            .decode(case["input_b64"].as_str().unwrap())
            .unwrap();
        check(&case, &[&input]);
        check(&case, &input.chunks(1).collect::<Vec<_>>());
        // Long inputs repeat themselves, so they are split in steps that share no factor with powers of two.
        let step = if input.len() > 4096 { 97 } else { 1 };
        for cut in (0..=input.len()).step_by(step) {
            let (head, tail) = input.split_at(cut);
            check(&case, &[head, b"", tail]);
        }
    }
}

#[test]
fn one_byte_at_a_time_is_searched_at_most_twice() {
    let mut wire = b"data: {\"x\":\"".to_vec();
    wire.extend(std::iter::repeat_n(b'x', 100_000));
    wire.extend(b"\"}\r\n\r\ndata: a\ndata: b\n\nevent: e\ndata\n\n: c\n");
    let (bytewise, parser) = parse(wire.chunks(1));
    let (whole, one) = parse([&wire[..]]);
    assert_eq!(bytewise, whole);
    assert!(
        parser.scanned() <= 2 * wire.len() as u64,
        "{}",
        parser.scanned()
    );
    assert!(one.scanned() <= 2 * wire.len() as u64);
}

fn finish(wire: &str) -> (Vec<String>, End) {
    let (mut seen, mut parser) = parse([wire.as_bytes()]);
    let end = parser.finish(|item| seen.take(item)).unwrap();
    (seen.events.into_iter().map(|(_, data)| data).collect(), end)
}

#[test]
fn a_pending_event_counts_only_if_it_is_complete() {
    assert_eq!(finish("data: a\n\n"), (vec!["a".into()], End::Clean));
    assert_eq!(
        finish("data: [DONE]"),
        (vec!["[DONE]".into()], End::Flushed)
    );
    assert_eq!(
        finish("data: [DONE] \n"),
        (vec!["[DONE] ".into()], End::Flushed)
    );
    assert_eq!(
        finish("data: {\"a\":1}\n"),
        (vec!["{\"a\":1}".into()], End::Flushed)
    );
    assert_eq!(finish("data: {\"a\":1"), (vec![], End::Cut));
    assert_eq!(finish("data: 12"), (vec![], End::Cut));
    assert_eq!(finish("event: x\n"), (vec![], End::Clean));
}

#[test]
fn a_field_that_the_standard_does_not_define_is_passed_on() {
    let (mut seen, mut parser) = parse([&b"error: {\"a\": 1}\nfoo\n data: x\nerror:last"[..]]);
    parser.finish(|item| seen.take(item)).unwrap();
    let expected = [
        ("error", "{\"a\": 1}"),
        ("foo", ""),
        (" data", "x"),
        ("error", "last"),
    ];
    assert_eq!(
        seen.stray,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

fn fails_with(cap: usize, chunks: &[&[u8]]) -> bool {
    let mut parser = EventParser::new(cap);
    for chunk in chunks {
        if let Err(error) = parser.push(chunk, |_| Ok(())) {
            assert_eq!(error.kind(), ErrorKind::EventTooLarge);
            return true;
        }
    }
    false
}

#[test]
fn the_cap_holds_for_lines_and_for_joined_data_at_any_split() {
    for wire in [
        &b"data: 0123456789\n\n"[..],
        b"data: 0123\ndata: 4567\ndata: 89\n\n",
        b": 0123456789abcd\n",
    ] {
        for cap in 1..40 {
            let whole = fails_with(cap, &[wire]);
            assert_eq!(
                fails_with(cap, &wire.chunks(1).collect::<Vec<_>>()),
                whole,
                "cap {cap}"
            );
        }
        assert!(fails_with(10, &[wire]));
        assert!(!fails_with(40, &[wire]));
    }
}

#[test]
fn an_error_of_the_sink_ends_the_push() {
    let mut parser = EventParser::new(CAP);
    let mut count = 0;
    let result = parser.push(b"data: a\n\ndata: b\n\n", |_| {
        count += 1;
        Err(Error::new(ErrorKind::Decode, "stop"))
    });
    assert_eq!((result.unwrap_err().kind(), count), (ErrorKind::Decode, 1));
}

fn wire_text() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 17] = [
        b"data: ",
        b"data",
        b":",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"event: x",
        b"id: 7",
        b"id: \0",
        b"retry: 12",
        b"\xef\xbb\xbf",
        b" ",
        "caf\u{e9}\u{2028}".as_bytes(),
        b"\xff",
        b"{\"a\":1}",
        b"error: y",
    ];
    let piece = prop::sample::select(pieces.to_vec());
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_chunks_never_change_the_items(
        wire in wire_text(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut rest = &wire[..];
        let mut at = 0;
        for cut in cuts {
            let (head, tail) = rest.split_at(cut - at);
            chunks.push(head);
            rest = tail;
            at = cut;
        }
        chunks.push(rest);
        let (mut whole, mut one) = parse([&wire[..]]);
        let (mut split, mut many) = parse(chunks);
        prop_assert_eq!(&whole, &split);
        let ends = (one.finish(|item| whole.take(item)).unwrap(), many.finish(|item| split.take(item)).unwrap());
        prop_assert_eq!(ends.0, ends.1);
        prop_assert_eq!(whole, split);
    }
}

#[test]
fn the_terminal_mark_is_seen_before_its_event_has_ended() {
    for (text, is_at_mark) in [
        ("data: [DONE]", true),
        ("data: [DONE]\r\n", true),
        ("data:[DONE] \n: comment", true),
        ("data: [DONE", false),
        ("data: {}\ndata: [DONE]", false),
        ("data: {\"choices\":[]}", false),
        ("data: [DONE]\n\n", false),
        ("", false),
    ] {
        let mut parser = EventParser::new(1 << 20);
        parser.push(text.as_bytes(), |_| Ok(())).unwrap();
        assert_eq!(parser.is_at_mark(), is_at_mark, "{text:?}");
    }
}

#[test]
fn an_event_that_is_whole_in_its_chunk_is_handed_on_without_a_copy() {
    let wire = b"event: ping\ndata: {}\n\ndata: a\n\nevent:b\r\ndata:c\r\n\r\ndata: d\r\n\r\n";
    let chunk = wire.as_ptr_range();
    let mut seen = Vec::new();
    let mut parser = EventParser::new(CAP);
    let mut take = |item: Item<'_>| {
        let Item::Event { name, data } = item else {
            panic!("{item:?}");
        };
        for part in [name, data] {
            let is_inside = chunk.contains(&part.as_ptr()) || part.is_empty();
            assert!(is_inside, "{:?} was copied", lossy(part));
        }
        seen.push((lossy(name), lossy(data)));
        Ok(())
    };
    parser.push(wire, &mut take).unwrap();
    let expected = [("ping", "{}"), ("", "a"), ("b", "c"), ("", "d")];
    let expected = expected.map(|(name, data)| (name.to_owned(), data.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn an_event_with_a_name_may_go_on_after_its_first_line_of_data() {
    for wire in [
        "event: x\ndata: a\ndata: b\n\n",
        "event: x\r\ndata: a\r\nid: 1\r\ndata: b\r\n\r\n",
        "event: y\nevent: x\ndata: a\r\ndata: b\n\r\n",
        "event: x\rdata: a\rdata: b\r\r",
        "event: x\ndata: a\n: comment\ndata: b\n\n",
    ] {
        let (seen, _) = parse([wire.as_bytes()]);
        assert_eq!(
            seen.events,
            [("x".to_owned(), "a\nb".to_owned())],
            "{wire:?}"
        );
    }
}
