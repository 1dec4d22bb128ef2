//! What counted calls cost: Python knows a model's rates, and is asked for them once for many calls.

use std::collections::{HashMap, hash_map};
use std::sync::Arc;

use pyo3::prelude::*;
use tokenwire_core::message;

use crate::ground::caller::Caller;
use crate::values::usage::Usage;

// How long rates hold, by the clock of the calls.
const RATES_HOLD_SECS: f64 = 1.0;

/// Where prices come from, in 10^-18 dollars.
pub(crate) struct Prices {
    /// (provider, model, created) -> rates or None.
    pub(crate) rates_of: Py<PyAny>,
    /// (provider, model, created, usage) -> what it cost or None.
    pub(crate) cost_of: Py<PyAny>,
}

/// What a token costs: fresh input, cached input, input written to a cache, output; and the number of
/// input tokens from which on it costs something else.
#[derive(Clone, Copy, FromPyObject)]
pub(crate) struct Rates(i128, i128, i128, i128, u64);

/// A call that has no price yet.
pub(crate) struct Unpriced {
    pub(crate) caller: Caller,
    /// As the reply names it.
    pub(crate) model: Option<Arc<str>>,
    pub(crate) created: Option<i64>,
    pub(crate) usage: message::Usage,
    pub(crate) ended: f64,
}

/// The rates that were found last for a model; None where it has no price.
pub(crate) struct Known {
    model: Option<Arc<str>>,
    created: i64,
    rates: Option<Rates>,
    until: f64,
}

/// What is known is not enough: Python has to be asked.
pub(crate) struct LookUp;

impl Rates {
    /// What a call cost; None where the rates do not say.
    fn price(&self, usage: &message::Usage) -> Option<i128> {
        let (prompt, output) = (usage.prompt_tokens?, usage.completion_tokens?);
        if prompt >= self.4 || usage.cost_usd.is_some() {
            return None;
        }
        let cached = usage.cached_tokens.unwrap_or(0);
        let written = usage.cache_write_tokens.unwrap_or(0);
        let fresh = prompt.checked_sub(cached)?.checked_sub(written)?;
        [
            (self.0, fresh),
            (self.1, cached),
            (self.2, written),
            (self.3, output),
        ]
        .into_iter()
        .try_fold(0_i128, |sum, (rate, count)| {
            sum.checked_add(rate.checked_mul(i128::from(count))?)
        })
    }
}

impl Unpriced {
    fn key(&self) -> (&str, &str, Option<i64>) {
        let model = self.model.as_deref().unwrap_or(&self.caller.model);
        (&self.caller.provider, model, self.created)
    }
}

impl Known {
    pub(crate) fn new(one: Unpriced, rates: Option<Rates>) -> Option<Self> {
        Some(Self {
            model: one.model,
            created: one.created?,
            rates,
            until: one.ended + RATES_HOLD_SECS,
        })
    }

    /// What a call cost; None where it has no price.
    pub(crate) fn price(
        &self,
        reply: &message::Reply,
        usage: &message::Usage,
        ended: f64,
    ) -> Result<Option<i128>, LookUp> {
        if reply.created != Some(self.created)
            || reply.model.as_deref() != self.model.as_deref()
            || ended > self.until
        {
            return Err(LookUp);
        }
        match &self.rates {
            Some(rates) => rates.price(usage).map(Some).ok_or(LookUp),
            None if usage.cost_usd.is_some() => Err(LookUp),
            None => Ok(None),
        }
    }
}

impl Prices {
    /// The price of each call, and the rates that it was computed from.
    pub(crate) fn of(
        &self,
        py: Python<'_>,
        batch: &[Unpriced],
    ) -> PyResult<Vec<(Option<i128>, Option<Rates>)>> {
        let mut known = HashMap::new();
        let mut found = Vec::with_capacity(batch.len());
        for one in batch {
            let key = one.key();
            let rates = match known.entry(key) {
                hash_map::Entry::Occupied(known) => *known.get(),
                hash_map::Entry::Vacant(place) => {
                    let rates = self.rates_of.bind(py).call1(key)?;
                    *place.insert(rates.extract::<Option<Rates>>()?)
                }
            };
            let by_rates = rates.and_then(|rates| rates.price(&one.usage));
            // Without rates there is at most the provider's own figure.
            let price = match by_rates {
                None if rates.is_some() || one.usage.cost_usd.is_some() => {
                    let (provider, model, created) = key;
                    let usage = Usage::from(&one.usage);
                    let cost = self.cost_of.bind(py);
                    cost.call1((provider, model, created, usage))?.extract()?
                }
                price => price,
            };
            found.push((price, rates));
        }
        Ok(found)
    }
}
