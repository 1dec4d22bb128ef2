//! HTTP/1.1 by hand: the faults need every byte, and the server must never be what a benchmark
//! measures.
//!
//! Read `wire` first (a socket on which every wait also notices that the client has gone), then
//! `read` (bytes become a request) and `request` (its parts). `status` names the status codes.

mod read;
mod request;
mod status;
mod wire;

pub(crate) use self::read::{ReadError, read_request};
pub(crate) use self::request::Request;
pub(crate) use self::status::reason;
pub(crate) use self::wire::{Gone, Wire};
