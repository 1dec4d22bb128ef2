//! tokenwire-core: the whole client, without Python.
//!
//! # The path of a call
//!
//! 1. [`client`]: a [`client::Client`] is made from a [`config::ClientConfig`]. Its `prepare` reads the caller's
//!    [`request::Request`] and returns a [`client::Call`].
//! 2. [`wire`]: a dialect encodes the request, and later decodes the reply, its events or its error.
//! 3. [`call`]: the attempts of a call, the waits between them and its deadline. [`call::complete`] receives a whole
//!    reply, [`stream::pump`] a stream.
//! 4. [`http`]: one attempt: a permit, a connection, a response head, a body.
//! 5. [`retry`]: whether a failed attempt is retried, and when. [`log`] records it.
//! 6. [`framing`] and [`stream`]: bytes become events, events become chunks. The chunks wait in a [`stream::Queue`],
//!    and are added up to a [`message::Reply`].
//!
//! Every failure is an [`error::Error`].
//!
//! # Floors
//!
//! The modules below are listed by floor, the lowest first. A module imports only from lower floors and from
//! its own folder.

#![forbid(unsafe_code)]

// Floor 0: imports nothing of this crate.

// Reads the JSON of replies and events without building a tree.
pub mod json;
// Paths of files where a URL belongs.
pub mod local_file;
// Finds the items of a list by their keys.
mod places;
// Secrets, and how they are kept out of messages and logs.
pub mod redact;
// What a caller asks for, in no dialect yet.
pub mod request;
// Enums whose variants have words.
pub mod words;

// Floor 1.

// What all dialects share: replies, their parts and deltas, usage, timing.
pub mod message;

// Floor 2.

// Why a call failed.
pub mod error;

// Floor 3.

// The settings of a client.
pub mod config;
// Events for the log.
pub mod log;
// Turns a panic in the engine into the error of one call.
pub mod panic;
// Turns the bytes of a stream into events.
pub mod sse;
// Threads for work that would hold up the thread of a runtime.
pub mod workers;

// Floor 4.

// Cuts the bodies of streams into records.
pub mod framing;

// Floor 5.

// Connections, and one attempt of a call.
pub mod http;
// Decides whether and when a failed attempt is retried.
pub mod retry;
// Translates between our types and the JSON of each API.
pub mod wire;

// Floor 6.

// Clients, and the calls that they prepare.
pub mod client;

// Floor 7.

// The attempts of a call, and whole replies.
pub mod call;

// Floor 8.

// Streamed replies.
pub mod stream;

// Floor 9.

// Requests of other libraries, passed on as they are.
pub mod raw;
