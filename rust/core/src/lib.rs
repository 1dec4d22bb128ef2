//! tokenwire-core: the whole client, without Python.

#![forbid(unsafe_code)]

pub mod config;
pub mod error;
pub mod json;
pub mod message;
pub mod request;
pub mod sse;
pub mod wire;
