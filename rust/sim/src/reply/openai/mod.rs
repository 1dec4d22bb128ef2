//! `OpenAI`'s chat completions, text completions and Responses, and the list of models.
//!
//! Read `api` first: which paths are served, and how a request becomes an answer. Then follow a
//! reply: `question` (the request) with `tools` (which are called), `whole` (a reply in one piece),
//! and `stream` (a reply as events) with `event` (the choice in an event). `logprobs` is used by
//! these. `responses` is the API of that name.

mod api;
mod event;
mod logprobs;
mod question;
mod responses;
mod stream;
mod tools;
mod whole;

pub(super) use self::api::OpenAi;
pub(super) use self::responses::Responses;
