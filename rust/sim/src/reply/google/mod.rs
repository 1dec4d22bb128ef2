//! Google's Gemini: `POST …/models/MODEL:generateContent` and `:streamGenerateContent`, as SSE or as a
//! growing JSON array; its count of tokens, and the list of models.
//!
//! Read `api` first: which paths are served, and how a request becomes an answer. Then follow a
//! reply: `question` (the request, whose `fields` have two spellings) with `model` (what a family of
//! models does), `contents` (the conversation), `signatures` (what must come back of earlier
//! replies) and `tools`; then `parts` (what the model says), `response` (the object around them),
//! and `stream` (both as events). `refusal` has the words of an error.

mod api;
mod contents;
mod fields;
mod model;
mod parts;
mod question;
mod refusal;
mod response;
mod signatures;
mod stream;
mod tools;

pub(super) use self::api::{Gemini, GeminiArray};
