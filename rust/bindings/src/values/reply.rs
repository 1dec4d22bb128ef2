//! `ReplyData`: what a response and its choices are views of, and the JSON that a pickle holds of it.

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::{Deserialize, Serialize};
use tokenwire_core::error;
use tokenwire_core::http::Head;
use tokenwire_core::message;

use crate::ground::caller::Caller;

/// A reply, whole or so far, with all that is known of its call.
#[derive(Clone)]
pub(crate) struct ReplyData {
    pub(crate) reply: message::Reply,
    pub(crate) head: Option<Head>,
    pub(crate) timing: message::Timing,
    pub(crate) attempts: Vec<error::Attempt>,
    pub(crate) raw: Option<Bytes>,
    pub(crate) caller: Caller,
}

/// What a pickle holds, and what `to_dict` shows beside the derived fields.
#[derive(Serialize, Deserialize)]
struct Stored {
    provider: String,
    requested_model: String,
    reply: message::Reply,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    request_id: Option<String>,
    timing: message::Timing,
    attempts: Vec<error::Attempt>,
    // What an earlier version stored has none.
    #[serde(default)]
    dropped: Vec<String>,
}

impl ReplyData {
    /// A reply of which nothing but its content is known.
    pub(crate) fn of(reply: message::Reply, caller: Caller) -> Self {
        Self {
            reply,
            head: None,
            timing: message::Timing::default(),
            attempts: Vec::new(),
            raw: None,
            caller,
        }
    }

    /// The response headers; of a repeated one the values joined by ", ".
    pub(crate) fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for (name, value) in self.head.iter().flat_map(|head| head.headers.iter()) {
            match headers.get_item(name)? {
                Some(before) => headers.set_item(name, format!("{before}, {value}"))?,
                None => headers.set_item(name, value)?,
            }
        }
        Ok(headers)
    }

    /// Everything but the raw body, as JSON.
    pub(crate) fn to_json(&self) -> PyResult<String> {
        let head = self.head.as_ref();
        let stored = Stored {
            provider: self.caller.provider.to_string(),
            requested_model: self.caller.model.to_string(),
            reply: self.reply.clone(),
            status: head.map(|head| head.status),
            headers: head.map_or_else(Vec::new, |head| head.headers.to_vec()),
            request_id: head.and_then(|head| head.request_id.clone()),
            timing: self.timing,
            attempts: self.attempts.clone(),
            dropped: self.caller.dropped().to_vec(),
        };
        serde_json::to_string(&stored).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Reads what `to_json` wrote, and puts the raw body back; `wrong` says what other JSON is.
    pub(crate) fn from_json(json: &[u8], raw: Option<&[u8]>, wrong: &str) -> PyResult<Self> {
        let stored: Stored = serde_json::from_slice(json)
            .map_err(|error| PyValueError::new_err(format!("{wrong}: {error}")))?;
        let head = stored.status.map(|status| Head {
            status,
            headers: stored.headers.into(),
            request_id: stored.request_id,
        });
        Ok(Self {
            reply: stored.reply,
            head,
            timing: stored.timing,
            attempts: stored.attempts,
            raw: raw.map(Bytes::copy_from_slice),
            caller: Caller {
                dropped: (!stored.dropped.is_empty()).then(|| stored.dropped.into()),
                ..Caller::named(stored.provider, stored.requested_model)
            },
        })
    }

    /// The model that answered, else the one asked for.
    pub(crate) fn model(&self) -> &str {
        self.reply.model.as_deref().unwrap_or(&self.caller.model)
    }

    /// The id that the provider gave the request: in the head, else in the body.
    pub(crate) fn request_id(&self) -> Option<&str> {
        let head = self.head.as_ref();
        head.and_then(|head| head.request_id.as_deref())
            .or(self.reply.request_id.as_deref())
    }
}
