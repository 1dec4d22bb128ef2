use super::*;
use crate::json::MAX_DEPTH;

/// What a text becomes, piece by piece: the tokens and the string that has not ended.
fn read(pieces: &[&str]) -> (Vec<Token>, Option<String>) {
    let mut json = PartialJson::default();
    let mut out = Vec::new();
    for piece in pieces {
        json.push(piece, &mut out);
    }
    (out, json.open_text().map(str::to_owned))
}

/// The same, as text: `[{"k":1,"open…`.
fn shown(pieces: &[&str]) -> String {
    let (tokens, open) = read(pieces);
    let mut shown: Vec<String> = Vec::new();
    for token in tokens {
        shown.push(match token {
            Token::Object => "{".into(),
            Token::Array => "[".into(),
            Token::End => "end".into(),
            Token::Key(key) => format!("{key}:"),
            Token::Value(Scalar::Null) => "null".into(),
            Token::Value(Scalar::Bool(value)) => value.to_string(),
            Token::Value(Scalar::Number(text)) => text,
            Token::Value(Scalar::Text(text)) => format!("{text:?}"),
            Token::Restart => {
                shown.clear();
                continue;
            }
        });
    }
    shown.extend(open.map(|text| format!("{text:?}…")));
    shown.join(" ")
}

const CASES: &[(&str, &str)] = &[
    (
        r#"{"a": 1, "b": [true, null, "x"]}"#,
        r#"{ a: 1 b: [ true null "x" end end"#,
    ),
    (
        r#"{"a": "x\n\u00e9\ud83d\ude00\"y"#,
        "{ a: \"x\\né😀\\\"y\"…",
    ),
    // Halves of escapes and characters.
    (r#"["a\"#, r#"[ "a"…"#),
    (r#"["a\u00"#, r#"[ "a"…"#),
    (r#"["a\ud83d"#, r#"[ "a"…"#),
    (r#"["a\ud83dx"#, "[ \"a\u{fffd}x\"…"),
    (r#"["\ude00"]"#, "[ \"\u{fffd}\" end"),
    // A number or a word may go on; a key is not complete.
    ("[12", "["),
    ("[12 ", "[ 12"),
    ("[12.5e3, tru", "[ 12.5e3"),
    (r#"{"ke"#, "{"),
    (r#"{"key"#, "{"),
    (r#"{"key""#, "{ key:"),
    ("[NaN, -Infinity]", "[ NaN -Infinity end"),
    ("[]", "[ end"),
    ("{}", "{ end"),
    // What models write, and can mean only one thing.
    ("[1, 2,]", "[ 1 2 end"),
    ("{\"a\": \"x\ny\",\u{a0}}", "{ a: \"x\\ny\" end"),
    ("\u{feff}```json\n[1]\n```", "[ 1 end"),
    ("```[1,\n2]```", "[ 1 2 end"),
    ("```json title=\"a\"\n[1]\n```", "[ 1 end"),
    ("~~~\r\n[1]\n~~~", "[ 1 end"),
    ("<think>[0]</think>\n\n```json\n[1]\n```", "[ 1 end"),
    ("<think>x</think><answer>\n[1]</answer>", "[ 1 end"),
    (
        "<|channel|>analysis<|message|>[0]<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>[1]",
        "[ 1 end",
    ),
    ("analysisIs it [0]?assistantfinal[1]", "[ 1 end"),
    // Thoughts whose beginning is not in the text.
    ("x</think>[1]", "[ 1 end"),
    ("[0]? No.</think>[1]", "[ 1 end"),
    ("<think>x</think>y</think>[1]", "[ 1 end"),
    // Not JSON, or not the only one.
    ("Here: [1]", ""),
    ("<b>[1]</b>", ""),
    ("[1] [2]", "[ 1 end"),
    ("[,1]", "["),
    ("[1}", "[ 1"),
    ("{'a': 1}", "{"),
    (r#"{"a" 1}"#, "{ a:"),
    ("[True]", "["),
    ("[01]", "["),
    (r#"["\x"]"#, "["),
    ("", ""),
];

#[test]
fn it_finds_the_same_at_every_split() {
    for &(whole, wanted) in CASES {
        assert_eq!(shown(&[whole]), wanted, "{whole:?}");
        let places = || (0..=whole.len()).filter(|&at| whole.is_char_boundary(at));
        for first in places() {
            for second in places().filter(|&second| second >= first) {
                let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                assert_eq!(shown(&pieces), wanted, "{pieces:?}");
            }
        }
    }
}

#[test]
fn it_looks_at_each_byte_once_however_the_text_arrives() {
    let item = r#"{"name": "Ada \u00e9", "tags": ["x", "y"], "age": 36.5}, "#;
    let text = format!(
        "<think>{}</think>[{}",
        "?".repeat(10_000),
        item.repeat(2_000)
    );
    for size in [1, 7, 1_000, text.len()] {
        let mut json = PartialJson::default();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            json.push(std::str::from_utf8(piece).unwrap(), &mut out);
        }
        let answer = text.len() - 10_000;
        assert!(
            json.scanned() <= answer,
            "{} of {answer} bytes",
            json.scanned()
        );
        assert!(out.len() > 2_000 * 11, "{}", out.len());
    }
}

#[test]
fn it_takes_linear_time_and_nests_as_deep_as_json_may() {
    for unit in [
        "[",
        "</think>",
        "<",
        "`",
        "[0]</think>",
        "\"\\",
        "<answer>",
        " ",
        "a",
    ] {
        let text = unit.repeat(20_000 / unit.len());
        let pieces: Vec<_> = (0..text.len()).map(|at| &text[at..=at]).collect();
        let (tokens, _) = read(&pieces);
        assert_eq!(tokens, read(&[&text]).0, "{unit:?}");
    }
    assert_eq!(read(&[&"[".repeat(200)]).0.len(), MAX_DEPTH as usize);
}
