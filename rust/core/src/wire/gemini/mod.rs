//! Gemini: `POST {base}/v1beta/models/{model}:generateContent` and `:streamGenerateContent`.
//!
//! A reply has candidates, and a candidate has a list of parts. How a part of theirs becomes one of ours, and is written from
//! it again:
//!
//! - `text` is a text part; with `thought: true` it is a reasoning part whose field is `thought`. A `thoughtSignature` is
//!   the signature of the reasoning part, and stands in the `extra` of a text part. A stream cuts a text anywhere, so
//!   pieces of one kind that come one after the other are one part; but a piece that has a signature, or any other key, is a
//!   part of its own, even if its text is empty: the documentation forbids to merge those.
//! - `functionCall` is a tool call. Its arguments are the JSON text of `args`, or what `partialArgs` make of it. Its `extra`
//!   has what the part has beside it (`thoughtSignature`), and in an object `function` what the function call has besides
//!   `id`, `name` and `args`.
//! - Any other part (`inlineData`, `executableCode`, `codeExecutionResult`, `toolCall`, `toolResponse`, and all that is
//!   unknown) is an opaque part whose field is `parts`, and whose JSON is the whole part.
//! - What a candidate has beside its content (`groundingMetadata`, `citationMetadata`, `urlContextMetadata`, …) are opaque
//!   parts at the end, whose field is its key. They are not sent back.
//!
//! A part goes back with all of that only to the provider that sent it, by this API.

mod encode;
mod families;
mod reply;
mod stream;

use self::stream::GeminiStream;
use crate::config::Family;
use crate::error::Error;
use crate::framing::Framing;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::dialect::{Dialect, Encoded, StreamDecoder};
use crate::wire::errors;
use crate::wire::params::Param;
use crate::wire::providers::{OutputMode, Provider};

const NAME: &str = "gemini";

/// `POST {base}/v1beta/models/{model}:generateContent`.
#[derive(Debug, Clone, Copy)]
pub struct Gemini;

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        NAME
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn operation(&self) -> &'static str {
        "generate_content"
    }

    fn paths(&self) -> &'static [&'static str] {
        &[":generateContent", ":streamGenerateContent"]
    }

    fn version(&self) -> Option<&'static str> {
        Some("/v1beta")
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::Events, Framing::Array]
    }

    fn parameters(&self) -> &'static [Param] {
        encode::PARAMETERS
    }

    fn models(&self) -> Encoded {
        let mut encoded = Encoded::get("/models");
        // The largest page there is. Source: ai.google.dev/api/models.
        encoded.query.push(("pageSize".into(), "1000".to_owned()));
        encoded
    }

    fn output_mode(&self, provider: &Provider, model: &str) -> OutputMode {
        match provider.output_mode {
            OutputMode::JsonSchema => families::output_mode(model),
            other => other,
        }
    }

    fn takes_strict_form(&self) -> bool {
        false
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode::encode(self, request, provider)
    }

    fn decode_reply(&self, body: &[u8], asked: usize) -> Result<Reply, Error> {
        reply::decode_reply(body, asked)
    }

    fn stream(&self, _asked: usize) -> Box<dyn StreamDecoder> {
        Box::<GeminiStream>::default()
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}
