//! What arrives where a stream, or a reply, should be.

use crate::error::{Error, ErrorKind};
use crate::json::{self, Growing};
use crate::redact::one_line;
use crate::wire::openai::is_error;
use crate::wire::other_form::of_another_api;
use crate::wire::{errors, markup};

/// How many bytes of a JSON body instead of events are collected.
const CAP: usize = 64 << 10;

/// How many bytes of a web page are searched for its title.
pub(super) const PAGE_START: usize = 64 << 10;

/// The lines of a JSON body that arrived instead of events.
#[derive(Debug, Default)]
pub(super) struct Stray {
    /// The start of the first line that is not part of an event; empty if there was none.
    pub(super) start: String,
    body: Vec<u8>,
    end: Growing,
}

impl Stray {
    /// Takes a field that no event has. `begun` says whether there were choices before it.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8], begun: bool) -> Result<(), Error> {
        if name == b"error" {
            return Err(errors::decode(None, value));
        }
        // Unknown fields are ignored. But the name of a field is text, and bytes that are not text may have swallowed
        // an event.
        if std::str::from_utf8(name).map_or(true, |name| {
            name.contains(|c: char| c.is_control() && c != '\t')
        }) {
            return Err(Error::new(
                ErrorKind::Decode,
                "the stream has bytes that are not part of an event stream; something on the way damaged it",
            ));
        }
        // A JSON or HTML body with the content type of a stream looks like unknown fields.
        if self.body.is_empty() && !name.trim_ascii_start().starts_with(b"{") {
            if markup::is_html(name) && !begun {
                return Err(elsewhere(
                    "the reply is an HTML page, not a stream; base_url is probably wrong",
                ));
            }
            if self.start.is_empty() {
                self.start = start_of(name);
            }
            return Ok(());
        }
        let before = self.body.len();
        if before + name.len() + value.len() >= CAP {
            return Ok(());
        }
        self.body.extend_from_slice(name);
        if !value.is_empty() {
            self.body.push(b':');
            self.body.extend_from_slice(value);
        }
        self.body.push(b'\n');
        self.end.push(self.body.get(before..).unwrap_or_default());
        if self.end.is_complete(&self.body) {
            return Err(if is_error(&self.body) {
                errors::decode(None, &self.body)
            } else {
                elsewhere("the reply is a JSON body, not a stream")
            });
        }
        Ok(())
    }
}

/// What to do with an event that cannot be read.
pub(super) enum Unread {
    /// It has nothing for a reply.
    Ignored,
    /// It can be read with U+FFFD in place of bytes that are not UTF-8, as the standard of event streams wants it
    /// (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>).
    Repaired(String),
    Broken(Error),
}

/// Decides about the event `name` whose data cannot be read for the reason `why`.
#[cold]
pub(super) fn unread(name: &[u8], data: &[u8], why: json::Error) -> Unread {
    if std::str::from_utf8(data).is_err() {
        return Unread::Repaired(String::from_utf8_lossy(data).into_owned());
    }
    // A broken piece of the reply must not be lost, whatever its event is called.
    let may_be_reply =
        matches!(name, b"" | b"message") || data.starts_with(b"{") || data.starts_with(b"[");
    if keeps_alive(name) || !may_be_reply {
        return Unread::Ignored;
    }
    if is_each_line_json(data) {
        return Unread::Broken(Error::new(
            ErrorKind::Decode,
            "the events of the stream are parted by one line end, and an event stream needs an empty line between them",
        ));
    }
    if data.starts_with(b"{") || data.starts_with(b"[{") {
        return Unread::Broken(why.into());
    }
    let start = start_of(data);
    let message = format!("an event of the stream is not JSON; it begins with: {start}");
    Unread::Broken(Error::new(ErrorKind::Decode, message))
}

/// Whether an event of this name only keeps the connection open.
pub(super) fn keeps_alive(name: &[u8]) -> bool {
    KEEPS_ALIVE
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

const KEEPS_ALIVE: [&[u8]; 5] = [
    b"ping",
    b"keepalive",
    b"keep-alive",
    b"keep_alive",
    b"heartbeat",
];

/// Whether these are several JSON texts, one in each line.
pub(super) fn is_each_line_json(text: &[u8]) -> bool {
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.by_ref().filter(|line| !line.is_empty());
    lines.next().is_some_and(json::is_complete)
        && lines
            .next()
            .is_some_and(|line| line.starts_with(b"{") || line == b"[DONE]")
}

/// The start of a body, to be shown in a message.
pub(super) fn start_of(body: &[u8]) -> String {
    let start = body.get(..body.len().min(400)).unwrap_or(body);
    one_line(&String::from_utf8_lossy(start), 160)
}

/// Keeps the start of the first event that has nothing for a reply, before any that has, in `odd`. It may say why. Fails if
/// the event is one of another API than the ones of `read`.
#[cold]
pub(super) fn note_odd(odd: &mut Option<String>, read: &[&str], data: &[u8]) -> Result<(), Error> {
    if let Some(error) = of_another_api(read, data) {
        return Err(error);
    }
    odd.get_or_insert_with(|| start_of(data));
    Ok(())
}

/// The error of a stream that ended with `[DONE]` although something is `missing`.
pub(super) fn incomplete_at_mark(missing: Option<String>) -> Error {
    let why = missing.unwrap_or_default();
    let message = format!("the stream ended with [DONE], but it is incomplete: {why}");
    Error::new(ErrorKind::StreamIncomplete, message).retryable(true)
}

/// The error of a whole reply that lacks something.
pub(super) fn incomplete_reply(why: &str) -> Error {
    unexpected(&format!("the reply is incomplete: {why}")).retryable(true)
}

/// The error of a server that is not the one that was meant, or of a wrong path there.
pub(super) fn elsewhere(message: &str) -> Error {
    unexpected(message).with_wrong_address(true)
}

pub(super) fn unexpected(message: &str) -> Error {
    Error::new(ErrorKind::UnexpectedContent, message)
}
