//! Gemini: `POST {base}/v1beta/models/{model}:generateContent` and `:streamGenerateContent`.
//!
//! A reply has candidates, and a candidate has a list of parts. How a part of theirs becomes one of ours, and is written from
//! it again:
//!
//! - `text` is a text part; with `thought: true` it is a reasoning part whose field is `thought`. A `thoughtSignature` is
//!   the signature of the reasoning part, and is in the `extra` of a text part. The parts of a whole reply stay as they
//!   are. A stream cuts a text anywhere, so its pieces of one kind that come one after the other are one part; but a piece
//!   that has a signature, or any other key, is a part of its own, even if its text is empty: the documentation forbids to
//!   merge those. A text that is empty and has nothing else does not make a part.
//! - `functionCall` is a tool call. Its arguments are the JSON text of `args`, what is in it if that is a string, or what
//!   `partialArgs` make of it. Its `extra` has what the part has beside it (`thoughtSignature`), and in an object `function`
//!   what the function call has besides `id`, `name` and `args`. A call without `args` has the arguments `{}`, and one without
//!   an id gets one of ours (`wire/call_id.rs`), which is not sent. A call that grew and comes again as a whole is one call.
//! - Any other part (`inlineData`, `executableCode`, `codeExecutionResult`, `toolCall`, `toolResponse`, and all that is
//!   unknown) is an opaque part whose field is `parts`, and whose JSON is the whole part.
//! - What a candidate has beside its content (`groundingMetadata`, `citationMetadata`, `urlContextMetadata`, …) are opaque
//!   parts at the end, whose field is its key. No API gets them back, and they are not listed in `dropped`: they only describe
//!   the reply. In a stream, the last value of a key counts.
//!   `finishMessage` and `safetyRatings` of a candidate that a filter or a failure ended are its `stop_details`.
//!
//! A part goes back with all of that only to the provider that sent it, by this API.
//!
//! `encode` writes a request. `stream` decodes events, and `event` reads their JSON. `candidate` has what a stream has to
//! remember of a candidate, and writes its parts as pieces of numbered parts; `beside` has what it said beside its content. `call` reads function calls, and joins the
//! pieces of one that grows: `arguments` makes a JSON text of them, by their `path`s, and `late` takes those that come
//! out of order, into `value`s. `repeat` is a shortcut for events of which only the text and the counts are new. `finish`, `usage`, `logprobs` and `head` read the rest of a reply. `reply` decodes a whole reply as a stream of
//! one event.

mod arguments;
mod beside;
mod call;
mod candidate;
mod encode;
mod event;
mod families;
mod finish;
mod head;
mod late;
mod logprobs;
mod path;
mod repeat;
mod reply;
mod stream;
mod usage;
mod value;

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

    fn takes(&self, parameter: &str, provider: &Provider) -> bool {
        // AI Studio has no labels.
        parameter != "metadata" || provider.is_vertex
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

    fn stream(&self, asked: usize) -> Box<dyn StreamDecoder> {
        Box::new(GeminiStream::new(asked))
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}

#[cfg(test)]
mod tests;
