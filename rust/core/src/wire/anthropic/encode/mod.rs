//! Requests in the form of Messages.
//!
//! `conversation` writes the caller's messages: `content` their blocks, `media` images and documents, `call` the ids and
//! arguments of calls, and `marks` where a cached prefix ends. `params` gives each parameter its place, `tools` writes tools
//! and the choice between them, `schema` JSON schemas, and `thinking` how a model is asked to think.

mod call;
mod content;
mod conversation;
mod marks;
mod media;
mod params;
mod schema;
mod thinking;
mod tools;

pub(super) use self::params::PARAMETERS;

use self::call::Ids;
use self::content::Blocks;
use self::marks::Marks;
use super::PATH;
use super::families::Model;
use crate::error::Error;
use crate::request::Request;
use crate::wire::body::Body;
use crate::wire::dialect::{Dialect, Encoded};
use crate::wire::params::set;
use crate::wire::providers::{OutputMode, Provider};

/// The header that names features in beta, and the feature of sources that are uploaded files.
const FILES: (&str, &str) = ("anthropic-beta", "files-api-2025-04-14");

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
    let model = model(provider, &request.model);
    params::check_family(&mut params, &body, (request, model), &mut dropped)?;
    let mut blocks = Blocks {
        provider,
        name: &request.model,
        model,
        marks: Marks::default(),
        ids: Ids::default(),
        has_files: false,
        dropped: Vec::new(),
    };
    let messages = conversation::write(&mut body, request, &mut blocks)?;
    params::write(&mut body, &params, request, &mut blocks, &messages)?;
    blocks.marks.check()?;
    if request.stream {
        body.raw("stream", "true");
    }
    dropped.append(&mut blocks.dropped);
    let (name, feature) = FILES;
    let files = blocks.has_files.then(|| (name.into(), feature.to_owned()));
    Ok(Encoded {
        headers: files.into_iter().collect(),
        dropped,
        ..Encoded::post(PATH, body.finish())
    })
}

/// How a model is asked for JSON. Servers of other vendors know tools, but hardly any of them schemas.
pub(super) fn output_mode(provider: &Provider, name: &str) -> OutputMode {
    match (provider.output_mode, model(provider, name)) {
        (OutputMode::JsonSchema, Some(model)) if !model.takes_schema() => OutputMode::Tool,
        (OutputMode::JsonObject, _) => OutputMode::Tool,
        (mode, _) => mode,
    }
}

/// What is known of a model. One that Anthropic serves under a name that we do not know is a new one.
fn model(provider: &Provider, name: &str) -> Option<Model> {
    let is_own = provider.name == "anthropic";
    Model::read(name).or_else(|| Model::read("claude").filter(|_| is_own))
}

#[cfg(test)]
mod tests;
