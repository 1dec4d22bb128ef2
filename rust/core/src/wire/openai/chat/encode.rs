//! Requests in the form of Chat Completions.

use super::dict;
use super::parts::{self, Written};
use crate::error::Error;
use crate::request::Request;
use crate::wire::dialect::{Dialect, Encoded};
use crate::wire::messages::{Input, Message, check_blocks, not_a_message};
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
    params::write(&mut body, dialect, (request, provider), &mut dropped)?;
    Ok(Encoded {
        dropped,
        choices: params::choices(request),
        ..Encoded::post(super::PATH, body.finish())
    })
}

fn messages(request: &Request<'_>, to: &mut Written<'_>) -> Result<(), Error> {
    let input = Input::read(request)?;
    to.out.push(b'[');
    if let Some(system) = request.system {
        to.text_message("system", system.get());
    }
    match input {
        Input::Prompt(prompt) => to.text_message("user", prompt),
        Input::Messages(list) => {
            for (at, raw) in list.iter().enumerate() {
                let message = Message::read(at, raw)?;
                let message = message.ok_or_else(|| not_a_message(at, raw, &list))?;
                message.check_only_system(request)?;
                write(&message, to)?;
            }
        }
    }
    to.out.push(b']');
    Ok(())
}

fn write(message: &Message<'_>, to: &mut Written<'_>) -> Result<(), Error> {
    let path = message.path();
    let (role, extra) = (&*message.role, &message.extra);
    if let Some(parts) = message.parts {
        return parts::write(&path, (role, message.name, extra), parts, to);
    }
    if let Some(content) = message.get("content").filter(|raw| raw.starts_with('[')) {
        check_blocks(&path, content)?;
    }
    dict::write(&path, (role, message.raw, extra), to)
}
