//! tokenwire-core: the whole client, without Python.

#![forbid(unsafe_code)]

pub mod call;
pub mod client;
pub mod config;
pub mod error;
pub mod http;
pub mod json;
pub mod log;
pub mod message;
pub mod panic;
pub mod redact;
pub mod request;
pub mod retry;
pub mod sse;
pub mod stream;
pub mod tally;
pub mod wire;
pub mod words;
