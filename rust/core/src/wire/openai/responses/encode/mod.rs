//! Requests in the form of Responses.
//!
//! `input` writes the caller's messages as items: `item` joins the parts of one item again, `call` writes calls and their
//! results, and `content` content blocks. `params` gives each parameter its place, `tools` writes tools and the choice
//! between them, and `state` decides what the server keeps and what it is asked to include.

mod call;
mod content;
mod input;
mod item;
mod params;
mod state;
mod tools;

pub(super) use self::params::PARAMETERS;

use super::PATH;
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
    let extra = request.extra_body.map_or("null", |raw| raw.get());
    let mut body = Body::new(request.input.get().len() + 256, extra)?;
    body.text("model", &request.model);
    let mut dropped = Vec::new();
    let mut params = set(dialect, request, provider, &mut dropped)?;
    params::check_family(&mut params, request, provider, &mut dropped)?;
    let state = state::State::of(&params, &body);
    input::write(
        &mut body,
        (request, provider),
        (&params, &state),
        &mut dropped,
    )?;
    params::write(&mut body, &params)?;
    state.write(&mut body, &request.model, &params);
    if request.stream {
        body.raw("stream", "true");
    }
    Ok(Encoded {
        dropped,
        ..Encoded::post(PATH, body.finish())
    })
}

#[cfg(test)]
mod tests;
