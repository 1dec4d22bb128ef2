//! Requests in the form of Chat Completions.

use super::part::plain;
use super::parts::{self, Written};
use super::{blocks, dict};
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::body::{fields, invalid, items};
use crate::wire::dialect::{Dialect, Encoded};
use crate::wire::openai::params;
use crate::wire::providers::Provider;

/// Writes the body of a request.
pub(super) fn encode(
    dialect: &dyn Dialect,
    request: &Request<'_>,
    provider: &Provider,
) -> Result<Encoded, Error> {
    let mut body = params::start(request)?;
    // Messages are checked even if `extra_body` replaces them.
    let mut unused = Vec::new();
    let sent = body.open("messages");
    let is_sent = sent.is_some();
    let mut written = Written {
        provider,
        reasoning: provider
            .reasoning_back
            .to_model(&request.model)
            .into_owned(),
        model: &request.model,
        out: sent.unwrap_or(&mut unused),
        dropped: Vec::new(),
    };
    messages(request, &mut written)?;
    let mut dropped = written.dropped;
    if !is_sent {
        dropped.clear();
    }
    params::write(&mut body, dialect, request, provider)?;
    Ok(Encoded {
        dropped,
        choices: params::choices(request),
        ..Encoded::post(super::PATH, body.finish())
    })
}

fn messages(request: &Request<'_>, to: &mut Written<'_>) -> Result<(), Error> {
    let input = request.input.get();
    to.out.push(b'[');
    if let Some(system) = request.system {
        to.text_message("system", system.get());
    }
    match input.as_bytes().first() {
        Some(b'"') if input == "\"\"" => {
            return Err(invalid("prompt: it is empty; give some text"));
        }
        Some(b'"') => to.text_message("user", input),
        Some(b'[') => {
            let list = items(input, "messages")?;
            if list.is_empty() {
                return Err(invalid(
                    "messages: the list is empty; give at least one message",
                ));
            }
            for (at, raw) in list.iter().enumerate() {
                message(at, raw, request.system.is_some(), to)?
                    .ok_or_else(|| not_a_message(at, raw, &list))?;
            }
        }
        _ => {
            return Err(invalid(
                "messages: it must be a string or a list of messages",
            ));
        }
    }
    to.out.push(b']');
    Ok(())
}

/// Writes a message; None if it is not an object with a role.
fn message(
    at: usize,
    raw: &str,
    has_system: bool,
    to: &mut Written<'_>,
) -> Result<Option<()>, Error> {
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
    let Some(role) = role else {
        return Ok(None);
    };
    if has_system && matches!(&*role, "system" | "developer") {
        let message =
            format!("messages[{at}]: there is a system message here and in system=; leave one out");
        return Err(Error::new(ErrorKind::Config, message));
    }
    let path = format!("messages[{at}]");
    let Some(parts) = parts else {
        let content = extra.iter().find(|(name, _)| name == "content");
        if let Some((_, content)) = content.filter(|(_, raw)| raw.starts_with('[')) {
            blocks::check(&path, content)?;
        }
        return dict::write(&path, (&role, raw, &extra), to).map(Some);
    };
    parts::write(&path, (&role, name, &extra), parts, to).map(Some)
}

/// Whether it is an item of the content, such as a text or an image, without the message around it.
fn is_part(raw: &str) -> bool {
    let Ok(fields) = fields(raw, format_args!("messages")) else {
        return false;
    };
    let has = |key: &str| fields.iter().any(|(name, _)| name == key);
    has("type") && !has("role")
}

fn not_a_message(at: usize, raw: &str, list: &[&str]) -> Error {
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
