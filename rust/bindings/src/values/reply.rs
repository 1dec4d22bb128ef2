//! What a pickled or dumped reply holds, and a pickled event.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use serde::{Deserialize, Serialize};
use tokenwire_core::error;
use tokenwire_core::http::Head;
use tokenwire_core::message;

use crate::observe::CallEvent;
use crate::values::raise::Caller;
use crate::values::response::{LlmResponse, ReplyData};

/// What a pickle holds, and what `to_dict` shows beside the derived fields.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    provider: String,
    requested_model: String,
    reply: message::Reply,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    request_id: Option<String>,
    timing: message::Timing,
    attempts: Vec<error::Attempt>,
}

impl LlmResponse {
    pub(crate) fn stored(&self) -> Stored {
        let data = self.data();
        let head = data.head.as_ref();
        Stored {
            provider: data.caller.provider.to_string(),
            requested_model: data.caller.model.to_string(),
            reply: data.reply.clone(),
            status: head.map(|head| head.status),
            headers: head.map_or_else(Vec::new, |head| head.headers.to_vec()),
            request_id: head.and_then(|head| head.request_id.clone()),
            timing: data.timing,
            attempts: data.attempts.clone(),
        }
    }

    pub(crate) fn from_stored(stored: Stored, raw: Option<&[u8]>) -> Self {
        let head = stored.status.map(|status| Head {
            status,
            headers: stored.headers.into(),
            request_id: stored.request_id,
        });
        Self::new(
            ReplyData {
                reply: stored.reply,
                head,
                timing: stored.timing,
                attempts: stored.attempts,
                raw: raw.map(Bytes::copy_from_slice),
                caller: Caller {
                    provider: stored.provider.into(),
                    model: stored.requested_model.into(),
                    ..Caller::default()
                },
            },
            None,
        )
    }
}

/// Arguments of `CallEvent(…)`.
const EVENT_FIELDS: [&str; 11] = [
    "provider",
    "model",
    "elapsed",
    "streamed",
    "error",
    "error_kind",
    "response",
    "started",
    "operation",
    "server_address",
    "server_port",
];

#[pymethods]
impl CallEvent {
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let fields = PyDict::new(py);
        for name in EVENT_FIELDS {
            fields.set_item(name, slf.getattr(name)?)?;
        }
        let partial = py.import("functools")?.getattr("partial")?;
        let make = partial.call((slf.get_type(),), Some(&fields))?;
        PyTuple::new(py, [make, PyTuple::empty(py).into_any()])
    }
}
