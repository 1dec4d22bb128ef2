//! Anthropic's Messages: `POST …/messages`, whole and streamed, its count of tokens, and the list of
//! models.
//!
//! Read `api` first: which paths are served, and how a request becomes an answer. Then follow a
//! reply: `question` (the request) with `model` (what a family of models takes), `thinking`, `tools`
//! and `subset` (which schemas are taken), `conversation` (its messages) with `blocks` (the forms of
//! their blocks) and `pairing` (what must come back of earlier replies); then `content` (what the
//! model says, as blocks), `message` (the object around them), and `stream` (both as events).
//! `refusal` has the words of an error.

mod api;
mod blocks;
mod content;
mod conversation;
mod message;
mod model;
mod pairing;
mod question;
mod refusal;
mod stream;
mod subset;
mod thinking;
mod tools;

pub(super) use self::api::Messages;
