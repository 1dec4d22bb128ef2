//! `CallTally`: a callback of `on_call` that counts without running Python code.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use tokenwire_core::tally::{Counts, Finished, Spread};

use crate::ground::fork;
use crate::observe::call_event::{CANCELLED, CallEvent};
use crate::observe::pricing::{Known, LookUp, Prices, Unpriced};
use crate::process;

// Prices are looked up for so many calls at a time: code and data that the processor's caches hold.
const BATCH: usize = 256;

type Model = (Arc<str>, Arc<str>);

#[derive(Default)]
struct Entry {
    counts: Counts,
    known: Option<Known>,
}

/// What was counted since it began, and the calls that have no price yet.
struct CountsByModel {
    generation: u64,
    began: Instant,
    models: HashMap<Model, Entry>,
    unpriced: Vec<Unpriced>,
}

impl CountsByModel {
    fn new() -> Self {
        Self {
            generation: fork::generation(),
            began: Instant::now(),
            models: HashMap::new(),
            unpriced: Vec::new(),
        }
    }
}

/// Counts by provider and model. A forked child begins at zero: what its parent counted is the parent's.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct CallTally {
    prices: Option<Prices>,
    // Held only by a thread that has the GIL and runs no Python code meanwhile, so no fork finds it held.
    state: Mutex<CountsByModel>,
}

#[pymethods]
impl CallTally {
    #[new]
    #[pyo3(signature = (rates_of=None, cost_of=None))]
    fn py_new(rates_of: Option<Py<PyAny>>, cost_of: Option<Py<PyAny>>) -> Self {
        // Installs the hook that marks a forked child.
        process::current();
        Self {
            prices: rates_of
                .zip(cost_of)
                .map(|(rates_of, cost_of)| Prices { rates_of, cost_of }),
            state: Mutex::new(CountsByModel::new()),
        }
    }

    /// Counts an event.
    fn __call__(&self, event: &Bound<'_, CallEvent>) -> PyResult<()> {
        self.count(event)
    }

    /// Seconds that it counted, and the counts of all and of each model, as dicts.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<(f64, Bound<'py, PyList>)> {
        let batch = std::mem::take(&mut self.state().unpriced);
        self.settle(py, batch)?;
        let (seconds, mut models) = {
            let state = self.state();
            let models = state.models.iter();
            let models: Vec<_> = models
                .map(|(key, entry)| (key.clone(), entry.counts.clone()))
                .collect();
            (state.began.elapsed().as_secs_f64(), models)
        };
        models.sort_by(|one, other| one.0.cmp(&other.0));
        let mut total = Counts::default();
        for (_, counts) in &models {
            total.merge(counts);
        }
        let rows = PyList::empty(py);
        rows.append(row(py, "", "", &total)?)?;
        for ((provider, model), counts) in &models {
            rows.append(row(py, provider, model, counts)?)?;
        }
        Ok((seconds, rows))
    }

    /// Begins at zero.
    fn reset(&self) {
        // What waits for its price belongs to the time before.
        *self.state.lock() = CountsByModel::new();
    }
}

impl CallTally {
    pub(crate) fn count(&self, event: &Bound<'_, CallEvent>) -> PyResult<()> {
        let py = event.py();
        let event = event.get();
        let retries = event.attempt_count(py)?.saturating_sub(1);
        let data = event
            .response
            .as_ref()
            .map(|response| response.get().data());
        let usage = data.and_then(|data| data.reply.usage.as_ref());
        let kind = event.error_kind.as_deref();
        let call = Finished {
            error_kind: kind,
            cancelled: kind == Some(CANCELLED),
            elapsed: event.elapsed,
            retries,
            timing: data.map(|data| &data.timing),
            usage,
        };
        let batch = {
            let mut state = self.state();
            let caller = &event.caller;
            let key = caller.key();
            let entry = state.models.entry(key).or_default();
            entry.counts.add(&call);
            let (Some(data), Some(usage)) = (data, usage) else {
                return Ok(());
            };
            let ended = event.started + event.elapsed;
            let price = match &entry.known {
                _ if self.prices.is_none() => Ok(None),
                Some(known) => known.price(&data.reply, usage, ended),
                None => Err(LookUp),
            };
            if let Ok(price) = price {
                entry.counts.add_price(price);
                return Ok(());
            }
            state.unpriced.push(Unpriced {
                caller: caller.clone(),
                model: data.reply.model.as_deref().map(Arc::from),
                created: data.reply.created,
                usage: usage.clone(),
                ended,
            });
            if state.unpriced.len() < BATCH {
                return Ok(());
            }
            std::mem::take(&mut state.unpriced)
        };
        self.settle(py, batch)
    }

    fn state(&self) -> MutexGuard<'_, CountsByModel> {
        let mut state = self.state.lock();
        if state.generation != fork::generation() {
            *state = CountsByModel::new();
        }
        state
    }

    /// Looks up what these calls cost, and counts it.
    fn settle(&self, py: Python<'_>, batch: Vec<Unpriced>) -> PyResult<()> {
        let Some(prices) = &self.prices else {
            return Ok(());
        };
        let found = prices.of(py, &batch);
        let mut state = self.state();
        // A model is missing where it was reset meanwhile.
        match found {
            Ok(found) => {
                for (one, (price, rates)) in batch.into_iter().zip(found) {
                    if let Some(entry) = state.models.get_mut(&one.caller.key()) {
                        entry.counts.add_price(price);
                        entry.known = Known::new(one, rates);
                    }
                }
                Ok(())
            }
            Err(error) => {
                // Without an answer they are calls without a price; the counts stay whole.
                for one in batch {
                    if let Some(entry) = state.models.get_mut(&one.caller.key()) {
                        entry.counts.add_price(None);
                    }
                }
                Err(error)
            }
        }
    }
}

fn row<'py>(
    py: Python<'py>,
    provider: &str,
    model: &str,
    counts: &Counts,
) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("provider", provider)?;
    fields.set_item("model", model)?;
    fields.set_item("errors", counts.errors.clone())?;
    fields.set_item("cost_usd", counts.attodollars)?;
    for (name, count) in [
        ("calls", counts.calls),
        ("cancelled", counts.cancelled),
        ("retries", counts.retries),
        ("prompt_tokens", counts.prompt_tokens),
        ("completion_tokens", counts.completion_tokens),
        ("cached_tokens", counts.cached_tokens),
        ("reasoning_tokens", counts.reasoning_tokens),
        ("without_usage", counts.without_usage),
        ("without_price", counts.without_price),
    ] {
        fields.set_item(name, count)?;
    }
    for (name, spread) in [
        ("latency", &counts.latency),
        ("failed_latency", &counts.failed_latency),
        ("first_token", &counts.first_token),
        ("tokens_per_second", &counts.tokens_per_second),
    ] {
        fields.set_item(name, distribution(py, spread)?)?;
    }
    Ok(fields)
}

/// The fields of `Distribution`, in its order.
fn distribution<'py>(py: Python<'py>, spread: &Spread) -> PyResult<Bound<'py, PyAny>> {
    let (low, high) = spread.range.unzip();
    let count: u64 = spread.counts.iter().sum();
    let bounds = pyo3::types::PyTuple::new(py, spread.bounds)?;
    let counts = pyo3::types::PyTuple::new(py, &spread.counts)?;
    Ok((count, spread.sum, low, high, bounds, counts)
        .into_pyobject(py)?
        .into_any())
}
