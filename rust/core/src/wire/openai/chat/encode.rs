//! Requests in the form of Chat Completions.

use super::parts::{self, Written, separate};
use crate::error::{Error, ErrorKind};
use crate::json::{Kind, Reader};
use crate::request::Request;
use crate::wire::dialect::{Dialect, Encoded, Provider};
use crate::wire::invalid::invalid;
use crate::wire::openai::body::{Body, fields};
use crate::wire::openai::params;

/// Writes the body of a request.
pub(super) fn encode(
    dialect: &dyn Dialect,
    request: &Request<'_>,
    provider: &Provider,
) -> Result<Encoded, Error> {
    let mut body = Body::new(request, provider)?;
    let mut dropped = Vec::new();
    body.text("model", &request.model);
    // Messages are checked even where `extra_body` replaces them.
    let mut unused = Vec::new();
    let sent = body.open("messages");
    let is_sent = sent.is_some();
    messages(request, provider, sent.unwrap_or(&mut unused), &mut dropped)?;
    if !is_sent {
        dropped.clear();
    }
    body.params(dialect, &params::CHAT)?;
    Ok(Encoded {
        path: dialect.path().to_owned(),
        body: body.finish(),
        dropped,
    })
}

fn messages(
    request: &Request<'_>,
    provider: &Provider,
    out: &mut Vec<u8>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let mut reader = Reader::over(request.input.get());
    let kind = reader.peek()?;
    out.push(b'[');
    let mut count = 0;
    if let Some(system) = request.system {
        out.extend_from_slice(br#"{"role":"system","content":"#);
        out.extend_from_slice(system.get().as_bytes());
        out.push(b'}');
        count = 1;
    }
    match kind {
        Kind::String => {
            let raw = reader.raw()?;
            if raw == "\"\"" {
                return Err(invalid("prompt: it is empty; give some text".to_owned()));
            }
            separate(&mut count, out);
            out.extend_from_slice(br#"{"role":"user","content":"#);
            out.extend_from_slice(raw.as_bytes());
            out.push(b'}');
        }
        Kind::Array => {
            let mut list = Vec::new();
            reader.array(|reader| {
                list.push((reader.peek()?, reader.raw()?));
                Ok(())
            })?;
            if list.is_empty() {
                return Err(invalid(
                    "messages: the list is empty; give at least one message".to_owned(),
                ));
            }
            for (at, (kind, raw)) in list.into_iter().enumerate() {
                if kind != Kind::Object {
                    return Err(not_a_message(at, kind));
                }
                message(
                    at,
                    raw,
                    request.system.is_some(),
                    provider,
                    &mut count,
                    out,
                    dropped,
                )?;
            }
        }
        _ => {
            let message = "messages: it must be a string or a list of messages".to_owned();
            return Err(invalid(message));
        }
    }
    out.push(b']');
    Ok(())
}

fn message(
    at: usize,
    raw: &str,
    has_system: bool,
    provider: &Provider,
    count: &mut usize,
    out: &mut Vec<u8>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let (mut role, mut name, mut parts) = (None, None, None);
    Reader::over(raw).object(|reader, key| {
        match key {
            "role" => role = reader.string_or_skip()?.map(crate::json::Text::into_lossy),
            "name" => name = reader.raw_or_null()?,
            "parts" => parts = Some(reader.raw()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let Some(role) = role else {
        let message = format!("messages[{at}].role: it is missing, or it is not a string");
        return Err(invalid(message));
    };
    if has_system && matches!(&*role, "system" | "developer") {
        let message =
            format!("messages[{at}]: there is a system message here and in system=; leave one out");
        return Err(Error::new(ErrorKind::Config, message));
    }
    let Some(parts) = parts else {
        separate(count, out);
        out.extend_from_slice(raw.as_bytes());
        return Ok(());
    };
    let path = format!("messages[{at}]");
    let mut written = Written {
        provider,
        out,
        count,
        dropped,
    };
    let mut extra = fields(raw, &path)?;
    extra.retain(|(key, _)| !matches!(&**key, "role" | "name" | "parts"));
    parts::write(&path, (&role, name, &extra), parts, &mut written)
}

fn not_a_message(at: usize, kind: Kind) -> Error {
    invalid(match kind {
        Kind::Number | Kind::Array => format!(
            "messages[{at}]: token ids go to CompletionClient; chat takes a string or messages"
        ),
        Kind::String => format!(
            "messages[{at}]: it is a string; write {{\"role\": \"user\", \"content\": …}}, or use \
             CompletionClient for several prompts"
        ),
        _ => format!("messages[{at}]: it must be an object with a role"),
    })
}
