//! `Usage`: how many tokens a call used.

use pyo3::prelude::*;
use tokenwire_core::message;

use crate::values::value::value_class;

value_class! {
    /// Token counts of a call. A count is None if the provider did not report it.
    Usage(message::Usage) new(*,) {
        /// Input tokens, including those read from the provider's cache.
        prompt_tokens: Option<u64> = None,
        /// Output tokens, including reasoning.
        completion_tokens: Option<u64> = None,
        /// The provider's total; without one, the sum of input and output if both are known.
        total_tokens: Option<u64> = None,
        /// Input tokens read from the provider's cache.
        cached_tokens: Option<u64> = None,
        /// Input tokens written to the provider's cache.
        cache_write_tokens: Option<u64> = None,
        /// Output tokens spent on reasoning.
        reasoning_tokens: Option<u64> = None,
        /// The cost in US dollars as reported by the provider, as text.
        cost_usd: Option<String> = None,
    }
}

impl From<&message::Usage> for Usage {
    fn from(usage: &message::Usage) -> Self {
        Self(usage.clone())
    }
}
