//! Requests in the form of Responses.

use crate::error::Error;
use crate::request::Request;
use crate::wire::body::{Body, fields, invalid};
use crate::wire::dialect::{Dialect, Encoded};
use crate::wire::params::{Param, Type, find, param};
use crate::wire::providers::Provider;

/// The parameters that it takes.
pub(super) const PARAMETERS: &[Param] = &[
    param("max_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
];

/// Writes the body of a request.
pub(super) fn encode(
    dialect: &dyn Dialect,
    request: &Request<'_>,
    provider: &Provider,
) -> Result<Encoded, Error> {
    let extra = request.extra_body.map_or("null", |raw| raw.get());
    let mut body = Body::new(request.input.get().len() + 256, extra)?;
    body.text("model", &request.model);
    if let Some(system) = request.system {
        body.raw("instructions", system.get());
    }
    let input = request.input.get();
    if input == "\"\"" {
        return Err(invalid("prompt: it is empty; give some text"));
    }
    body.raw("input", input);
    let params = request.params.map_or("null", |raw| raw.get());
    for (name, value) in fields(params, "params")? {
        let param = find(dialect, provider, &name)?;
        if value == "null" {
            continue;
        }
        param.check(value)?;
        match param.name {
            "max_tokens" => body.raw("max_output_tokens", value),
            name => body.raw(name, value),
        }
    }
    body.raw("store", "false");
    if request.stream {
        body.raw("stream", "true");
    }
    Ok(Encoded::post(super::PATH, body.finish()))
}
