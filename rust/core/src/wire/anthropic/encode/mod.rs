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

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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
    let path = if provider.is_vertex {
        // Source: Anthropic's SDK, `lib/vertex`.
        body.text("anthropic_version", "vertex-2023-10-16");
        path_on_vertex(&request.model, request.stream)
    } else {
        body.text("model", &request.model);
        PATH.to_owned()
    };
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
        ..Encoded::post(path, body.finish())
    })
}

/// The path of a model on Vertex, which has its name.
fn path_on_vertex(model: &str, is_stream: bool) -> String {
    let model = utf8_percent_encode(model, ESCAPED);
    let verb = if is_stream {
        "streamRawPredict"
    } else {
        "rawPredict"
    };
    format!("/publishers/anthropic/models/{model}:{verb}")
}

/// What is escaped in a segment of a path (RFC 3986), besides what is not ASCII.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@');

/// How a model is asked for JSON. Servers of other vendors' models know tools, and leave out a schema that they do not know.
pub(super) fn output_mode(provider: &Provider, name: &str) -> OutputMode {
    let takes_schema = model(provider, name).is_some_and(Model::takes_schema);
    match provider.output_mode {
        OutputMode::JsonSchema if takes_schema => OutputMode::JsonSchema,
        OutputMode::JsonSchema | OutputMode::JsonObject => OutputMode::Tool,
        mode => mode,
    }
}

/// What is known of a model. One that Anthropic serves under a name that we do not know is a new one, and so is one that a
/// deployment of Foundry has a name for.
fn model(provider: &Provider, name: &str) -> Option<Model> {
    let is_own = matches!(&*provider.name, "anthropic" | "foundry" | "vertex");
    Model::read(name).or_else(|| Model::read("claude").filter(|_| is_own))
}

#[cfg(test)]
mod tests;
