//! Which parameters there are, and of which type.

use super::Dialect;
use super::openai::errors;
use super::providers::Provider;
use crate::error::{Error, ErrorKind};
use crate::json::{Kind, Reader, write_string};

/// What errors call chat completions.
pub(super) const CHAT_API: &str = "chat";
/// What errors call text completions.
pub(super) const TEXT: &str = "text completions";

/// A request parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Our name for it.
    pub name: &'static str,
    kind: Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Bool,
    Number,
    Integer,
    /// An integer from 1.
    Count,
    /// An integer from 0: with `echo`, no new token may be wanted.
    FromZero,
    /// A flag, or an integer from 0.
    BoolOrCount,
    /// A string or a list of strings.
    Texts,
    Object,
    Objects,
    TextOrObject,
}

const fn param(name: &'static str, kind: Type) -> Param {
    Param { name, kind }
}

/// Parameters of chat.
pub(super) const CHAT: &[Param] = &[
    param("max_tokens", Type::Count),
    param("max_completion_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("seed", Type::Integer),
    param("n", Type::Count),
    param("logprobs", Type::BoolOrCount),
    param("frequency_penalty", Type::Number),
    param("presence_penalty", Type::Number),
    param("logit_bias", Type::Object),
    param("tools", Type::Objects),
    param("tool_choice", Type::TextOrObject),
    param("parallel_tool_calls", Type::Bool),
    param("response_format", Type::Object),
    param("reasoning_effort", Type::Text),
    param("user", Type::Text),
    param("metadata", Type::Object),
];

/// Parameters of text completions.
pub(super) const COMPLETIONS: &[Param] = &[
    param("max_tokens", Type::FromZero),
    param("max_completion_tokens", Type::FromZero),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("seed", Type::Integer),
    param("n", Type::Count),
    param("logprobs", Type::BoolOrCount),
    param("frequency_penalty", Type::Number),
    param("presence_penalty", Type::Number),
    param("logit_bias", Type::Object),
    param("response_format", Type::Object),
    param("user", Type::Text),
    param("suffix", Type::Text),
    param("echo", Type::Bool),
    param("best_of", Type::Count),
];

/// Names of the parameters that a dialect takes at a provider, in the order of its table.
#[must_use]
pub fn supported(dialect: &dyn Dialect, provider: &Provider) -> Vec<&'static str> {
    let names = dialect.parameters().iter().map(|param| param.name);
    names
        .filter(|name| !provider.lacks.contains(name))
        .collect()
}

/// What a client takes and a call does not.
const CLIENT_SETTINGS: [&str; 11] = [
    "api",
    "api_key",
    "base_url",
    "ca_bundle",
    "client_cert",
    "limits",
    "provider",
    "proxy",
    "retry",
    "system",
    "trust_env",
];

/// The parameter of this name.
pub(super) fn find<'a>(table: &'a [Param], name: &str, api: &str) -> Result<&'a Param, Error> {
    if let Some(param) = table.iter().find(|param| param.name == name) {
        return Ok(param);
    }
    let other = [(CHAT, "ChatClient"), (COMPLETIONS, "CompletionClient")]
        .into_iter()
        .find(|(table, _)| table.iter().any(|param| param.name == name));
    let hint = match (name, other) {
        (_, None) if CLIENT_SETTINGS.contains(&name) => {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "params.{name}: it is a setting of the client: give {name}= to ChatClient(…), CompletionClient(…) or with_options(…)"
                ),
            ));
        }
        ("stream", _) => {
            return Err(Error::new(
                ErrorKind::Config,
                "params.stream: which form is used is said by the method: stream(…), or run(…, stream=True)",
            ));
        }
        ("top_logprobs", _) => "logprobs=k asks for the k likeliest tokens".to_owned(),
        (_, Some((_, client))) => format!("{client} takes it"),
        _ => match nearest(name, table.iter().map(|param| param.name)) {
            Some(near) => format!("did you mean {near}?"),
            None => "the provider may know it".to_owned(),
        },
    };
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "params.{name}: {api} has no such parameter; {hint} (extra_body sends a key as it is)"
        ),
    ))
}

impl Param {
    /// Checks a value's type; ranges are the server's to judge.
    pub(super) fn check(&self, raw: &str) -> Result<(), Error> {
        let fits = self.kind.fits(raw)?;
        if fits {
            return Ok(());
        }
        let shown = errors::one_line(errors::cut(raw, 60));
        Err(Error::new(
            ErrorKind::Validation,
            format!(
                "params.{}: it must be {}, not {shown}",
                self.name,
                self.kind.described()
            ),
        ))
    }
}

impl Type {
    fn fits(self, raw: &str) -> Result<bool, crate::json::Error> {
        let kind = Reader::over(raw).peek()?;
        Ok(match self {
            Self::Text => kind == Kind::String,
            Self::Bool => kind == Kind::Bool,
            Self::Number => kind == Kind::Number,
            Self::Integer => is_integer(raw),
            Self::Count => is_integer(raw) && !raw.starts_with(['-', '0']),
            Self::FromZero => is_integer(raw) && !raw.starts_with('-'),
            Self::BoolOrCount => kind == Kind::Bool || is_integer(raw) && !raw.starts_with('-'),
            Self::Texts => kind == Kind::String || is_list_of(raw, Kind::String)?,
            Self::Object => kind == Kind::Object,
            Self::Objects => is_list_of(raw, Kind::Object)?,
            Self::TextOrObject => matches!(kind, Kind::String | Kind::Object),
        })
    }

    fn described(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Count => "a whole number from 1",
            Self::FromZero => "a whole number from 0",
            Self::BoolOrCount => "true, false or a whole number from 0",
            Self::Texts => "a string or a list of strings",
            Self::Object => "an object",
            Self::Objects => "a list of objects",
            Self::TextOrObject => "a string or an object",
        }
    }
}

fn is_integer(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_list_of(raw: &str, wanted: Kind) -> Result<bool, crate::json::Error> {
    let mut all = true;
    let list = Reader::over(raw).array_or_skip(|reader| {
        all &= reader.peek()? == wanted;
        reader.skip()
    })?;
    Ok(list && all)
}

/// JSON that cannot be read is the caller's here, not a server's.
pub(super) fn about_the_request(error: Error) -> Error {
    if error.kind() != ErrorKind::Decode {
        return error;
    }
    let message = format!("the request cannot be encoded: {}", error.message());
    error.with_kind(ErrorKind::Validation).with_message(message)
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

/// The known name that is nearest to `name`, if one is near enough to have been meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits (insertions, deletions, replacements of one byte) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            before = replaced.min(*cell + 1).min(before + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
