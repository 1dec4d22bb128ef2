//! What finished calls came to: counts, and how their times were spread.

use std::collections::BTreeMap;

use crate::message::{Timing, Usage};

/// Upper bounds of seconds. Fixed, so that what two processes counted can be added.
pub const SECONDS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];
/// Upper bounds of tokens per second.
pub const TOKENS_PER_SECOND: &[f64] = &[
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0,
];

/// How a quantity was spread.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Upper bounds of the buckets, each included in its own.
    pub bounds: &'static [f64],
    /// How many values fell into each bucket; the last one is what is above all bounds.
    pub counts: Vec<u64>,
    /// The sum of the values.
    pub sum: f64,
    /// The least and the greatest.
    pub range: Option<(f64, f64)>,
}

impl Spread {
    fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
            range: None,
        }
    }

    fn add(&mut self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
        self.widen(value, value);
    }

    fn merge(&mut self, other: &Self) {
        for (mine, its) in self.counts.iter_mut().zip(&other.counts) {
            *mine += its;
        }
        self.sum += other.sum;
        if let Some((low, high)) = other.range {
            self.widen(low, high);
        }
    }

    fn widen(&mut self, low: f64, high: f64) {
        let (least, greatest) = self.range.unwrap_or((low, high));
        self.range = Some((least.min(low), greatest.max(high)));
    }
}

/// A call that is over.
#[derive(Debug)]
pub struct Finished<'a> {
    /// Why it failed; `None` where it did not.
    pub error_kind: Option<&'a str>,
    /// Whether its caller let go of it.
    pub cancelled: bool,
    /// Seconds from its start to its end.
    pub elapsed: f64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// Where the time went; `None` where nothing came.
    pub timing: Option<&'a Timing>,
    /// Token counts.
    pub usage: Option<&'a Usage>,
}

/// The counts of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Finished calls.
    pub calls: u64,
    /// Those that were let go of.
    pub cancelled: u64,
    /// Attempts beyond the first of each call.
    pub retries: u64,
    /// Input, cached tokens included.
    pub prompt_tokens: u64,
    /// Output.
    pub completion_tokens: u64,
    /// Input from a cache.
    pub cached_tokens: u64,
    /// Output spent on reasoning.
    pub reasoning_tokens: u64,
    /// Calls without token counts.
    pub without_usage: u64,
    /// 10^-18 US dollars: sums stay exact.
    pub attodollars: i128,
    /// Calls with tokens and without a known price.
    pub without_price: u64,
    /// Failed calls by kind of the error.
    pub errors: BTreeMap<String, u64>,
    /// Seconds of calls whose reply came to its end.
    pub latency: Spread,
    /// Seconds of calls that failed.
    pub failed_latency: Spread,
    /// Seconds to the first token.
    pub first_token: Spread,
    /// How fast replies came.
    pub tokens_per_second: Spread,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            calls: 0,
            cancelled: 0,
            retries: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            cached_tokens: 0,
            reasoning_tokens: 0,
            without_usage: 0,
            attodollars: 0,
            without_price: 0,
            errors: BTreeMap::new(),
            latency: Spread::new(SECONDS),
            failed_latency: Spread::new(SECONDS),
            first_token: Spread::new(SECONDS),
            tokens_per_second: Spread::new(TOKENS_PER_SECOND),
        }
    }
}

impl Counts {
    /// Counts a call; its price is added by [`Counts::add_price`].
    pub fn add(&mut self, call: &Finished<'_>) {
        self.calls += 1;
        self.retries += call.retries;
        match call.error_kind {
            _ if call.cancelled => self.cancelled += 1,
            None => self.latency.add(call.elapsed),
            Some(kind) => {
                self.failed_latency.add(call.elapsed);
                match self.errors.get_mut(kind) {
                    Some(count) => *count += 1,
                    None => {
                        self.errors.insert(kind.to_owned(), 1);
                    }
                }
            }
        }
        match call.usage {
            None => self.without_usage += 1,
            Some(usage) => {
                self.prompt_tokens += usage.prompt_tokens.unwrap_or(0);
                self.completion_tokens += usage.completion_tokens.unwrap_or(0);
                self.cached_tokens += usage.cached_tokens.unwrap_or(0);
                self.reasoning_tokens += usage.reasoning_tokens.unwrap_or(0);
            }
        }
        if let Some(timing) = call.timing {
            if let Some(seconds) = timing.first_token {
                self.first_token.add(seconds);
            }
            if let Some(speed) = timing.tokens_per_second(call.usage) {
                self.tokens_per_second.add(speed);
            }
        }
    }

    /// Counts what a call with tokens cost; `None` where that is not known.
    pub fn add_price(&mut self, attodollars: Option<i128>) {
        match attodollars {
            Some(price) => self.attodollars = self.attodollars.saturating_add(price),
            None => self.without_price += 1,
        }
    }

    /// Adds another model's counts.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.cancelled += other.cancelled;
        self.retries += other.retries;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached_tokens += other.cached_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.without_usage += other.without_usage;
        self.attodollars = self.attodollars.saturating_add(other.attodollars);
        self.without_price += other.without_price;
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        self.latency.merge(&other.latency);
        self.failed_latency.merge(&other.failed_latency);
        self.first_token.merge(&other.first_token);
        self.tokens_per_second.merge(&other.tokens_per_second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(error_kind: Option<&str>, elapsed: f64) -> Counts {
        let usage = Usage {
            prompt_tokens: Some(10),
            completion_tokens: Some(20),
            ..Usage::default()
        };
        let timing = Timing {
            total: Some(2.0),
            ..Timing::default()
        };
        let mut counts = Counts::default();
        counts.add(&Finished {
            error_kind,
            cancelled: error_kind == Some("cancelled"),
            elapsed,
            retries: 1,
            timing: Some(&timing),
            usage: Some(&usage),
        });
        counts
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let mut spread = Spread::new(&[1.0, 2.0]);
        for value in [0.0, 1.0, 1.5, 2.0, 9.0] {
            spread.add(value);
        }
        assert_eq!(spread.counts, [2, 2, 1]);
        assert_eq!((spread.sum, spread.range), (13.5, Some((0.0, 9.0))));
    }

    #[test]
    fn how_a_call_ended_says_where_its_time_counts() {
        let (ok, failed, left) = (
            call(None, 1.0),
            call(Some("server"), 3.0),
            call(Some("cancelled"), 5.0),
        );
        assert_eq!((ok.latency.sum, ok.failed_latency.sum), (1.0, 0.0));
        assert_eq!((failed.latency.sum, failed.failed_latency.sum), (0.0, 3.0));
        assert_eq!(
            (left.latency.sum, left.failed_latency.sum, left.cancelled),
            (0.0, 0.0, 1)
        );
        assert!(left.errors.is_empty());
    }

    #[test]
    fn merged_counts_are_those_of_both() {
        let mut sum = call(None, 1.0);
        sum.add_price(Some(5));
        sum.merge(&call(Some("server"), 3.0));
        let mut other = call(Some("server"), 4.0);
        other.add_price(None);
        sum.merge(&other);
        assert_eq!(
            (
                sum.calls,
                sum.retries,
                sum.prompt_tokens,
                sum.completion_tokens
            ),
            (3, 3, 30, 60)
        );
        assert_eq!(
            (sum.attodollars, sum.without_price, sum.errors["server"]),
            (5, 1, 2)
        );
        assert_eq!(sum.failed_latency.range, Some((3.0, 4.0)));
        assert_eq!(sum.tokens_per_second.counts.iter().sum::<u64>(), 3);
    }
}
