//! The frozen classes that Python sees. Usually one class a file.
//!
//! Read in this order:
//! - `value.rs`: what all classes have in common (`to_dict`, `repr`, pickling), and the macros that declare
//!   a class from a table of its fields. `keywords.rs`: how arguments are checked.
//! - `client_settings.rs`: those of a client; `limits.rs`: `Timeout`, `Limits` and `RetryPolicy` among them.
//! - A reply: `reply.rs` holds the data, `response.rs` and `choice.rs` are views of it, `message.rs` turns
//!   its parts into an `LlmMessage` and back. `usage.rs`, `timing.rs`, `tool_call.rs`, `logprob.rs`,
//!   `citation.rs` and `attempt.rs` are its smaller parts, and `extra.rs` makes a dict of what we do not know.
//! - A stream: `chunk.rs` and `events.rs`.
//! - `providers.rs`: the engine's table of providers. `written.rs`: JSON as models write it;
//!   `partial_json.rs`: while it arrives.
//! - `raise.rs`: how the error of a call becomes an exception. `headers.rs`: the headers of its response, or of a reply.

pub(crate) mod attempt;
pub(crate) mod choice;
pub(crate) mod chunk;
pub(crate) mod citation;
pub(crate) mod client_settings;
pub(crate) mod events;
mod extra;
mod headers;
pub(crate) mod keywords;
pub(crate) mod limits;
pub(crate) mod logprob;
pub(crate) mod message;
pub(crate) mod other_names;
pub(crate) mod partial_json;
pub(crate) mod providers;
pub(crate) mod raise;
pub(crate) mod reply;
pub(crate) mod response;
pub(crate) mod timing;
pub(crate) mod tool_call;
pub(crate) mod usage;
pub(crate) mod value;
pub(crate) mod written;
