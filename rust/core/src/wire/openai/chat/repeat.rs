//! A shortcut for events that differ from the previous one only in their text.
//!
//! A server writes the same JSON around every token of a stream. Once an event was read in full and had only text, an
//! event with the same bytes around its text means the same with another text. To compare the bytes costs a tenth of
//! reading the event.

use crate::json::plain_run;

/// `OpenAI` pads its events to hide the lengths of tokens. This is the only other place that changes.
const PADDING: &[u8] = b"\"obfuscation\":\"";
const END: &[u8] = b"\"}";
/// How many events are learned in a row without a match. A server that changes more than the text is given up.
const PATIENCE: u8 = 16;

/// How many bytes around a text are learned. They are kept for the rest of the stream, and servers need a tenth.
const LONGEST: usize = 4 << 10;

/// The bytes around the text of an event.
#[derive(Debug, Default)]
pub(super) struct Frame {
    before: Vec<u8>,
    after: Vec<u8>,
    is_padded: bool,
    /// How many events were learned since the last match.
    misses: u8,
}

impl Frame {
    /// Remembers an event that was read as plain text; `text` is that text, as a slice of `data`.
    pub(super) fn learn(&mut self, data: &[u8], text: &str) {
        if self.misses >= PATIENCE || data.len() - text.len() > LONGEST {
            return;
        }
        self.misses += 1;
        self.before.clear();
        // A text that is not a slice of the data (it had escapes, or was missing) has no position in it.
        let Some(start) = (text.as_ptr() as usize).checked_sub(data.as_ptr() as usize) else {
            return;
        };
        let around = data
            .split_at_checked(start)
            .and_then(|(before, rest)| Some((before, rest.get(text.len()..)?)));
        let Some((before, mut after)) = around else {
            return;
        };
        if !before.ends_with(b"\"") || !after.starts_with(b"\"") {
            return;
        }
        // `obfuscation` between unescaped quotes is a key and not part of a text. Only one brace follows its value, so
        // it is a key of the event itself and of nothing inside it.
        self.is_padded = false;
        if let Some(members) = after.strip_suffix(END)
            && let Some(at) = memchr::memrchr(b'"', members)
            && let Some((kept, padding)) = members.split_at_checked(at + 1)
            && kept.ends_with(PADDING)
            && plain_run(padding) == padding.len()
        {
            self.is_padded = true;
            after = kept;
        }
        self.before.extend_from_slice(before);
        self.after.clear();
        self.after.extend_from_slice(after);
    }

    /// The text of an event that is otherwise the same as the learned one.
    pub(super) fn text<'a>(&mut self, data: &'a [u8]) -> Option<&'a str> {
        if self.before.is_empty() {
            return None;
        }
        let rest = data.strip_prefix(self.before.as_slice())?;
        let (text, rest) = plain(rest)?;
        let rest = rest.strip_prefix(self.after.as_slice())?;
        let fits = if self.is_padded {
            // The padding has ASCII letters. With any others, the event is read in full.
            let (padding, rest) = rest.split_at_checked(plain_run(rest))?;
            rest == END && padding.is_ascii()
        } else {
            rest.is_empty()
        };
        if !fits {
            return None;
        }
        self.misses = 0;
        Some(text)
    }
}

/// The plain bytes up to the end of a string, which must be UTF-8, and the bytes after them.
fn plain(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) = bytes.split_at_checked(plain_run(bytes))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use crate::message::ChunkKind;
    use crate::wire::openai::chat::ChatStream;
    use crate::wire::{Step, StreamDecoder};

    fn event(text: &str, rest: &str) -> String {
        format!(
            r#"{{"id":"c","model":"m","created":5,"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]{rest}}}"#
        )
    }

    type Decoded = Vec<Result<(Step, Vec<ChunkKind>), String>>;

    /// Reads the events with a decoder that learns their frame, and with one that reads each in full.
    fn read_both(events: &[String]) -> [Decoded; 2] {
        [false, true].map(|forgets| {
            let mut stream = ChatStream::default();
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
    fn only_the_text_and_the_padding_may_differ() {
        let mut frame = Frame::default();
        let first = event("one", r#","obfuscation":"xyz""#);
        let at = first.find("one").unwrap_or_default();
        frame.learn(first.as_bytes(), first.get(at..at + 3).unwrap_or_default());
        let fits = |frame: &mut Frame, data: String| frame.text(data.as_bytes()).map(str::to_owned);
        let padded = |text: &str| event(text, r#","obfuscation":"q""#);
        assert_eq!(fits(&mut frame, padded(" two")), Some(" two".to_owned()));
        assert_eq!(fits(&mut frame, padded("")), Some(String::new()));
        assert_eq!(
            fits(&mut frame, padded("\u{e9}")),
            Some("\u{e9}".to_owned())
        );
        for other in [
            padded(r"a\n"),
            padded("tab\there"),
            event("two", ""),
            event("two", r#","obfuscation":"q","usage":{}"#),
            event("two", r#","obfuscation":"q\"""#),
            event("two", r#","obfuscation":"q"} "#),
            padded("two").replace("\"m\"", "\"n\""),
            padded(r#"two"},"finish_reason":"stop","x":{"y":"z"#),
        ] {
            assert_eq!(fits(&mut frame, other.clone()), None, "{other}");
        }
    }

    #[test]
    fn a_known_frame_does_not_change_what_is_read() {
        let usage = r#","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#;
        let tool = r#"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{"}}]}}]}"#;
        let finish = r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        let events: Vec<String> = [
            event("", ""),
            event("one", ""),
            event(" two", ""),
            event(r" \ud83d", ""),
            event(r"\ude00", ""),
            event(" three", ""),
            event(" three", ""),
            tool.to_owned(),
            event(" four", usage),
            event(" five", ""),
            event(" six", ""),
            event(" seven", "}"),
            event(" eight", ""),
            finish.to_owned(),
            event(" late", ""),
            "[DONE]".to_owned(),
            event(" after", ""),
        ]
        .into();
        let [learned, in_full] = read_both(&events);
        assert_eq!(learned, in_full);
    }

    #[test]
    fn a_stream_whose_frame_always_changes_is_given_up() {
        let mut frame = Frame::default();
        for number in 0..40 {
            let data = format!("{{\"n\":{number},\"text\":\"t\"}}");
            let at = data.find("\"t\"}").unwrap_or_default() + 1;
            assert_eq!(frame.text(data.as_bytes()), None);
            frame.learn(data.as_bytes(), data.get(at..=at).unwrap_or_default());
        }
        let same = b"{\"n\":39,\"text\":\"t\"}";
        assert_eq!(frame.text(same), None);
    }
}
