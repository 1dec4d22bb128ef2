//! Properties of the dialects that the recordings do not show, or not clearly.

mod calls;
mod classes;
mod encode;
mod errors;
mod lengths;
mod reasoning;
mod replies;
mod sizes;
mod streams;
mod twice;

use serde_json::Value;

use crate::error::Error;
use crate::message::Reply;
use crate::wire::dialect;

/// What is read from a body with status 200.
fn decoded(body: &Value) -> Result<Reply, Error> {
    dialect("chat")
        .unwrap()
        .decode_reply(body.to_string().as_bytes(), 1)
}
