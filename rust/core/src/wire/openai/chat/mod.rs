//! `OpenAI` Chat Completions, as all OpenAI-shaped servers speak it.
//!
//! Every quirk that some server was recorded with is read always: nothing here asks which server it is.

mod choice;
mod content;
mod encode;
mod event;
mod media;
mod parts;
mod repeat;
mod reply;
mod stream;
mod tools;

pub(crate) use event::reasoning_field;
pub(super) use reply::decode as decode_reply;
pub(super) use stream::ChatStream;

use super::errors;
use crate::error::Error;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::params::{self, Param};
use crate::wire::providers::Provider;
use crate::wire::{Dialect, Encoded, StreamDecoder};

/// `POST {base}/chat/completions`.
#[derive(Debug, Clone, Copy)]
pub struct Chat;

impl Dialect for Chat {
    fn parameters(&self) -> &'static [Param] {
        params::CHAT
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode::encode(request, provider).map_err(params::about_the_request)
    }

    fn decode_reply(&self, body: &[u8]) -> Result<Reply, Error> {
        decode_reply(body)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Box::<ChatStream>::default()
    }

    fn decode_error(&self, status: u16, body: &[u8]) -> Error {
        errors::decode(Some(status), body)
    }
}
