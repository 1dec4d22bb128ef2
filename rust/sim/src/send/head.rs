//! The head of an answer.

use std::io::Write;

use crate::http::reason;
use crate::reply::{Body, Plan};
use crate::script::{Fault, Framing};

/// How the end of the body is marked on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By its last chunk.
    Chunked,
    /// By its length, in bytes.
    Length(usize),
    /// By the end of the connection.
    Close,
    /// There is no body.
    Nothing,
}

impl End {
    pub(super) fn of(plan: &Plan) -> Self {
        let behaviour = &plan.prepared.behaviour;
        if matches!(plan.status, 204 | 304) && behaviour.framing != Framing::Raw {
            return Self::Nothing;
        }
        let (needs_chunks, missing) = match behaviour.fault {
            Some(
                Fault::NoTerminator {}
                | Fault::BadChunkSize { .. }
                | Fault::Endless { .. }
                | Fault::ErrorEvent { .. }
                | Fault::Comments { .. }
                | Fault::Garbage { raw: false, .. },
            ) => (true, 0),
            Some(Fault::ShortLength { missing }) => (false, missing),
            _ => (false, 0),
        };
        match (behaviour.framing, &plan.body) {
            (Framing::Close | Framing::Raw, _) => Self::Close,
            (Framing::Auto, _) if needs_chunks => Self::Chunked,
            (Framing::Auto | Framing::Length, Body::Whole { bytes, .. }) => {
                Self::Length(bytes.len().saturating_add(missing))
            }
            _ => Self::Chunked,
        }
    }
}

/// Appends the head. `closes` says that the connection will be closed after the answer.
pub(super) fn write_head(out: &mut Vec<u8>, plan: &Plan, end: End, closes: bool) {
    let is_free = |name: &str| {
        let mut scripted = plan.headers.keys();
        !scripted.any(|key| key.eq_ignore_ascii_case(name))
    };
    // Writing into memory cannot fail.
    let _ = write!(out, "HTTP/1.1 {} {}\r\n", plan.status, reason(plan.status));
    if end != End::Nothing && is_free("content-type") {
        let _ = write!(out, "content-type: {}\r\n", plan.content_type);
    }
    if let Some(id) = plan.api.request_id_header().filter(|id| is_free(id)) {
        let _ = write!(out, "{id}: {}\r\n", plan.request_id);
    }
    if is_free("content-length") && is_free("transfer-encoding") {
        let _ = match end {
            End::Chunked => out.write_all(b"transfer-encoding: chunked\r\n"),
            End::Length(bytes) => write!(out, "content-length: {bytes}\r\n"),
            End::Close | End::Nothing => Ok(()),
        };
    }
    if (closes || end == End::Close) && is_free("connection") {
        out.extend_from_slice(b"connection: close\r\n");
    }
    for (name, value) in &plan.headers {
        let _ = write!(out, "{name}: {value}\r\n");
    }
    out.extend_from_slice(b"server: tokenwire-sim\r\n\r\n");
}
