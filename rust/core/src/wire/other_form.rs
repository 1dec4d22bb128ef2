//! Recognises a reply, or an event of a stream, in the form of another API.

use crate::error::{Error, ErrorKind};
use crate::json::{self, Kind, Reader};
use crate::wire::providers;

/// An API with replies of its own form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Chat,
    Responses,
    Messages,
    Gemini,
    Converse,
    Cohere,
    Ollama,
}

impl Form {
    /// What its provider calls it.
    fn title(self) -> &'static str {
        match self {
            Self::Chat => "Chat Completions",
            Self::Responses => "Responses",
            Self::Messages => "Anthropic Messages",
            Self::Gemini => "Gemini",
            Self::Converse => "Bedrock Converse",
            Self::Cohere => "Cohere",
            Self::Ollama => "Ollama",
        }
    }

    /// The name that `api=` takes, as soon as it is spoken.
    fn api(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
            Self::Converse => "converse",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
        }
    }
}

/// The error of a body that has the form of another API than the ones of `read`, which are read here; `None` if it is not
/// recognised. Its top-level keys decide.
#[cold]
pub(super) fn of_another_api(read: &[&str], body: &[u8]) -> Option<Error> {
    let form = form(body).filter(|form| !read.contains(&form.api()))?;
    let other = form.api();
    let hint = match providers::dialect(other) {
        Some(_) => format!(": api=\"{other}\" may be meant"),
        None => String::new(),
    };
    let message = format!(
        "the reply has the form of {}, not of {}{hint}",
        form.title(),
        read.join(" or ")
    );
    let error = Error::new(ErrorKind::UnexpectedContent, message);
    Some(error.with_wrong_address(true))
}

fn form(body: &[u8]) -> Option<Form> {
    let mut reader = Reader::new(body).ok()?;
    let mut keys = Keys::default();
    // An event may be longer than what is read of it, so what was seen before an error counts.
    let _ = match reader.peek().ok()? {
        // Gemini sends its streams as a list, too. Its first item shows what it is.
        Kind::Array => reader.array(|reader| {
            reader.object_or_skip(|reader, key| keys.note(reader, key))?;
            Err(STOP)
        }),
        _ => reader
            .object_or_skip(|reader, key| keys.note(reader, key))
            .map(|_| ()),
    };
    keys.form()
}

const STOP: json::Error = json::Error {
    offset: 0,
    what: "enough was read",
};

/// What is at the top of a body.
#[derive(Debug, Default)]
struct Keys {
    /// Which of [`KEYS`] there are, each with the kind of its value.
    seen: Vec<(&'static str, Kind)>,
    object: String,
    event: String,
}

const KEYS: [&str; 8] = [
    "choices",
    "candidates",
    "content",
    "output",
    "message",
    "stopReason",
    "finish_reason",
    "done",
];

impl Keys {
    fn note(&mut self, reader: &mut Reader<'_>, key: &str) -> Result<(), json::Error> {
        let kind = reader.peek()?;
        match (key, kind) {
            ("object", Kind::String) => self.object = reader.string()?.body.into_owned(),
            ("type", Kind::String) => self.event = reader.string()?.body.into_owned(),
            _ => {
                let known = KEYS.into_iter().find(|known| *known == key);
                if let Some(known) = known.filter(|known| !self.has(known, kind)) {
                    self.seen.push((known, kind));
                }
                reader.skip()?;
            }
        }
        Ok(())
    }

    fn has(&self, key: &str, kind: Kind) -> bool {
        self.seen.contains(&(key, kind))
    }

    fn form(&self) -> Option<Form> {
        use Kind::{Array, Bool, Object, String};
        let event = &*self.event;
        Some(if self.has("choices", Array) {
            Form::Chat
        } else if self.has("candidates", Array) {
            Form::Gemini
        } else if event.starts_with("response.")
            || self.object == "response" && self.has("output", Array)
        {
            Form::Responses
        } else if EVENTS_OF_MESSAGES.contains(&event)
            || event == "message" && self.has("content", Array)
        {
            Form::Messages
        } else if self.has("output", Object) && self.has("stopReason", String) {
            Form::Converse
        } else if self.has("message", Object) && self.has("finish_reason", String) {
            Form::Cohere
        } else if self.has("message", Object) && self.has("done", Bool) {
            Form::Ollama
        } else {
            return None;
        })
    }
}

/// Types of the events of Messages. Source: docs.claude.com, "Streaming Messages". Others have a `ping`, too.
const EVENTS_OF_MESSAGES: [&str; 6] = [
    "message_start",
    "message_delta",
    "message_stop",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_another_api_is_recognised_by_its_top_level_keys() {
        for (body, expected) in [
            (r#"{"id":"x","choices":[]}"#, Some(Form::Chat)),
            (
                r#"{"object":"response","output":[{"type":"message"}]}"#,
                Some(Form::Responses),
            ),
            (
                r#"{"type":"response.created","response":{}}"#,
                Some(Form::Responses),
            ),
            (
                r#"{"type":"message","role":"assistant","content":[]}"#,
                Some(Form::Messages),
            ),
            (
                r#"{"type":"message_start","message":{}}"#,
                Some(Form::Messages),
            ),
            (r#"{"candidates":[{"content":{}}]}"#, Some(Form::Gemini)),
            (
                r#"{"output":{"message":{"content":[]}},"stopReason":"end_turn"}"#,
                Some(Form::Converse),
            ),
            (
                r#"{"id":"x","finish_reason":"COMPLETE","message":{}}"#,
                Some(Form::Cohere),
            ),
            (
                r#"{"model":"m","message":{"content":"a"},"done":false}"#,
                Some(Form::Ollama),
            ),
            // A key of ours decides, whatever is beside it.
            (
                r#"{"type":"message","content":[],"choices":[]}"#,
                Some(Form::Chat),
            ),
            (r#"{"choices":null,"candidates":3}"#, None),
            (r#"{"object":"response"}"#, None),
            (r#"{"type":"message","content":"x"}"#, None),
            (r#"{"x":{"choices":[]},"type":"ping"}"#, None),
            // A list of events, whose end may be missing.
            (r#"[{"candidates":[]}]"#, Some(Form::Gemini)),
            (
                "[{\"candidates\":[{}],\"x\":1}\r\n,\r\n{",
                Some(Form::Gemini),
            ),
            (r#"[{"candidates":[{}]"#, Some(Form::Gemini)),
            (r#"[[{"candidates":[]}]]"#, None),
            (r#"[{"x":1},{"candidates":[]}]"#, None),
            ("[]", None),
            ("nonsense", None),
        ] {
            assert_eq!(form(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn the_error_names_both_apis_and_the_fix() {
        let error = |read: &[&str], body: &str| of_another_api(read, body.as_bytes());
        let found = error(&["chat", "completions"], r#"{"type":"response.created"}"#).unwrap();
        assert_eq!(
            found.message(),
            "the reply has the form of Responses, not of chat or completions: api=\"responses\" may be meant"
        );
        assert_eq!(found.kind(), ErrorKind::UnexpectedContent);
        let found = error(&["responses"], r#"{"choices":[]}"#).unwrap();
        let expected = "the form of Chat Completions, not of responses: api=\"chat\" may be meant";
        assert!(found.message().ends_with(expected), "{found}");
        let found = error(&["chat"], r#"{"candidates":[]}"#).unwrap();
        assert_eq!(
            found.message(),
            "the reply has the form of Gemini, not of chat: api=\"gemini\" may be meant"
        );
        assert!(error(&["chat"], r#"{"choices":[]}"#).is_none());
    }
}
