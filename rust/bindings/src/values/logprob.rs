//! `TokenLogprob`: a token with its probability.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use tokenwire_core::message;

use crate::values::value::{self, Fields, value_methods};

/// One token with its probability.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct TokenLogprob(pub(crate) message::TokenLogprob);

#[pymethods]
impl TokenLogprob {
    #[new]
    #[pyo3(signature = (token, logprob=None, bytes=None, top=Vec::new(), text_offset=None))]
    fn py_new(
        token: String,
        logprob: Option<f64>,
        bytes: Option<Vec<u8>>,
        top: Vec<(String, f64, Option<Vec<u8>>)>,
        text_offset: Option<u64>,
    ) -> Self {
        let top = top
            .into_iter()
            .map(|(token, logprob, bytes)| message::TopLogprob {
                token,
                logprob,
                bytes,
            })
            .collect();
        Self(message::TokenLogprob {
            token,
            logprob,
            bytes,
            top,
            text_offset,
        })
    }

    /// The token's text.
    #[getter]
    fn token(&self) -> &str {
        &self.0.token
    }

    /// Natural logarithm of its probability; None for the first prompt token under `echo`.
    #[getter]
    fn logprob(&self) -> Option<f64> {
        self.0.logprob
    }

    /// The token's UTF-8 bytes, where the provider sends them.
    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.bytes.as_deref().map(|bytes| PyBytes::new(py, bytes))
    }

    /// The likeliest tokens here: (token, logprob, bytes or None).
    #[getter]
    fn top<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let items = self.0.top.iter().map(|top| {
            (
                top.token.as_str(),
                top.logprob,
                top.bytes.as_deref().map(|bytes| PyBytes::new(py, bytes)),
            )
        });
        PyTuple::new(py, items.collect::<Vec<_>>())
    }

    /// Offset in the text, in characters (text completions only).
    #[getter]
    fn text_offset(&self) -> Option<u64> {
        self.0.text_offset
    }
}

impl Fields for TokenLogprob {
    const FIELDS: &'static [&'static str] = &["token", "logprob", "bytes", "top", "text_offset"];

    fn revive<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if name != "top" {
            return Ok(None);
        }
        value::each(value, |item| match item.cast::<PyList>() {
            Ok(items) => Ok(items.to_tuple().into_any()),
            Err(_) => Ok(item.clone()),
        })
        .map(Some)
    }
}
value_methods!(TokenLogprob);

impl TokenLogprob {
    /// All of a choice's, as a tuple.
    pub(crate) fn tuple<'py>(
        py: Python<'py>,
        logprobs: Option<&[message::TokenLogprob]>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        logprobs
            .map(|items| PyTuple::new(py, items.iter().cloned().map(Self).collect::<Vec<_>>()))
            .transpose()
    }
}
