//! Requests in the form of Messages.

mod params;

pub(super) use self::params::PARAMETERS;

use super::PATH;
use crate::error::Error;
use crate::request::Request;
use crate::wire::body::{Body, field};
use crate::wire::dialect::{Dialect, Encoded};
use crate::wire::messages::{Input, Message, not_a_message};
use crate::wire::params::set;
use crate::wire::providers::Provider;

/// Writes a request.
pub(super) fn encode(
    dialect: &dyn Dialect,
    request: &Request<'_>,
    provider: &Provider,
) -> Result<Encoded, Error> {
    let extra = request.extra_body.map_or("null", |raw| raw.get());
    let mut body = Body::new(request.input.get().len() + 256, extra)?;
    body.text("model", &request.model);
    let mut dropped = Vec::new();
    let params = set(dialect, request, provider, &mut dropped)?;
    params::write(&mut body, &params, request.largest_answer);
    if let Some(system) = request.system {
        body.raw("system", system.get());
    }
    let mut unused = Vec::new();
    let out = body.open("messages").unwrap_or(&mut unused);
    out.push(b'[');
    match Input::read(request)? {
        Input::Prompt(prompt) => {
            out.extend_from_slice(br#"{"role":"user""#);
            field(out, "content", prompt);
            out.push(b'}');
        }
        Input::Messages(list) => {
            for (at, raw) in list.iter().enumerate() {
                let message =
                    Message::read(at, raw)?.ok_or_else(|| not_a_message(at, raw, &list))?;
                message.check_only_system(request)?;
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(message.raw.as_bytes());
            }
        }
    }
    out.push(b']');
    if request.stream {
        body.raw("stream", "true");
    }
    Ok(Encoded {
        dropped,
        ..Encoded::post(PATH, body.finish())
    })
}
