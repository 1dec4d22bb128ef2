//! HTTP/1.1 on a plain socket. The faults need control over every byte, and the server must never
//! be what a benchmark measures, so there is no HTTP server library here.
//!
//! Read `wire` first: a socket that notices while it waits that the client has left. `read` turns
//! its bytes into a `request`.

mod read;
mod request;
mod wire;

pub(crate) use self::read::{ReadError, read_request};
pub(crate) use self::request::Request;
pub(crate) use self::wire::{Gone, Wire};

/// Returns the reason phrase of a status, or a placeholder for a status that has none.
pub(crate) fn reason(status: u16) -> &'static str {
    ::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Status")
}
