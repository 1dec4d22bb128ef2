//! `TokenLogprob`: a token and its probability.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use tokenwire_core::message;

use crate::values::keywords::TextArgument;
use crate::values::value::{self, getters, value_methods};

/// A token and its log probability.
#[pyclass(frozen, eq, from_py_object, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct TokenLogprob(pub(crate) message::TokenLogprob);

#[pymethods]
impl TokenLogprob {
    #[new]
    #[pyo3(signature = (token, logprob=None, bytes=None, top=Vec::new(), text_offset=None))]
    fn py_new(
        py: Python<'_>,
        token: TextArgument,
        logprob: Option<f64>,
        bytes: Option<Vec<u8>>,
        top: Vec<(TextArgument, f64, Option<Vec<u8>>)>,
        text_offset: Option<u64>,
    ) -> PyResult<Self> {
        let mut others = Vec::with_capacity(top.len());
        for (token, logprob, bytes) in top {
            others.push(message::TopLogprob {
                token: token.named(py, "top")?,
                logprob,
                bytes,
            });
        }
        Ok(Self(message::TokenLogprob {
            token: token.named(py, "token")?,
            logprob,
            bytes,
            top: others,
            text_offset,
        }))
    }

    /// The token's UTF-8 bytes; None if the provider does not send them.
    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.bytes.as_deref().map(|bytes| PyBytes::new(py, bytes))
    }

    /// The most likely tokens at this position, each as (token, logprob, bytes or None).
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
}

getters!(TokenLogprob {
    /// The token's text.
    token: String,
    /// Natural logarithm of the probability; None for the first prompt token with `echo=True`.
    logprob: Option<f64>,
    /// Offset in the text, in characters; text completions only.
    text_offset: Option<u64>,
});
value_methods!(
    TokenLogprob: token, logprob, bytes, top, text_offset;
    logprob = value::number, top = tuples
);

/// The likeliest tokens, which JSON shows as lists.
fn tuples<'py>(tops: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let Ok(items) = tops.cast::<PyList>() else {
        return Ok(tops.clone());
    };
    let py = tops.py();
    let read = |item: Bound<'py, PyAny>| match item.cast::<PyList>() {
        Ok(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            if let Some(logprob) = fields.get_mut(1) {
                *logprob = value::number(logprob)?;
            }
            Ok(PyTuple::new(py, fields)?.into_any())
        }
        Err(_) => Ok(item),
    };
    let tuples = items.iter().map(read).collect::<PyResult<Vec<_>>>()?;
    Ok(PyList::new(py, tuples)?.into_any())
}

impl TokenLogprob {
    /// All of a choice's tokens as a tuple.
    pub(crate) fn tuple<'py>(
        py: Python<'py>,
        logprobs: Option<&message::Logprobs>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        logprobs
            .map(|logprobs| PyTuple::new(py, logprobs.tokens().into_iter().map(Self)))
            .transpose()
    }

    /// The tokens in the form in which the engine keeps them.
    pub(crate) fn logprobs(tokens: Vec<Self>) -> message::Logprobs {
        let tokens: Vec<_> = tokens.into_iter().map(|token| token.0).collect();
        tokens.into()
    }
}
