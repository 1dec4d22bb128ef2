//! `OpenAI` Chat Completions, as all OpenAI-shaped servers speak it.
//!
//! Every quirk that some server was recorded with is read always: nothing here asks which server it is.

mod choice;
mod content;
mod encode;
mod event;
mod media;
mod part;
mod parts;
mod repeat;
mod reply;
mod stream;
mod tools;

pub(super) use reply::decode as decode_reply;
pub(super) use stream::ChatStream;

use super::{errors, params};
use crate::config::Family;
use crate::error::Error;
use crate::message::Reply;
use crate::request::Request;
use crate::wire::decoder::StreamDecoder;
use crate::wire::dialect::{Dialect, Encoded, Provider};
use crate::wire::invalid::about_the_request;
use crate::wire::params::Param;

/// `POST {base}/chat/completions`.
#[derive(Debug, Clone, Copy)]
pub struct Chat;

impl Dialect for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn title(&self) -> &'static str {
        "chat"
    }

    fn family(&self) -> Family {
        Family::Chat
    }

    fn operation(&self) -> &'static str {
        "chat"
    }

    fn path(&self) -> &'static str {
        "/chat/completions"
    }

    fn parameters(&self) -> &'static [Param] {
        params::CHAT.table
    }

    fn encode(&self, request: &Request<'_>, provider: &Provider) -> Result<Encoded, Error> {
        encode::encode(self, request, provider).map_err(about_the_request)
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
