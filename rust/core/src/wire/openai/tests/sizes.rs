use serde_json::{Value, json};

use crate::error::{Error, ErrorKind};
use crate::message::{Fold, Part, Reply};
use crate::wire::dialect;

/// The most choices, calls, blocks and unknown members.
const MOST: usize = 16_384;

fn whole(body: &str) -> Result<Reply, Error> {
    dialect("chat").unwrap().decode_reply(body.as_bytes(), 1)
}

fn streamed(events: &[String]) -> Result<Reply, Error> {
    let mut decoder = dialect("chat").unwrap().stream(1);
    let (mut fold, mut out) = (Fold::default(), Vec::new());
    for event in events {
        decoder.event(b"", event.as_bytes(), &mut out)?;
        out.drain(..).for_each(|chunk| fold.apply(&chunk));
    }
    fold.settle();
    Ok(fold.into_reply())
}

/// The same message as a reply and as one event of a stream.
fn both(message: &str) -> [Result<Reply, Error>; 2] {
    let body = |key: &str| {
        format!(r#"{{"choices":[{{"index":0,"{key}":{message},"finish_reason":"stop"}}]}}"#)
    };
    [whole(&body("message")), streamed(&[body("delta")])]
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

#[test]
fn a_reply_with_too_many_items_is_refused_and_the_error_names_them() {
    let calls = |count| {
        format!(
            r#"{{"tool_calls":[{}]}}"#,
            list(count, |at| format!(
                r#"{{"index":{at},"function":{{"name":"f"}}}}"#
            ))
        )
    };
    let members = |count| format!("{{{}}}", list(count, |at| format!(r#""k{at}":"x""#)));
    let blocks = |count| {
        format!(
            r#"{{"content":[{}]}}"#,
            list(count, |_| r#"{"type":"x"}"#.to_owned())
        )
    };
    let make: [(&str, &dyn Fn(usize) -> String); 3] = [
        ("tool calls", &calls),
        ("unknown members", &members),
        ("content blocks", &blocks),
    ];
    for (what, make) in make {
        for reply in both(&make(MOST)) {
            assert_eq!(reply.unwrap().choices[0].parts.len(), MOST, "{what}");
        }
        for reply in both(&make(MOST + 2)) {
            let error = reply.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ResponseTooLarge, "{what}");
            assert!(error.message().contains(what), "{error}");
        }
    }
    for how in ["message", "delta"] {
        let choice = |_| format!(r#"{{"{how}":{{"content":"a"}}}}"#);
        let body = |count| format!(r#"{{"choices":[{}]}}"#, list(count, choice));
        let read = |count| {
            if how == "delta" {
                streamed(&[body(count)])
            } else {
                whole(&body(count))
            }
        };
        assert_eq!(read(MOST).unwrap().choices.len(), MOST);
        let error = read(MOST + 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
        assert!(error.message().contains("choices"), "{error}");
    }
}

#[test]
fn choices_and_calls_are_found_in_whatever_order_they_come() {
    let count = 1_000;
    let event = |choice: usize, call: usize, text: &str| {
        let name = if text == "a" { "f" } else { "" };
        let call = json!({"index": call, "function": {"name": name, "arguments": text}});
        json!({"choices": [{"index": choice, "delta": {"content": text, "tool_calls": [call]}}]})
            .to_string()
    };
    let mut events = Vec::new();
    for text in ["a", "b"] {
        events.extend((0..count).rev().map(|at| event(at, 7, text)));
        events.extend((0..count).rev().map(|at| event(0, at, text)));
    }
    let reply = streamed(&events).unwrap();
    let indices: Vec<_> = reply
        .choices
        .iter()
        .map(|choice| choice.index as usize)
        .collect();
    assert_eq!(indices, (0..count).collect::<Vec<_>>());
    let first: Vec<_> = reply.choices[0].tool_calls().collect();
    // Call 7 of choice 0 came first, and twice as often as the others.
    assert_eq!((first.len(), &*first[0].arguments), (count, "aabb"));
    assert!(first[1..].iter().all(|call| call.arguments == "ab"));
    let rest = &reply.choices[1..];
    assert!(
        rest.iter()
            .all(|choice| choice.tool_calls().next().unwrap().arguments == "ab")
    );
}

#[test]
fn the_last_value_of_a_member_counts() {
    for reply in both(r#"{"b":"1","a":{"x":1},"b":"2","c":"3","c":null,"a":{"x":2}}"#) {
        let parts = reply.unwrap().choices.remove(0).parts;
        let kept: Vec<_> = parts
            .iter()
            .map(|part| match part {
                Part::Opaque { field, json } => (field.as_str(), json.0.get()),
                part => panic!("{part:?}"),
            })
            .collect();
        assert_eq!(kept, [("a", r#"{"x":2}"#), ("b", r#""2""#)]);
    }
}

#[test]
fn the_pieces_of_a_block_with_too_many_values_stay_pieces() {
    let piece =
        |count| json!({"choices": [{"delta": {"x": {"y": vec![json!({}); count]}}}]}).to_string();
    let parts = |count| {
        let reply = streamed(&[piece(count), piece(count)]).unwrap();
        reply.choices[0].parts.len()
    };
    assert_eq!((parts(10), parts(MOST)), (1, 2));
}

#[test]
fn lists_are_joined_however_long_they_are() {
    let piece = |index| json!({"choices": [{"delta": {"x": [{"index": index, "text": "a"}]}}]});
    let mut pieces: Vec<_> = (0..20_000).map(|at| piece(at / 2).to_string()).collect();
    pieces.insert(0, piece(-1).to_string());
    let parts = streamed(&pieces).unwrap().choices.remove(0).parts;
    let [Part::Opaque { json, .. }] = &*parts else {
        panic!("{} parts", parts.len());
    };
    let items: Vec<Value> = serde_json::from_str(json.get()).unwrap();
    assert_eq!(items.len(), 10_001);
    assert_eq!(items[0], json!({"index": -1, "text": "a"}));
    assert_eq!(items[10_000], json!({"index": 9999, "text": "aa"}));
}

#[test]
fn the_error_in_a_huge_body_is_found() {
    let fields = vec![json!({"a": 1}); 100_000];
    let body: Value = json!({"error": {"message": "no", "code": 503, "z": fields}});
    let error = whole(&body.to_string()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(error.message().contains("no"), "{error}");
}

#[test]
fn lines_of_json_that_never_end_are_not_an_error() {
    let mut decoder = dialect("chat").unwrap().stream(1);
    for line in ["{", "} {", "{}"] {
        decoder.stray_field(line.as_bytes(), b"").unwrap();
    }
    let mut decoder = dialect("chat").unwrap().stream(1);
    // Reading all lines again for each of them would take minutes.
    for _ in 0..200_000 {
        decoder.stray_field(b"{", b"").unwrap();
    }
}
