//! tokenwire-core: the whole client, without Python.
//!
//! # The way of a call
//!
//! A [`client::Client`] is made of a [`config::ClientConfig`]. Its `prepare` reads the caller's
//! [`request::Request`], has a dialect of [`wire`] encode it, and gives a [`client::Call`]: what goes out,
//! under which limits. [`call::complete`] carries it out for a whole reply, [`stream::pump`] for a stream.
//! Both go through the loop of attempts in [`call`], which makes each attempt over [`http`] (permit,
//! connection, head), asks [`retry`] whether another follows a failure, and tells [`log`] about it. A body
//! is read by a dialect of [`wire`]: a whole one at once; that of a stream is first cut into events by
//! [`sse`], and what they bring is folded into a [`message::Reply`] and waits in a [`stream::Queue`].
//! Whatever fails is an [`error::Error`].
//!
//! # Floors
//!
//! The modules stand below in the order of their floors, the lowest first. A module imports only from
//! lower floors and from its own folder.

#![forbid(unsafe_code)]

// Floor 0: imports nothing of this crate.

// The JSON of replies and events, read forward without a tree.
pub mod json;
// Secrets, and how they are kept out of what is shown.
pub mod redact;
// What a caller asks for, before any dialect.
pub mod request;
// Enums whose variants are words.
pub mod words;

// Floor 1.

// What the dialects agree on: replies, their parts and deltas, usage, timing.
pub mod message;

// Floor 2.

// Why a call failed.
pub mod error;

// Floor 3.

// What a client is made of.
pub mod config;
// What is worth a log line.
pub mod log;
// A panic in the engine becomes an error of one call.
pub mod panic;
// Bytes of a stream to events.
pub mod sse;

// Floor 4.

// Connections, and one attempt over them.
pub mod http;
// Whether and when a failed attempt is made again.
pub mod retry;
// Our types to and from the JSON of each API.
pub mod wire;

// Floor 5.

// Clients, and the calls that they prepare.
pub mod client;

// Floor 6.

// The attempts of a call, and whole replies.
pub mod call;

// Floor 7.

// Streamed replies.
pub mod stream;
