//! `OpenAI` Chat Completions, as all OpenAI-shaped servers speak it.
//!
//! `encode` writes a request; `parts` writes its messages from the caller's parts (`media` those with data, `call` calls of
//! tools), `dict` those that are given as Chat Completions has them. `stream` decodes events: `event` reads the JSON of
//! one, `choice` keeps what a stream has to remember of a choice, `content` reads content blocks, and `tools` finds the
//! call that a `fragment` belongs to, by its `progress`. `twice` is the table of fields that can hold the same thing: which
//! of them counts. `repeat` is a shortcut for events that differ only in their text. `reply` decodes a whole reply as a
//! stream of one event.
//!
//! Each quirk that a server was recorded with is accepted from every server.

mod call;
mod choice;
mod content;
mod dict;
mod encode;
mod event;
mod fragment;
mod media;
mod parts;
mod progress;
mod repeat;
mod reply;
mod said;
mod stream;
mod tools;
mod twice;

pub(in crate::wire) use event::is_error;
pub(in crate::wire) use event::is_failure;
pub(super) use reply::decode_reply;
pub(super) use stream::ChatStream;

use super::params;
use crate::config::Family;
use crate::error::Error;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::dialect::{Dialect, Encoded, StreamDecoder};
use crate::wire::errors;
use crate::wire::params::Param;
use crate::wire::providers::Provider;

/// `POST {base}/chat/completions`.
#[derive(Debug, Clone, Copy)]
pub struct Chat;

const NAME: &str = "chat";
const PATH: &str = "/chat/completions";

/// The APIs that this decoder reads.
const READ_HERE: &[&str] = &["chat", "completions"];

/// Some servers ignore `n` and send one choice, so one makes a reply whole.
const LEAST_CHOICES: usize = 1;

impl Dialect for Chat {
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
        params::CHAT
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode::encode(self, request, provider)
    }

    fn decode_reply(&self, body: &[u8], asked: usize) -> Result<Reply, Error> {
        reply::decode_reply(body, asked, LEAST_CHOICES)
    }

    fn stream(&self, asked: usize) -> Box<dyn StreamDecoder> {
        Box::new(ChatStream::new(asked, LEAST_CHOICES))
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}
