//! `Timing`: how long the stages of a call took.

use pyo3::prelude::*;
use tokenwire_core::message;

use crate::values::value::{getters, value_methods};

/// How long the stages of a call took, in seconds. A stage that did not happen is None.
#[pyclass(frozen, eq, from_py_object, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Timing(pub(crate) message::Timing, Option<f64>);

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
        let timing = message::Timing {
            queue,
            connect,
            first_byte,
            first_token,
            last_token,
            total,
        };
        Self(timing, tokens_per_second)
    }

    /// Output speed: of a stream, (completion tokens - 1) / (last_token - first_token); of a whole reply,
    /// completion tokens / total.
    #[getter]
    fn tokens_per_second(&self) -> Option<f64> {
        self.1
    }
}

getters!(Timing {
    /// Wait for a free connection slot, in the last attempt.
    queue: Option<f64>,
    /// Time to connect, in the last attempt; None if a connection was reused.
    connect: Option<f64>,
    /// From the start of the call, retries included, to the response headers.
    first_byte: Option<f64>,
    /// From the start of the call to the first content of a stream.
    first_token: Option<f64>,
    /// From the start of the call to the last content of a stream.
    last_token: Option<f64>,
    /// From the start of the call to its end.
    total: Option<f64>,
});
value_methods!(
    Timing: queue, connect, first_byte, first_token, last_token, total, tokens_per_second
);

impl Timing {
    pub(crate) fn of(timing: &message::Timing, usage: Option<&message::Usage>) -> Self {
        Self(*timing, timing.tokens_per_second(usage))
    }
}
