//! `OpenAI` Responses: `POST {base}/responses`.
//!
//! A reply is a list of items. How an item becomes parts of a message, and is written from them again:
//!
//! - Each block in the content of a `message`, each block of the summary or the content of a `reasoning` item, each
//!   `function_call` and each `custom_tool_call` is one part. The text of a reasoning block has the `field` that the block
//!   was in (`summary` or `content`). A reasoning item without blocks is one part without text and `field`.
//! - What an item has besides its blocks is the object `item` in the `extra` of its first part: `id`, `status`, `phase`,
//!   and all that is unknown. It lacks what the part has anyway: `type`, the `role` of the model, `call_id`, `name`,
//!   `arguments` and `input`, and `encrypted_content`, which is the `signature` of the last part of its item.
//! - The other parts of an item have `{"id": …, "continues": true}` as their `item`.
//! - What a block has besides its type and text (`annotations`) is in `extra`, beside `item`. `logprobs` are those of the
//!   choice.
//! - Any other item is an opaque part in its place, whose field is `output`; so is a message without blocks. An unknown
//!   block of a message is an opaque part whose field is `content`.
//!
//! `encode` writes a request. `stream` decodes events, `growth` those of items and blocks and `end` the terminal one.
//! `event`, `item` and `response` read their JSON. What a stream has to remember is in `items`, which finds the one that
//! an event is about, `state` (an item), `head`, `block` and `call`.
//! `said` compares a text with a later copy of it, and `sequence` notices events that come twice or never. `reply` decodes a
//! whole reply as a stream of its terminal event.

mod block;
mod call;
mod encode;
mod end;
mod event;
mod growth;
mod head;
mod item;
mod items;
mod reply;
mod response;
mod said;
mod sequence;
mod state;
mod stream;

use self::stream::ResponsesStream;
use crate::config::Family;
use crate::error::Error;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::dialect::{Dialect, Encoded, StreamDecoder};
use crate::wire::errors;
use crate::wire::params::Param;
use crate::wire::providers::Provider;

const NAME: &str = "responses";
const PATH: &str = "/responses";

/// `POST {base}/responses`.
#[derive(Debug, Clone, Copy)]
pub struct Responses;

impl Dialect for Responses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn paths(&self) -> &'static [&'static str] {
        &[PATH]
    }

    fn parameters(&self) -> &'static [Param] {
        encode::PARAMETERS
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode::encode(self, request, provider)
    }

    fn decode_reply(&self, body: &[u8], _asked: usize) -> Result<Reply, Error> {
        reply::decode_reply(body)
    }

    fn stream(&self, _asked: usize) -> Box<dyn StreamDecoder> {
        Box::<ResponsesStream>::default()
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}

#[cfg(test)]
mod tests;
