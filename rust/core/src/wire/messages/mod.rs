//! The caller's messages, read once for all dialects.
//!
//! A message is an object in the form of Chat Completions, or one of ours with `parts`. Both become the same list of
//! [`Part`]s: `part.rs` reads ours, `dict.rs` those of a dict, and `blocks.rs` refuses content that no server can read.
//! Error messages name the place where the caller wrote it. All values are borrowed JSON text.
//!
//! Chat Completions sends dicts as they are, so it reads only [`Input`] and [`Message`] and writes the rest itself.

mod blocks;
mod dict;
mod part;

pub(super) use blocks::{check as check_blocks, check_url};
pub(super) use part::{Content, Part, Parts, inner, plain};

use std::borrow::Cow;

use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::body::{Fields, fields, invalid, items};

/// What a request asks.
pub(super) enum Input<'a> {
    /// A prompt: a JSON string that is not empty.
    Prompt(&'a str),
    /// Messages, at least one.
    Messages(Vec<&'a str>),
}

impl<'a> Input<'a> {
    /// Reads the input of a request.
    pub(super) fn read(request: &Request<'a>) -> Result<Self, Error> {
        let input = request.input.get();
        match input.as_bytes().first() {
            Some(b'"') if input == "\"\"" => Err(invalid("prompt: it is empty; give some text")),
            Some(b'"') => Ok(Self::Prompt(input)),
            Some(b'[') => match items(input, "messages")? {
                list if list.is_empty() => Err(invalid(
                    "messages: the list is empty; give at least one message",
                )),
                list => Ok(Self::Messages(list)),
            },
            _ => Err(invalid(
                "messages: it must be a string or a list of messages",
            )),
        }
    }
}

/// One message. Its values are JSON text.
pub(super) struct Message<'a> {
    /// Its place among the messages.
    pub(super) at: usize,
    /// As the caller wrote it.
    pub(super) raw: &'a str,
    /// Who says it.
    pub(super) role: Cow<'a, str>,
    /// Its name, if it is not null.
    pub(super) name: Option<&'a str>,
    /// A list of our parts; without it, the message is a dict in the form of Chat Completions.
    pub(super) parts: Option<&'a str>,
    /// Its other keys, among them `content` if it is a dict.
    pub(super) extra: Fields<'a>,
}

impl<'a> Message<'a> {
    /// Reads a message; `None` if it is not an object with a role.
    pub(super) fn read(at: usize, raw: &'a str) -> Result<Option<Self>, Error> {
        if !raw.starts_with('{') {
            return Ok(None);
        }
        let mut extra = fields(raw, format_args!("messages[{at}]"))?;
        let mut take = |key: &str| {
            let at = extra.iter().position(|(name, _)| name == key)?;
            Some(extra.remove(at).1)
        };
        let role = take("role").filter(|raw| raw.starts_with('"')).map(plain);
        let name = take("name").filter(|raw| *raw != "null");
        let parts = take("parts");
        Ok(role.map(|role| Self {
            at,
            raw,
            role,
            name,
            parts,
            extra,
        }))
    }

    /// What error messages call it.
    pub(super) fn path(&self) -> String {
        format!("messages[{}]", self.at)
    }

    /// A key that is not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let found = self.extra.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| *raw).filter(|raw| *raw != "null")
    }

    /// Refuses a system message if there is a system prompt as well.
    pub(super) fn check_only_system(&self, request: &Request<'_>) -> Result<(), Error> {
        if request.system.is_none() || !matches!(&*self.role, "system" | "developer") {
            return Ok(());
        }
        let message = format!(
            "{}: there is a system message here and in system=; leave one out",
            self.path()
        );
        Err(Error::new(ErrorKind::Config, message))
    }

    /// Its parts, whichever form it has. `extra` keeps the keys that they were not read from.
    pub(super) fn take_parts(&mut self) -> Result<Vec<Part<'a>>, Error> {
        match self.parts {
            Some(parts) => Parts::Ours.read(parts, &format!("{}.parts", self.path())),
            None => dict::parts(self),
        }
    }
}

/// What is wrong with an entry of `list` that is not an object with a role.
pub(super) fn not_a_message(at: usize, raw: &str, list: &[&str]) -> Error {
    if let Some(at) = list.iter().position(|raw| is_part(raw)) {
        return invalid(format!(
            "messages[{at}]: it is a part of a message; write [LlmMessage(\"user\", [part, …])]"
        ));
    }
    let token_ids = |inside: &str| inside.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    invalid(match raw.as_bytes().first() {
        Some(_) if token_ids(raw.strip_prefix('[').unwrap_or(raw)) => format!(
            "messages[{at}]: token ids go to CompletionClient; chat takes a string or messages"
        ),
        Some(b'[') => format!(
            "messages[{at}]: it is a list; a message is {{\"role\": \"user\", \"content\": …}}, and \
             map() takes several conversations"
        ),
        Some(b'"') => format!(
            "messages[{at}]: it is a string; write {{\"role\": \"user\", \"content\": …}}, or use \
             CompletionClient for several prompts"
        ),
        Some(b'{') => format!("messages[{at}].role: it is missing, or it is not a string"),
        _ => format!("messages[{at}]: it must be an object with a role"),
    })
}

/// Whether it is an item of the content, such as a text or an image, without the message around it.
fn is_part(raw: &str) -> bool {
    let Ok(fields) = fields(raw, format_args!("messages")) else {
        return false;
    };
    let has = |key: &str| fields.iter().any(|(name, _)| name == key);
    has("type") && !has("role")
}
