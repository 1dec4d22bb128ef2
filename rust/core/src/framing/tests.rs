use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::sse::Item;

const ARRAY: &[Framing] = &[Framing::Events, Framing::Array];
const EVENTS: &[Framing] = &[Framing::Events];

/// What was read from a body: its records, and how it ended.
#[derive(Debug, PartialEq, Default)]
struct Cut {
    records: Vec<String>,
    document: Option<String>,
    /// Whether the body was over before its end.
    is_over: bool,
    missing: Option<&'static str>,
    error: Option<String>,
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn cut<'a>(
    taken: &'static [Framing],
    cap: usize,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Cut {
    let mut cutter = Cutter::new(taken, cap, 4 * cap);
    let mut cut = Cut::default();
    let mut take = |item: Item<'_>| {
        match item {
            Item::Event { name, data } => {
                cut.records.push(format!("{}:{}", lossy(name), lossy(data)));
            }
            Item::Stray { name, .. } => cut.records.push(format!("stray {}", lossy(name))),
            Item::Comment(_) => {}
        }
        Ok(())
    };
    let mut read = Ok(());
    for chunk in chunks {
        read = cutter.push(chunk, &mut take);
        if read.is_err() {
            break;
        }
    }
    let read = read.and_then(|()| cutter.finish(&mut take));
    cut.is_over = matches!(cutter.progress(), Progress::Ended | Progress::Wrong(_));
    cut.document = cutter.document().map(lossy);
    match read {
        Ok(missing) => cut.missing = missing,
        Err(error) => {
            cut.document = None;
            cut.error = Some(error.to_string());
        }
    }
    cut
}

/// The same at every split into two, and for single bytes.
fn split(taken: &'static [Framing], cap: usize, body: &str) -> Cut {
    let whole = cut(taken, cap, [body.as_bytes()]);
    assert_eq!(whole, cut(taken, cap, body.as_bytes().chunks(1)), "{body}");
    for at in 0..=body.len() {
        let (head, tail) = body.as_bytes().split_at(at);
        assert_eq!(whole, cut(taken, cap, [head, b"", tail]), "{body} at {at}");
    }
    whole
}

fn records(body: &str) -> Vec<String> {
    let cut = split(ARRAY, 1_000, body);
    assert_eq!((cut.error, cut.missing), (None, None), "{body}");
    assert!(cut.is_over, "{body}");
    cut.records
}

#[test]
fn an_array_is_cut_into_its_elements() {
    for (body, expected) in [
        (
            "[{\"a\":1}\r\n,\r\n{\"b\":[2]}]",
            &[":{\"a\":1}", ":{\"b\":[2]}"][..],
        ),
        ("\u{feff}\n [ {} , [ ] ]\r\n", &[":{}", ":[ ]"]),
        ("[]", &[]),
        ("[\n]\n", &[]),
        (
            "[1,-2.5e3 ,null\n,\"a,]\"]",
            &[":1", ":-2.5e3", ":null", ":\"a,]\""],
        ),
        (
            r#"[{"a\"}]":"\\"},{"b":"é\u00e9{"}]"#,
            &[r#":{"a\"}]":"\\"}"#, r#":{"b":"é\u00e9{"}"#],
        ),
        ("[{}] what follows is ignored ]{", &[":{}"]),
        (
            "[{\"error\":{\"code\":404}}]",
            &[":{\"error\":{\"code\":404}}"],
        ),
    ] {
        assert_eq!(records(body), expected, "{body}");
    }
}

#[test]
fn an_array_that_has_not_ended_is_incomplete() {
    for (body, count, missing) in [
        ("[", 0, "the JSON array has no end"),
        ("[{}", 1, "the JSON array has no end"),
        ("[{}\r\n,\r\n", 1, "the JSON array has no end"),
        ("[{},12", 1, "the JSON array has no end"),
        ("[{},{\"a\":\"", 1, INSIDE),
        ("[{},{\"a\":\"}]\\", 1, INSIDE),
        ("[{},\"a", 1, INSIDE),
    ] {
        let cut = split(ARRAY, 1_000, body);
        assert_eq!(
            (cut.records.len(), cut.missing),
            (count, Some(missing)),
            "{body}"
        );
        assert!(!cut.is_over, "{body}");
    }
}

#[test]
fn an_array_that_is_broken_between_its_records_is_an_error() {
    for (body, expected) in [
        ("[{} {}]", "a comma or the end was expected after a record"),
        ("[{}:1]", "a comma or the end was expected after a record"),
        ("[,{}]", "a record was expected"),
        ("[{},]", "a record was expected"),
        ("[}", "a record was expected"),
    ] {
        let error = split(ARRAY, 1_000, body).error.unwrap();
        assert!(error.ends_with(expected), "{body}: {error}");
    }
    let deep = |levels: usize| format!("[{}{}]", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(records(&deep(127)).len(), 1);
    let error = split(ARRAY, 1_000, &deep(128)).error.unwrap();
    assert!(error.contains("more than 127 levels"), "{error}");
}

#[test]
fn the_cap_of_a_record_is_the_same_in_each_framing_and_at_each_split() {
    for cap in 8..20 {
        let data = format!("{{\"a\":\"{}\"}}", "x".repeat(4));
        let fits = data.len() <= cap;
        for body in [
            format!("[{data}]"),
            format!("[{data},{data}"),
            format!("[ {data}\n,1]"),
        ] {
            let cut = split(ARRAY, cap, &body);
            assert_eq!(cut.error.is_none(), fits, "{body}, {cap}");
            let error = cut.error.unwrap_or_default();
            assert!(fits || error.contains("max_event_bytes"), "{error}");
        }
        assert_eq!(
            split(ARRAY, cap, "[123456789012]").error.is_none(),
            cap >= 12,
            "{cap}"
        );
        let fits = data.len() <= 4 * cap;
        assert_eq!(split(EVENTS, cap, &data).error.is_none(), fits);
    }
    let error = split(EVENTS, 8, &format!("{{\"a\":\"{}\"}}", "x".repeat(25))).error;
    assert!(error.unwrap().contains("max_reply_bytes"));
}

#[test]
fn the_first_byte_shows_the_framing() {
    let event = "data: {\"a\":1}\n\n";
    for body in [
        event,
        &format!("\u{feff}\r\n {}", "\n"),
        &format!("\n\n{event}"),
        ": c\n\n",
    ] {
        for taken in [EVENTS, ARRAY, &[Framing::Array]] {
            let cut = split(taken, 1_000, body);
            assert_eq!((cut.document, cut.error), (None, None), "{body:?}");
            let expected = usize::from(body.contains("data"));
            let events = cut.records.iter().filter(|it| *it == ":{\"a\":1}");
            assert_eq!(events.count(), expected, "{body:?}");
        }
    }
    // A dialect that takes no arrays gets a document.
    assert_eq!(
        split(EVENTS, 1_000, "[{}]").document.as_deref(),
        Some("[{}]")
    );
}

#[test]
fn a_document_ends_where_its_object_ends() {
    for (body, document, is_over) in [
        ("{\"a\":\"}\"}", "{\"a\":\"}\"}", false),
        ("\u{feff}\n\n{\"a\":1}\r\n \n", "{\"a\":1}", false),
        ("{\"a\":1", "{\"a\":1", false),
        // What follows decides what it is.
        ("{\"a\":1}\n{\"b\":2}\n{", "{\"a\":1}\n{", true),
        ("{\"a\":1} {\"b\":2}", "{\"a\":1}{", true),
        ("{\"a\":1}\n\ndata: [DONE]", "{\"a\":1}\nd", true),
        ("{\"a\":1}\n[DONE]\n", "{\"a\":1}\n[DONE]", true),
        ("{\"a\":1}\n[DO", "{\"a\":1}\n[DO", false),
    ] {
        for taken in [EVENTS, ARRAY] {
            let cut = split(taken, 1_000, body);
            let came = (cut.document.as_deref(), cut.is_over, cut.missing);
            assert_eq!(came, (Some(document), is_over, None), "{body}");
            assert!(cut.records.is_empty(), "{body}");
        }
    }
}

#[test]
fn a_part_of_a_byte_order_mark_is_text() {
    for body in [
        &b"\xef\xbb\n \xbf[1]"[..],
        b"\xef[1]",
        b"\xef\xbb\n{}",
        b"\n\xef\xbb\xbf[1]",
    ] {
        let whole = cut(ARRAY, 1_000, [body]);
        assert_eq!(whole, cut(ARRAY, 1_000, body.chunks(1)), "{body:?}");
        assert!(whole.document.is_none() && !whole.is_over, "{body:?}");
    }
    assert_eq!(
        cut(ARRAY, 1_000, b"\xef\xbb\xbf \n[1]".chunks(1)).records,
        [":1"]
    );
}

#[test]
fn the_start_of_a_page_is_enough() {
    let page = format!("\n<html>{}", "x".repeat(100_000));
    let cut = cut(ARRAY, 1 << 20, page.as_bytes().chunks(7_000));
    assert_eq!(cut.document.map(|text| text.len()), Some(64 << 10));
    assert!(cut.is_over);
    assert!(!split(ARRAY, 1_000, "<html></html>").is_over);
}

#[test]
fn a_record_that_is_whole_in_its_chunk_is_handed_on_without_a_copy() {
    let body = b"[{\"a\":1}\r\n,\r\n{\"b\":2},3]";
    let chunk = body.as_ptr_range();
    let mut cutter = Cutter::new(ARRAY, 1_000, 1_000);
    let mut seen = 0;
    let mut take = |item: Item<'_>| {
        let Item::Event { data, .. } = item else {
            panic!("{item:?}");
        };
        assert!(chunk.contains(&data.as_ptr()), "{} was copied", lossy(data));
        seen += 1;
        Ok(())
    };
    cutter.push(body, &mut take).unwrap();
    assert_eq!(seen, 3);
}

/// JSON, and what is nearly JSON.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\\",
        "\\\"",
        "\n",
        "\r\n,\r\n",
        " ",
        "1",
        "null",
        "{\"a\":1}",
        "\"b\"",
        "é",
        "\\u00e9",
        "data: x\n\n",
        "\u{feff}",
        "<",
    ];
    let piece = prop::sample::select(pieces.to_vec());
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(".{0,3}", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn the_chunks_never_change_the_records(
        start in prop::sample::select(vec!["", "[", "\u{feff}[", "{", "data: "]),
        text in text(),
        size in 1_usize..9,
        cap in 4_usize..40,
    ) {
        let body = format!("{start}{text}");
        let whole = cut(ARRAY, cap, [body.as_bytes()]);
        prop_assert_eq!(&whole, &cut(ARRAY, cap, body.as_bytes().chunks(size)));
        prop_assert_eq!(&whole, &cut(ARRAY, cap, body.as_bytes().chunks(1)));
    }

    #[test]
    fn the_records_of_an_array_are_its_elements(
        items in proptest::collection::vec(value(), 0..6),
        pretty in any::<bool>(),
        size in 1_usize..9,
    ) {
        let items = serde_json::Value::from(items);
        let body = if pretty { format!("{items:#}") } else { items.to_string() };
        let elements: Vec<Box<RawValue>> = serde_json::from_str(&body).unwrap();
        let expected: Vec<_> = elements.iter().map(|raw| format!(":{raw}")).collect();
        let cut = cut(ARRAY, 1 << 20, body.as_bytes().chunks(size));
        prop_assert_eq!((cut.records, cut.is_over), (expected, true));
    }
}
