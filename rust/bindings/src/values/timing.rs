//! `Timing`: where the time of a call went.

use pyo3::prelude::*;
use tokenwire_core::message;

use crate::values::value::{Fields, value_methods};

/// Where a call's time went, in seconds; None where a stage did not happen.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Timing {
    /// Waiting for a permit, within the last attempt.
    #[pyo3(get)]
    queue: Option<f64>,
    /// Making a connection, within the last attempt; None when one was used again.
    #[pyo3(get)]
    connect: Option<f64>,
    /// From the start of the call, retries included, to the response head.
    #[pyo3(get)]
    first_byte: Option<f64>,
    /// From the start of the call to the first content (streams).
    #[pyo3(get)]
    first_token: Option<f64>,
    /// From the start of the call to the last content (streams).
    #[pyo3(get)]
    last_token: Option<f64>,
    /// From the start of the call to its end.
    #[pyo3(get)]
    total: Option<f64>,
    /// (completion tokens - 1) / (last token - first token); on whole replies completion tokens / total.
    #[pyo3(get)]
    tokens_per_second: Option<f64>,
}

#[pymethods]
impl Timing {
    #[new]
    #[pyo3(signature = (*, queue=None, connect=None, first_byte=None, first_token=None,
        last_token=None, total=None, tokens_per_second=None))]
    fn py_new(
        queue: Option<f64>,
        connect: Option<f64>,
        first_byte: Option<f64>,
        first_token: Option<f64>,
        last_token: Option<f64>,
        total: Option<f64>,
        tokens_per_second: Option<f64>,
    ) -> Self {
        Self {
            queue,
            connect,
            first_byte,
            first_token,
            last_token,
            total,
            tokens_per_second,
        }
    }
}

impl Fields for Timing {
    const FIELDS: &'static [&'static str] = &[
        "queue",
        "connect",
        "first_byte",
        "first_token",
        "last_token",
        "total",
        "tokens_per_second",
    ];
}
value_methods!(Timing);

impl Timing {
    pub(crate) fn of(timing: &message::Timing, usage: Option<&message::Usage>) -> Self {
        Self {
            queue: timing.queue,
            connect: timing.connect,
            first_byte: timing.first_byte,
            first_token: timing.first_token,
            last_token: timing.last_token,
            total: timing.total,
            tokens_per_second: timing.tokens_per_second(usage),
        }
    }
}

impl From<&Timing> for message::Timing {
    fn from(timing: &Timing) -> Self {
        Self {
            queue: timing.queue,
            connect: timing.connect,
            first_byte: timing.first_byte,
            first_token: timing.first_token,
            last_token: timing.last_token,
            total: timing.total,
        }
    }
}
