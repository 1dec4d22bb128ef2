//! `OpenAI`'s chat completions and text completions, and the list of models.
//!
//! Read `api` first: which paths are served, and how a request becomes an answer. Then in the
//! order of a reply: `question` (the request), `whole` (a reply in one piece), `stream` (a reply
//! as events) with `delta` (the choice in an event of a chat) and `text` (the same of a
//! completion); `logprobs`, `usage` and `error` are parts of these.

mod api;
mod delta;
mod error;
mod logprobs;
mod question;
mod stream;
mod text;
mod usage;
mod whole;

pub(super) use self::api::OpenAi;
