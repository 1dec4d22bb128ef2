//! JSON as models write it: what is not JSON but can mean only one thing is read, and the rest is named.

use std::borrow::Cow;
use std::fmt;

use super::around::{is_blank, unfenced, without_ends};
use super::reader::Reader;
use super::strings::plain_run;
use super::thinking;

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub what: &'static str,
    /// Where, from 1, in lines and characters of the text; `None` if it is not in one place.
    pub place: Option<(usize, usize)>,
    /// The character there; `None` at the end of the text.
    pub found: Option<char>,
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.what)?;
        if let Some((line, column)) = self.place {
            write!(to, " at line {line}, column {column}")?;
        }
        self.found.map_or(Ok(()), |found| {
            write!(to, ", but there is {:?}", found.to_string())
        })
    }
}

/// The JSON that a model wrote as `text`, if it can mean only one thing.
///
/// A control character in a string is read as its escape, and a comma before the end of an object or array is left
/// out. So are a byte order mark, a Markdown fence around the whole text, the model's mark of its end and, with `thinks`,
/// what the model thought before its answer. White space of other kinds than JSON's becomes a space. Nothing is ever
/// added to text that ends too early.
///
/// It works in linear time.
pub fn written(text: &str, thinks: bool) -> Result<Cow<'_, str>, Problem> {
    let mut rest = without_ends(text);
    // Each round leaves out thoughts whose beginning is not in the text. No model needs many.
    for _ in 0..8 {
        if thinks {
            rest = thinking::left_out(rest).ok_or(Problem {
                what: "the text ends inside a thinking block",
                place: None,
                found: None,
            })?;
        }
        let problem = match whole(unfenced(rest), text) {
            Ok(json) => return Ok(json),
            Err(problem) => problem,
        };
        match thinking::after_end(rest).filter(|_| thinks) {
            Some(after) => rest = after,
            None => return Err(problem),
        }
    }
    Err(Problem {
        what: "there are too many thinking blocks",
        place: None,
        found: None,
    })
}

/// Whether `text` can be read as JSON.
pub(super) fn is_whole(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| written(text, false).is_ok())
}

/// The JSON of `part`, which is a slice of `text`.
fn whole<'a>(part: &'a str, text: &str) -> Result<Cow<'a, str>, Problem> {
    if part.is_empty() {
        return Err(Problem {
            what: "the text is empty",
            place: None,
            found: None,
        });
    }
    let json = repaired(part);
    let mut reader = Reader::over(&json);
    let Err(error) = reader.skip().and_then(|()| reader.end()) else {
        return Ok(json);
    };
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    let at = start + original_offset(part, error.offset);
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    Err(Problem {
        what: error.what,
        place: Some((
            before.matches('\n').count() + 1,
            in_line.chars().count() + 1,
        )),
        found: part
            .get(at - start..)
            .and_then(|after| after.chars().next()),
    })
}

fn repaired(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    repair(text, |at, len, instead| {
        if copied == 0 {
            out.reserve(text.len() + 64);
        }
        out.push_str(text.get(copied..at).unwrap_or_default());
        out.push_str(instead);
        copied = at + len;
    });
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where in `text` the byte is that is at `offset` of the repaired text.
fn original_offset(text: &str, offset: usize) -> usize {
    // Ends of the last repair before it, in both texts.
    let (mut here, mut there) = (0, 0);
    repair(text, |at, len, instead| {
        let end = there + (at - here) + instead.len();
        if end <= offset {
            (here, there) = (at + len, end);
        }
    });
    (here + offset.saturating_sub(there)).min(text.len())
}

/// Calls `piece` with each piece of `text` that has to be replaced: its offset, its length, and what to put there.
fn repair(text: &str, mut piece: impl FnMut(usize, usize, &str)) {
    let bytes = text.as_bytes();
    let mut in_string = false;
    // The last byte outside of strings that is not white space.
    let mut last = b'[';
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if in_string {
            let run = plain_run(bytes.get(at..).unwrap_or_default());
            at += run;
            match bytes.get(at) {
                Some(b'"') => in_string = false,
                // The next byte is part of the escape.
                Some(b'\\') => at += 1,
                Some(b'\n') => piece(at, 1, "\\n"),
                Some(b'\t') => piece(at, 1, "\\t"),
                Some(b'\r') => piece(at, 1, "\\r"),
                Some(control) => piece(at, 1, &format!("\\u{control:04x}")),
                None => return,
            }
            at += 1;
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b',' if !matches!(last, b'[' | b'{' | b',' | b':') => {
                let after = text.get(at + 1..).unwrap_or_default();
                let next = after.chars().find(|c| !is_blank(*c));
                if let Some('}' | ']') = next {
                    piece(at, 1, "");
                }
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                at += 1;
                continue;
            }
            _ => {
                let blank = text.get(at..).and_then(|rest| rest.chars().next());
                if let Some(blank) = blank.filter(|c| is_blank(*c)) {
                    piece(at, blank.len_utf8(), " ");
                    at += blank.len_utf8();
                    continue;
                }
            }
        }
        last = byte;
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> String {
        written(text, true).unwrap().into_owned()
    }

    fn problem(text: &str) -> String {
        written(text, true).unwrap_err().to_string()
    }

    #[test]
    fn what_can_mean_only_one_thing_is_read() {
        for (text, json) in [
            ("{\"a\": \"x\ny\tz\r\u{1}\"}", r#"{"a": "x\ny\tz\r\u0001"}"#),
            ("[1, 2, ]", "[1, 2 ]"),
            ("{\"a\": [1,\n],\n}", "{\"a\": [1\n]\n}"),
            ("[\",]\", \"\\\",}\",]", "[\",]\", \"\\\",}\"]"),
            ("\u{feff} [1]", "[1]"),
            ("```json\n[1]\n```", "[1]"),
            ("\n```\r\n[1]\r\n```\n", "[1]"),
            ("[\"\u{e9}\n\u{e9}\"]", "[\"\u{e9}\\n\u{e9}\"]"),
            // A code block of another form, or one without its end.
            ("```json\n[1]", "[1]"),
            ("[1]\n```", "[1]"),
            ("```json [1] ```", "[1]"),
            ("```[1,\n2]```", "[1,\n2]"),
            ("```json [\n1]\n```", "[\n1]"),
            ("```json title=\"a\"\n[1]\n```", "[1]"),
            ("````json\n[1]\n````", "[1]"),
            ("~~~\n[1]\n~~~", "[1]"),
            ("`[1]`", "[1]"),
            ("```true```", "true"),
            ("```-5```", "-5"),
            ("```json 5```", "5"),
            ("```json\n\"`a`\"", "\"`a`\""),
            // White space that JSON does not have.
            (
                "\u{200b}[\u{a0}1,\u{3000}\"\u{a0}\",\u{a0}]",
                "[ 1, \"\u{a0}\" ]",
            ),
            ("[\u{c}1\u{2028}]\u{2060}", "[ 1 ]"),
            // The model's mark of its end.
            ("[1]<|im_end|>", "[1]"),
            ("```\n[1]\n```\n</s>", "[1]"),
            ("[1]<end_of_turn>\n<eos>", "[1]"),
            ("[\"</s>\"]</s>", "[\"</s>\"]"),
        ] {
            assert_eq!(answer(text), json, "{text:?}");
        }
        assert!(matches!(written("[1, \"a\"]", false), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_may_mean_something_else_is_named_with_its_place() {
        for (text, wanted) in [
            (" ", "the text is empty"),
            (
                "{'a': 1}",
                "a string was expected at line 1, column 2, but there is \"'\"",
            ),
            (
                "[True]",
                "a value was expected at line 1, column 2, but there is \"T\"",
            ),
            (
                "{\"a\": 1}\n{\"a\": 2}",
                "something follows the value at line 2, column 1, but there is \"{\"",
            ),
            (
                "Here: [1]",
                "a value was expected at line 1, column 1, but there is \"H\"",
            ),
            (
                "[1] // one",
                "something follows the value at line 1, column 5, but there is \"/\"",
            ),
            (
                "[,]",
                "a value was expected at line 1, column 2, but there is \",\"",
            ),
            (
                "[1,,]",
                "a value was expected at line 1, column 4, but there is \",\"",
            ),
            (
                "{\"a\":,}",
                "a value was expected at line 1, column 6, but there is \",\"",
            ),
            (
                "{\"a\": \"b",
                "the text ends inside a string at line 1, column 9",
            ),
            (
                "[1,",
                "the text ends where a value was expected at line 1, column 4",
            ),
            // The places are those of the text as it was written, in characters.
            (
                "[\"\u{e9}\n\u{e9}\", 'b']",
                "a value was expected at line 2, column 5, but there is \"'\"",
            ),
            (
                "```json\n{\"a\":",
                "the text ends where a value was expected at line 2, column 6",
            ),
            (
                "```\n[1]\n```\n```\n[2]\n```",
                "something follows the value at line 3, column 1, but there is \"`\"",
            ),
            (
                "~5",
                "a value was expected at line 1, column 1, but there is \"~\"",
            ),
            (
                "[\u{a0},]",
                "a value was expected at line 1, column 3, but there is \",\"",
            ),
            (
                "```json\n[1,],\n```",
                "something follows the value at line 2, column 5, but there is \",\"",
            ),
            (
                "<think>\n?</think>\n [x]",
                "a value was expected at line 3, column 3, but there is \"x\"",
            ),
        ] {
            assert_eq!(problem(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn thoughts_before_the_answer_are_left_out_with_the_json_in_them() {
        for text in [
            "<think>\nIs it {\"a\": 1}?\n</think>\n\n{\"a\": 2}",
            "<think></think>{\"a\": 2}",
            "<think>\n\n</think>\n\n```json\n{\"a\": 2}\n```",
            " <THINK>x</Think> {\"a\": 2} ",
            "<thinking>x</thinking>{\"a\": 2}",
            "<seed:think>x</seed:think>{\"a\": 2}",
            "[THINK]x[/THINK]{\"a\": 2}",
            "\u{25c1}think\u{25b7}x\u{25c1}/think\u{25b7}{\"a\": 2}",
            "<|begin_of_thought|>x<|end_of_thought|>\n<|begin_of_solution|>{\"a\": 2}<|end_of_solution|>",
            "<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>{\"a\": 2}<|END_RESPONSE|>",
            "<think>x</think><answer>{\"a\": 2}</answer>",
            "<|channel|>analysis<|message|>{\"a\": 1}<|end|><|start|>assistant<|channel|>final<|message|>{\"a\": 2}<|return|>",
            "<|channel|>final <|constrain|>json<|message|>{\"a\": 2}",
            "analysisIs it {\"a\": 1}?assistantfinal{\"a\": 2}",
            "<think>x</think>\n<think>y</think>{\"a\": 2}",
            "<|channel>thought\nx<channel|>{\"a\": 2}",
            "<analysis>x</analysis>\n{\"a\": 2}",
            "```json\n<think>x</think>\n{\"a\": 2}\n```",
            "<|begin_of_box|>{\"a\": 2}<|end_of_box|>",
            "<think>x</think><response>\n```json\n{\"a\": 2}\n```\n</response>",
            "<answer>{\"a\": 2}",
            "<answer>{\"a\": 2}</answer></s>",
            // The beginning is part of the prompt.
            "x</think>{\"a\": 2}",
            "</think>\n{\"a\": 2}",
            "{\"a\": 1}? No.</think>{\"a\": 2}",
            "<think>x</think>y</think>{\"a\": 2}",
            "x[/THINK]{\"a\": 2}",
        ] {
            assert_eq!(answer(text), "{\"a\": 2}", "{text:?}");
        }
    }

    #[test]
    fn tags_inside_of_the_answer_are_part_of_it() {
        let json = "{\"a\": \"<think>x</think>\"}";
        assert_eq!(answer(&format!("<think>y</think>{json}")), json);
        assert_eq!(
            answer("{\"a\": \"x\n</think>y\"}"),
            r#"{"a": "x\n</think>y"}"#
        );
    }

    #[test]
    fn thoughts_that_never_end_hold_no_answer() {
        for text in [
            "<think>{\"a\": 1}",
            "[THINK] {\"a\": 1}",
            "<|channel|>analysis<|message|>{\"a\": 1}",
        ] {
            assert_eq!(problem(text), "the text ends inside a thinking block");
        }
        assert_eq!(problem("<think>x</think>"), "the text is empty");
        // Arguments of a tool hold no thoughts.
        assert!(written("<think></think>{}", false).is_err());
    }

    #[test]
    fn it_takes_linear_time() {
        for unit in [
            "{</think>",
            "<think></think>",
            "<think>",
            "\"\\\"",
            ",]",
            "```\n",
            "[\"\n",
        ] {
            let text = unit.repeat(300_000 / unit.len());
            assert!(written(&text, true).is_err());
        }
        let text = format!("[\"{}\"]", "\n".repeat(300_000));
        assert_eq!(answer(&text).len(), 600_004);
    }
}
