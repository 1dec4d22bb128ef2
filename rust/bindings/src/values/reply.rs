//! `ReplyData`: the data behind a response and its choices, and the JSON that pickles hold.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use tokenwire_core::error;
use tokenwire_core::http::Head;
use tokenwire_core::message;

use crate::ground::caller::Caller;
use crate::ground::elsewhere::{self, LARGE_BYTES};

/// A reply and its raw body. The objects that show the reply share it, and a large one is freed by another thread.
#[derive(Clone)]
pub(crate) struct Kept {
    reply: Arc<message::Reply>,
    raw: Option<Bytes>,
}

impl Kept {
    pub(crate) fn new(reply: Arc<message::Reply>, raw: Option<Bytes>) -> Self {
        Self { reply, raw }
    }

    /// The body as received; None for a stream.
    pub(crate) fn raw(&self) -> Option<&Bytes> {
        self.raw.as_ref()
    }
}

impl Deref for Kept {
    type Target = message::Reply;

    fn deref(&self) -> &message::Reply {
        &self.reply
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let raw = self.raw.as_ref().map_or(0, Bytes::len);
        if raw > LARGE_BYTES || self.reply.is_over(LARGE_BYTES) {
            elsewhere::free((std::mem::take(&mut self.reply), self.raw.take()));
        }
    }
}

/// A reply, complete or partial, with everything known about its call.
#[derive(Clone)]
pub(crate) struct ReplyData {
    pub(crate) reply: Kept,
    pub(crate) head: Option<Head>,
    pub(crate) timing: message::Timing,
    pub(crate) attempts: Vec<error::Attempt>,
    pub(crate) caller: Caller,
}

/// What a pickle holds. `to_dict` has the same fields, and the derived ones.
#[derive(Serialize, Deserialize)]
struct Stored {
    provider: String,
    requested_model: String,
    // Replies stored by earlier versions lack it.
    #[serde(default)]
    api: Option<String>,
    reply: message::Reply,
    #[serde(default)]
    http_status: Option<u16>,
    // Where earlier versions stored the HTTP status.
    #[serde(default, skip_serializing)]
    status: Option<OldStatus>,
    headers: Vec<(String, String)>,
    request_id: Option<String>,
    timing: message::Timing,
    attempts: Vec<error::Attempt>,
    // Replies stored by earlier versions lack it.
    #[serde(default)]
    dropped: Vec<String>,
}

/// What a dict of a reply may have as its `status`.
#[derive(Deserialize)]
#[serde(untagged)]
enum OldStatus {
    /// The HTTP status, in one of an earlier version.
    Http(u16),
    /// That of the reply, which is in the reply itself, too.
    OfReply(serde::de::IgnoredAny),
}

impl ReplyData {
    /// A reply of which only the content is known.
    pub(crate) fn of(reply: Arc<message::Reply>, caller: Caller) -> Self {
        Self {
            reply: Kept::new(reply, None),
            head: None,
            timing: message::Timing::default(),
            attempts: Vec::new(),
            caller,
        }
    }

    /// Everything but the raw body, as JSON.
    pub(crate) fn to_json(&self) -> PyResult<String> {
        let head = self.head.as_ref();
        let stored = Stored {
            provider: self.caller.provider.to_string(),
            requested_model: self.caller.model.to_string(),
            api: self.caller.api.as_deref().map(str::to_owned),
            reply: message::Reply::clone(&self.reply),
            http_status: head.map(|head| head.status),
            status: None,
            headers: head.map_or_else(Vec::new, |head| head.headers.to_vec()),
            request_id: head.and_then(|head| head.request_id.clone()),
            timing: self.timing,
            attempts: self.attempts.clone(),
            dropped: self.caller.dropped().to_vec(),
        };
        serde_json::to_string(&stored).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Reads what `to_json` wrote and puts the raw body back. `wrong` opens the message for any other JSON.
    pub(crate) fn from_json(json: &[u8], raw: Option<&[u8]>, wrong: &str) -> PyResult<Self> {
        let stored: Stored = serde_json::from_slice(json)
            .map_err(|error| PyValueError::new_err(format!("{wrong}: {error}")))?;
        let status = match stored.status {
            Some(OldStatus::Http(status)) => Some(status),
            Some(OldStatus::OfReply(_)) | None => stored.http_status,
        };
        let head = status.map(|status| Head {
            status,
            headers: stored.headers.into(),
            request_id: stored.request_id,
        });
        Ok(Self {
            reply: Kept::new(Arc::new(stored.reply), raw.map(Bytes::copy_from_slice)),
            head,
            timing: stored.timing,
            attempts: stored.attempts,
            caller: Caller {
                api: stored.api.map(Into::into),
                dropped: (!stored.dropped.is_empty()).then(|| stored.dropped.into()),
                ..Caller::named(stored.provider, stored.requested_model)
            },
        })
    }

    /// The model that answered, or else the one requested.
    pub(crate) fn model(&self) -> &str {
        self.reply.model.as_deref().unwrap_or(&self.caller.model)
    }

    /// The id that the provider gave the request, in the headers or else in the body.
    pub(crate) fn request_id(&self) -> Option<&str> {
        let head = self.head.as_ref();
        head.and_then(|head| head.request_id.as_deref())
            .or(self.reply.request_id.as_deref())
    }
}
