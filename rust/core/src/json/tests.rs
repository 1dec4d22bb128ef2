use proptest::prelude::*;

use super::*;

fn accepts(bytes: &[u8]) -> bool {
    Reader::new(bytes)
        .and_then(|mut reader| reader.skip().and_then(|()| reader.end()))
        .is_ok()
}

fn text(json: &str) -> Text<'_> {
    Reader::over(json).string().unwrap()
}

#[test]
fn agrees_with_serde_json_on_what_is_json() {
    let cases = [
        "",
        " ",
        "null",
        "nul",
        "true",
        "tru",
        "false",
        "x",
        "0",
        "-0",
        "01",
        "-",
        "1.",
        "1.5",
        ".5",
        "1e5",
        "1e",
        "1E+5",
        "1e-",
        "+1",
        "nan",
        "NAN",
        "+Infinity",
        "-NaN",
        "inf",
        "\"\"",
        "\"a\"",
        "\"a",
        "\"\\n\\u00e9\\/\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\u{7f}\"",
        "[]",
        "[1]",
        "[1,]",
        "[,]",
        "[1 2]",
        "[1",
        "{}",
        "{\"a\":1}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{,}",
        "[}",
        "{]",
        "{}{}",
        "1 2",
        " \t\r\n{} ",
        "\u{feff}{}",
        "[[[[]]]]",
        "{\"a\":[{\"b\":{}}]}",
        "nullx",
    ];
    for case in cases {
        let theirs = serde_json::from_str::<serde_json::Value>(case).is_ok();
        assert_eq!(accepts(case.as_bytes()), theirs, "{case:?}");
    }
}

#[test]
fn nesting_ends_where_serde_json_ends_it() {
    for levels in 120..135 {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = if open == "[" { "" } else { "1" };
            let json = format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
            let theirs = serde_json::from_str::<serde_json::Value>(&json).is_ok();
            assert_eq!(
                accepts(json.as_bytes()),
                theirs,
                "{levels} levels of {open}"
            );
        }
    }
    assert!(!accepts("[".repeat(100_000).as_bytes()));
}

#[test]
fn numbers_may_have_any_length() {
    assert!(accepts(b"1e400"));
    let digits = "9".repeat(1_000_000);
    assert!(accepts(digits.as_bytes()));
    assert_eq!(Reader::over(&digits).count_or_skip().unwrap(), None);
    assert_eq!(Reader::over("12.0").count_or_skip().unwrap(), Some(12));
    assert_eq!(Reader::over("-1").count_or_skip().unwrap(), None);
    assert_eq!(Reader::over("\"7\"").count_or_skip().unwrap(), Some(7));
    assert_eq!(Reader::over("\"seven\"").count_or_skip().unwrap(), None);
}

#[test]
fn invalid_utf8_is_an_error_with_its_offset() {
    let error = Reader::new(b"\"ab\xff\"").unwrap_err();
    assert_eq!(
        error,
        Error {
            offset: 3,
            what: "invalid UTF-8"
        }
    );
    assert!(Reader::new(b"\"\xed\xa0\x80\"").is_err());
}

#[test]
fn a_lone_surrogate_is_kept_at_the_ends_and_replaced_inside() {
    assert_eq!(text(r#""\ud83d\ude00""#).body, "\u{1f600}");
    let end = text(r#""a\ud83d""#);
    assert_eq!((&*end.body, end.high, end.low), ("a", Some(0xd83d), None));
    let start = text(r#""\ude00b""#);
    assert_eq!(
        (&*start.body, start.high, start.low),
        ("b", None, Some(0xde00))
    );
    assert_eq!(text(r#""a\ud83db""#).body, "a\u{fffd}b");
    assert_eq!(text(r#""\ud83d\ud83d\ude00""#).body, "\u{fffd}\u{1f600}");
    assert_eq!(text(r#""\ude00\ude00""#).into_lossy(), "\u{fffd}\u{fffd}");
    let both = text(r#""\ude00\ud83d""#);
    assert_eq!(
        (&*both.body, both.high, both.low),
        ("", Some(0xd83d), Some(0xde00))
    );
}

#[test]
fn halves_of_a_character_meet_over_two_texts() {
    let mut join = SurrogateJoin::default();
    assert_eq!(join.push(text(r#""a\ud83d""#)), "a");
    assert_eq!(join.push(text("\"\"")), "");
    assert_eq!(join.push(text(r#""\ude00b""#)), "\u{1f600}b");
    assert_eq!(join.finish(), None);
    assert_eq!(join.push(text(r#""\ud83d""#)), "");
    assert_eq!(join.push(Text::plain("c")), "\u{fffd}c");
    assert_eq!(join.push(text(r#""\ud83d""#)), "");
    assert_eq!(join.finish(), Some('\u{fffd}'));
}

#[test]
fn only_a_complete_object_or_array_is_complete() {
    for (json, complete) in [
        ("{}", true),
        (" [1]\n", true),
        ("12", false),
        ("\"a\"", false),
        ("null", false),
        ("{", false),
        ("{} x", false),
    ] {
        assert_eq!(is_complete(json.as_bytes()), complete, "{json}");
    }
}

#[test]
fn callbacks_see_keys_and_values_in_order() {
    let mut seen = Vec::new();
    Reader::over(r#"{"a":1,"b\u0063":[true,null],"a":"x"}"#)
        .object(|reader, key| {
            seen.push((key.to_owned(), reader.raw()?.to_owned()));
            Ok(())
        })
        .unwrap();
    let expected = [("a", "1"), ("bc", "[true,null]"), ("a", "\"x\"")];
    assert_eq!(
        seen,
        expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
}

#[test]
fn every_escape_is_read_and_none_is_cut() {
    let json = r#""\"\\\/\b\f\n\r\t\u0041""#;
    assert_eq!(text(json).body, "\"\\/\u{8}\u{c}\n\r\tA");
    for cut in 1..json.len() {
        assert!(!accepts(&json.as_bytes()[..cut]), "cut at byte {cut}");
    }
}

#[test]
fn a_written_string_is_read_back_unchanged() {
    let every: String = (0..0x100).filter_map(char::from_u32).collect();
    let mut json = Vec::new();
    write_string(&mut json, &every);
    assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), every);
}

#[test]
fn a_value_of_another_kind_is_named() {
    let wrong = |result: Result<(), Error>| result.unwrap_err().what;
    let found = wrong(Reader::over("{}").array(Reader::skip));
    assert_eq!(found, "an array was expected");
    let found = wrong(Reader::over("[]").object(|reader, _| reader.skip()));
    assert_eq!(found, "an object was expected");
}

proptest! {
    #[test]
    fn random_bytes_never_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        prop_assert_eq!(accepts(&bytes), theirs);
    }

    #[test]
    fn on_random_json_like_text_it_agrees_with_serde_json(
        text in r#"([\[\]{},:"\\ntrue0-9.eE \n]|\\u00[0-9a-f]{2}|"[a-z]{0,9}"|null|true){0,24}"#
    ) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        let out_of_range = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assert_eq!(accepts(text.as_bytes()), theirs.is_ok() || out_of_range, "{}", text);
    }

    #[test]
    fn strings_decode_as_by_serde_json(string in any::<String>()) {
        let json = serde_json::to_string(&string).unwrap();
        prop_assert_eq!(&*text(&json).into_lossy(), &*string);
        let mut ours = Vec::new();
        write_string(&mut ours, &string);
        let back: String = serde_json::from_slice(&ours).unwrap();
        prop_assert_eq!(back, string);
    }

    #[test]
    fn escaped_code_units_decode_as_by_char_decode_utf16(units in proptest::collection::vec(any::<u16>(), 0..12)) {
        let json = format!("\"{}\"", units.iter().fold(String::new(), |out, unit| format!("{out}\\u{unit:04x}")));
        prop_assert_eq!(text(&json).into_lossy().into_owned(), String::from_utf16_lossy(&units));
    }
}

#[test]
fn a_growing_text_is_complete_when_all_of_it_is() {
    let texts = [
        "{}",
        " [1, {\"a\": \"}\\\"]\"}] ",
        "{} x",
        "{}{}",
        "{\"a\"",
        "\"a\"",
        "1",
        "",
        "x{}",
        "]",
        "[[]]]",
    ];
    for text in texts {
        let mut growing = Growing::default();
        for at in 0..text.len() {
            let before = &text.as_bytes()[..at];
            assert_eq!(growing.is_complete(before), is_complete(before), "{text}");
            growing.push(&text.as_bytes()[at..=at]);
        }
        assert_eq!(
            growing.is_complete(text.as_bytes()),
            is_complete(text.as_bytes()),
            "{text}"
        );
    }
}

#[test]
fn a_growing_text_is_complete_as_models_write_it() {
    for text in ["{\"a\": \"x\ny\"}", "[1,]"] {
        let mut growing = Growing::default();
        growing.push(text.as_bytes());
        assert!(growing.is_complete(text.as_bytes()), "{text:?}");
    }
}

#[test]
fn numbers_of_python_are_numbers() {
    for (text, value) in [
        ("NaN", f64::NAN),
        ("Infinity", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
    ] {
        let list = format!("[{text}, {{\"a\":{text}}}, 1]");
        let mut reader = Reader::new(list.as_bytes()).unwrap();
        let mut first = None;
        reader
            .array(|reader| match first {
                None => {
                    assert_eq!(reader.peek()?, Kind::Number);
                    first = Some(reader.number()?);
                    Ok(())
                }
                Some(_) => reader.skip(),
            })
            .unwrap();
        reader.end().unwrap();
        let read: f64 = first.unwrap().parse().unwrap();
        assert_eq!(read.to_bits(), value.to_bits(), "{text}");
        assert_eq!(Reader::over(text).count_or_skip(), Ok(None));
        assert!(is_complete(list.as_bytes()));
        assert_eq!(strict(&list), r#"[null, {"a":null}, 1]"#);
    }
    for same in [
        r#"{"NaN":"Infinity","a":"-Infinity \" NaN\\","b":-1,"c":[-0.5e-3,true,false,null]}"#,
        "",
        "\"NaN",
        "Na",
    ] {
        assert_eq!(strict(same), same);
    }
    assert_eq!(
        strict(r#"{"a\"":NaN,"é":-Infinity}"#),
        r#"{"a\"":null,"é":null}"#
    );
}
