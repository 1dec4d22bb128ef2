//! Anthropic Messages: `POST {base}/v1/messages`.
//!
//! A reply is a list of content blocks. Each block is one part of the message, in the order of the blocks, and is written from
//! that part again:
//!
//! - `text` is a text part. What the block has besides `type` and `text` (`citations`) is in its `extra`.
//! - `thinking` is a reasoning part whose field is `thinking`. Its `signature` is the part's, and its text may be empty.
//!   Other keys are in `extra`.
//! - `tool_use` is a tool call. Its arguments are the JSON text of `input`. What the block has besides `type`, `id`, `name` and
//!   `input` (`caller`) is in `extra`.
//! - Any other block (`redacted_thinking`, `server_tool_use` and other blocks of server-side tools, `compaction`, and all
//!   that is unknown) is an opaque part whose field is `content`, and whose JSON is the whole block as it was at its end.
//!
//! A part goes back with all of that only to the provider that sent it, by this API.
//!
//! `encode` writes a request. `stream` decodes events, `growth` those of blocks and `end` what ends the reply. `event`,
//! `message` and `block` read their JSON. What a stream has to remember is in `blocks`, which finds the one that an event is
//! about, `call`, `opaque` and `usage`. `reply` decodes a whole reply as a stream of one event.

mod block;
mod blocks;
mod call;
mod encode;
mod end;
mod event;
mod families;
mod growth;
mod message;
mod opaque;
mod reply;
mod stream;
mod usage;

use self::stream::MessagesStream;
use crate::config::Family;
use crate::error::Error;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::dialect::{Dialect, Encoded, StreamDecoder};
use crate::wire::errors;
use crate::wire::params::Param;
use crate::wire::providers::{OutputMode, Provider};

const NAME: &str = "messages";
const PATH: &str = "/messages";

/// `POST {base}/v1/messages`.
#[derive(Debug, Clone, Copy)]
pub struct Messages;

impl Dialect for Messages {
    fn name(&self) -> &'static str {
        NAME
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn paths(&self) -> &'static [&'static str] {
        &[PATH]
    }

    fn version(&self) -> Option<&'static str> {
        Some("/v1")
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn demands_limit(&self) -> bool {
        true
    }

    fn takes_strict_form(&self) -> bool {
        false
    }

    fn parameters(&self) -> &'static [Param] {
        encode::PARAMETERS
    }

    fn output_mode(&self, provider: &Provider, model: &str) -> OutputMode {
        encode::output_mode(provider, model)
    }

    fn models(&self) -> Encoded {
        let mut encoded = Encoded::get("/models");
        // The largest page there is. Source: docs.anthropic.com, "List Models".
        encoded.query.push(("limit".into(), "1000".to_owned()));
        encoded
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode::encode(self, request, provider)
    }

    fn decode_reply(&self, body: &[u8], _asked: usize) -> Result<Reply, Error> {
        reply::decode_reply(body)
    }

    fn stream(&self, _asked: usize) -> Box<dyn StreamDecoder> {
        Box::<MessagesStream>::default()
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}

#[cfg(test)]
mod tests;
