//! `Usage`: how many tokens a call took.

use pyo3::prelude::*;
use tokenwire_core::message;

use crate::values::value::{Fields, value_methods};

/// Token counts; None where the provider did not say.
#[pyclass(frozen, eq, hash, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Usage {
    /// All input, cached tokens included.
    #[pyo3(get)]
    prompt_tokens: Option<u64>,
    /// All output, reasoning included.
    #[pyo3(get)]
    completion_tokens: Option<u64>,
    /// The provider's total, else the sum where both parts are known.
    #[pyo3(get)]
    total_tokens: Option<u64>,
    /// Input read from the provider's cache.
    #[pyo3(get)]
    cached_tokens: Option<u64>,
    /// Input written to the provider's cache.
    #[pyo3(get)]
    cache_write_tokens: Option<u64>,
    /// Output spent on reasoning.
    #[pyo3(get)]
    reasoning_tokens: Option<u64>,
    /// The provider's own figure for the cost, in US dollars, as text.
    #[pyo3(get)]
    cost_usd: Option<String>,
}

#[pymethods]
impl Usage {
    #[new]
    #[pyo3(signature = (*, prompt_tokens=None, completion_tokens=None, total_tokens=None,
        cached_tokens=None, cache_write_tokens=None, reasoning_tokens=None, cost_usd=None))]
    fn py_new(
        prompt_tokens: Option<u64>,
        completion_tokens: Option<u64>,
        total_tokens: Option<u64>,
        cached_tokens: Option<u64>,
        cache_write_tokens: Option<u64>,
        reasoning_tokens: Option<u64>,
        cost_usd: Option<String>,
    ) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost_usd,
        }
    }
}

impl Fields for Usage {
    const FIELDS: &'static [&'static str] = &[
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "cost_usd",
    ];
}
value_methods!(Usage);

impl From<&Usage> for message::Usage {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cached_tokens: usage.cached_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cost_usd: usage.cost_usd.clone(),
        }
    }
}

impl From<&message::Usage> for Usage {
    fn from(usage: &message::Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cached_tokens: usage.cached_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cost_usd: usage.cost_usd.clone(),
        }
    }
}
