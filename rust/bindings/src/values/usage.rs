//! `Usage`: how many tokens a call used.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokenwire_core::message;

use crate::values::extra;
use crate::values::keywords::{TextArgument, named};
use crate::values::value::{getters, value_methods};

/// Token counts of a call. A count is None if the provider did not report it.
#[pyclass(frozen, eq, hash, from_py_object, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Usage(pub(crate) message::Usage);

#[pymethods]
impl Usage {
    #[new]
    #[pyo3(signature = (*, prompt_tokens=None, completion_tokens=None, total_tokens=None, cached_tokens=None,
        cache_write_tokens=None, reasoning_tokens=None, cost_usd=None, details=None))]
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
    fn py_new(
        py: Python<'_>,
        prompt_tokens: Option<u64>,
        completion_tokens: Option<u64>,
        total_tokens: Option<u64>,
        cached_tokens: Option<u64>,
        cache_write_tokens: Option<u64>,
        reasoning_tokens: Option<u64>,
        cost_usd: Option<TextArgument>,
        details: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Self(message::Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost_usd: named(py, cost_usd, "cost_usd")?,
            details: extra::read_value(details.as_ref(), "details")?,
        }))
    }

    /// What else the provider counted, in its own words: its usage without what the other attributes say. None if there
    /// is nothing.
    #[getter]
    fn details<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        extra::value(py, self.0.details.as_ref())
    }
}

getters!(Usage {
    /// Input tokens, including those read from the provider's cache.
    prompt_tokens: Option<u64>,
    /// Output tokens, including reasoning.
    completion_tokens: Option<u64>,
    /// The provider's total; without one, the sum of input and output if both are known.
    total_tokens: Option<u64>,
    /// Input tokens read from the provider's cache.
    cached_tokens: Option<u64>,
    /// Input tokens written to the provider's cache.
    cache_write_tokens: Option<u64>,
    /// Output tokens spent on reasoning.
    reasoning_tokens: Option<u64>,
    /// The cost in US dollars as reported by the provider, as text.
    cost_usd: Option<String>,
});
value_methods!(
    Usage: prompt_tokens, completion_tokens, total_tokens, cached_tokens, cache_write_tokens, reasoning_tokens,
    cost_usd, details
);

impl From<&message::Usage> for Usage {
    fn from(usage: &message::Usage) -> Self {
        Self(usage.clone())
    }
}
