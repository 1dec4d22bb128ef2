//! `OpenAI`'s Responses: `POST …/responses`, whole and streamed.
//!
//! Read `api` first: how a request becomes an answer. Then follow a reply: `question` (the request)
//! with `input` (the conversation, and what must come back of earlier replies) and `tools` (which
//! are called), `items` (what the model says, as items), `object` (the response around them), and
//! `stream` (both as events).

mod api;
mod input;
mod items;
mod object;
mod question;
mod stream;
mod tools;

pub(in crate::reply) use self::api::Responses;
