//! Requests in the form of Gemini.
//!
//! `contents` writes the caller's messages: `part` and `media` their parts, `call` calls and their results. `params` gives
//! each parameter its place, with `thinking` for the effort, `tools` for tools and the choice between them, and `schema` for
//! the schema of an answer or of a tool's arguments. `path` has the address, which names the model, and `spelling` reads the
//! keys of `extra_body`.

mod call;
mod contents;
mod media;
mod params;
mod part;
mod path;
mod schema;
mod schema_cycles;
mod spelling;
mod thinking;
mod tools;

pub(super) use self::params::PARAMETERS;

use crate::error::Error;
use crate::request::Request;
use crate::wire::body::Body;
use crate::wire::dialect::{Dialect, Encoded};
use crate::wire::params::set;
use crate::wire::providers::Provider;

/// Writes a request.
pub(super) fn encode(
    dialect: &dyn Dialect,
    request: &Request<'_>,
    provider: &Provider,
) -> Result<Encoded, Error> {
    let path = path::path(request, provider)?;
    let extra = request.extra_body.map_or("null", |raw| raw.get());
    let extra = spelling::camel_keys(extra)?;
    let mut body = Body::new(request.input.get().len() + 256, &extra)?;
    let mut dropped = Vec::new();
    let mut params = set(dialect, request, provider, &mut dropped)?;
    params::check_family(&mut params, request, &mut dropped)?;
    let choices = params::choices(&body, &params)?;
    contents::write(&mut body, (request, provider), &mut dropped)?;
    params::write(&mut body, request, &params, &mut dropped)?;
    let mut encoded = Encoded {
        dropped,
        choices,
        ..Encoded::post(path, body.finish())
    };
    if request.stream {
        encoded.query.push(("alt".into(), "sse".to_owned()));
    }
    Ok(encoded)
}

#[cfg(test)]
mod tests;
