//! The decision after a failed attempt.

use std::time::Duration;

use super::after::Hints;
use super::bucket::Bucket;
use crate::config::RetryPolicy;
use crate::error::{Error, ErrorKind};

/// How many tokens a retry after a transient failure takes.
const TRANSIENT_COST: u32 = 14;
/// How many tokens a retry after throttling takes.
const THROTTLE_COST: u32 = 5;

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// Retry after `wait`. `cost` tokens were taken, and come back on success.
    Retry {
        /// How long to wait.
        wait: Duration,
        /// How many tokens were taken.
        cost: u32,
    },
    /// Raise the error.
    GiveUp(GaveUp),
}

/// Why a call is not retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaveUp {
    /// A retry would not help, or the caller does not want to risk paying twice.
    NotRetryable,
    /// No attempts are left.
    AttemptsSpent,
    /// The server asks for a longer wait than the caller allows.
    HintTooLong,
    /// The deadline of the call would pass during the wait.
    Deadline,
    /// The client's bucket is empty.
    BudgetSpent,
}

/// Decides what follows a failed attempt.
///
/// `retries` is the number of retries so far. `jitter` (0.0 to 1.0, drawn by the caller) spreads the waits: a wait
/// from the policy shrinks by up to half, a wait that the server asks for grows by up to a tenth. `remaining` is the
/// time until the deadline of the call. Tokens are taken only if there is a retry.
#[must_use]
pub fn decide(
    policy: &RetryPolicy,
    error: &Error,
    hints: Hints,
    retries: u32,
    jitter: f64,
    remaining: Option<Duration>,
    bucket: &Bucket,
) -> Decision {
    if !is_retryable(policy, error, hints) {
        return Decision::GiveUp(GaveUp::NotRetryable);
    }
    // The caller learns of a hint that is too long even if no attempts are left.
    let is_too_long = |hint| hint > policy.max_retry_after;
    if hints.retry_after.is_some_and(is_too_long) {
        return Decision::GiveUp(GaveUp::HintTooLong);
    }
    if retries >= policy.max_retries {
        return Decision::GiveUp(GaveUp::AttemptsSpent);
    }
    let wait = match hints.retry_after {
        Some(hint) => hint.mul_f64(1.0 + 0.1 * jitter),
        None => backoff(policy, is_throttle(error), retries, jitter),
    };
    if remaining.is_some_and(|remaining| wait >= remaining) {
        return Decision::GiveUp(GaveUp::Deadline);
    }
    let cost = cost(error, hints);
    if !bucket.take(cost) {
        return Decision::GiveUp(GaveUp::BudgetSpent);
    }
    Decision::Retry { wait, cost }
}

/// The wait before retry number `retries` + 1. It doubles from `first` (or `throttle_first`) up to `cap`, and
/// `jitter` shortens it by up to half.
fn backoff(policy: &RetryPolicy, throttle: bool, retries: u32, jitter: f64) -> Duration {
    let first = if throttle {
        policy.throttle_first
    } else {
        policy.first
    };
    let doubled = first.saturating_mul(2_u32.saturating_pow(retries));
    doubled.min(policy.cap).mul_f64(1.0 - 0.5 * jitter)
}

fn is_retryable(policy: &RetryPolicy, error: &Error, hints: Hints) -> bool {
    use ErrorKind as K;
    // A retry does not refill a quota, whatever a header says.
    if error.kind() == K::QuotaExceeded {
        return false;
    }
    if error.is_maybe_processed() && error.status().is_none() && !policy.retry_ambiguous {
        return false;
    }
    match error.kind() {
        K::FirstByteTimeout | K::StallTimeout | K::ContentTimeout => policy.retry_timeouts,
        K::PoolTimeout | K::DeadlineExceeded | K::ClientClosed | K::Config | K::Engine => false,
        _ => match (hints.should_retry, error.status()) {
            (Some(should), Some(_)) => should,
            _ => error.is_retryable(),
        },
    }
}

/// Whether the server says that it is overloaded: 429, and Anthropic's 529.
fn is_throttle(error: &Error) -> bool {
    error.kind() == ErrorKind::RateLimit || matches!(error.status(), Some(429 | 529))
}

fn cost(error: &Error, hints: Hints) -> u32 {
    // A server that says when to retry controls its load itself.
    if matches!(error.status(), Some(429 | 503)) && hints.retry_after.is_some() {
        0
    } else if is_throttle(error) {
        THROTTLE_COST
    } else {
        TRANSIENT_COST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ApiFailure, ErrorKind as K};

    #[derive(Clone, Copy)]
    struct Failure {
        kind: ErrorKind,
        status: Option<u16>,
        retryable: bool,
        maybe_processed: bool,
        hints: Hints,
    }

    fn decide(
        policy: &RetryPolicy,
        failure: &Failure,
        retries: u32,
        jitter: f64,
        remaining: Option<Duration>,
        bucket: &Bucket,
    ) -> Decision {
        let error = Error::new(failure.kind, "it failed")
            .retryable(failure.retryable)
            .maybe_processed(failure.maybe_processed)
            .with_api(ApiFailure {
                status: failure.status,
                ..ApiFailure::default()
            });
        let hints = failure.hints;
        super::decide(policy, &error, hints, retries, jitter, remaining, bucket)
    }

    const TRANSPORT: Failure = Failure {
        kind: ErrorKind::ConnectionLost,
        status: None,
        retryable: true,
        maybe_processed: true,
        hints: Hints {
            should_retry: None,
            retry_after: None,
        },
    };

    fn status(status: u16) -> Failure {
        let kind = match status {
            429 => ErrorKind::RateLimit,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Api,
        };
        Failure {
            kind,
            status: Some(status),
            retryable: matches!(status, 429 | 500 | 503 | 529),
            ..TRANSPORT
        }
    }

    fn hinted(mut failure: Failure, hint: Duration) -> Failure {
        failure.hints.retry_after = Some(hint);
        failure
    }

    fn first(failure: &Failure) -> Decision {
        decide(
            &RetryPolicy::default(),
            failure,
            0,
            0.0,
            None,
            &Bucket::new(500),
        )
    }

    fn wait_of(decision: Decision) -> Duration {
        match decision {
            Decision::Retry { wait, .. } => wait,
            Decision::GiveUp(why) => panic!("gave up: {why:?}"),
        }
    }

    #[test]
    fn an_error_with_a_status_is_retried_if_it_says_so() {
        for code in [400, 429, 500, 501] {
            for retryable in [false, true] {
                let failure = Failure {
                    retryable,
                    ..status(code)
                };
                let again = matches!(first(&failure), Decision::Retry { .. });
                assert_eq!(again, retryable, "status {code}");
            }
        }
    }

    #[test]
    fn x_should_retry_overrides_the_statuses_both_ways() {
        for code in 300..=599 {
            for should in [false, true] {
                let mut failure = status(code);
                failure.hints.should_retry = Some(should);
                let again = matches!(first(&failure), Decision::Retry { .. });
                assert_eq!(again, should, "status {code}");
            }
        }
    }

    #[test]
    fn a_spent_quota_is_never_retried() {
        let mut failure = hinted(status(429), Duration::from_secs(1));
        failure.kind = ErrorKind::QuotaExceeded;
        failure.hints.should_retry = Some(true);
        assert_eq!(first(&failure), Decision::GiveUp(GaveUp::NotRetryable));
    }

    #[test]
    fn waits_double_from_their_first_up_to_the_cap_and_jitter_halves_them_at_most() {
        let policy = RetryPolicy {
            max_retries: 9,
            ..RetryPolicy::default()
        };
        for (failure, expected) in [
            (TRANSPORT, [500, 1_000, 2_000, 4_000, 8_000, 8_000]),
            (status(503), [500, 1_000, 2_000, 4_000, 8_000, 8_000]),
            (status(429), [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]),
            (status(529), [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]),
        ] {
            for (retries, millis) in (0..).zip(expected) {
                for (jitter, share) in [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)] {
                    let bucket = Bucket::new(500);
                    let wait = wait_of(decide(&policy, &failure, retries, jitter, None, &bucket));
                    assert_eq!(wait, Duration::from_millis(millis).mul_f64(share));
                }
            }
        }
    }

    #[test]
    fn a_hint_is_waited_for_and_grows_by_a_tenth_at_most() {
        let failure = hinted(status(503), Duration::from_secs(10));
        let policy = RetryPolicy::default();
        for (jitter, millis) in [(0.0, 10_000), (1.0, 11_000)] {
            let wait = wait_of(decide(&policy, &failure, 0, jitter, None, &Bucket::new(0)));
            assert_eq!(wait, Duration::from_millis(millis));
        }
        let longest = hinted(status(429), policy.max_retry_after);
        assert_eq!(wait_of(first(&longest)), policy.max_retry_after);
        let longer = hinted(
            status(429),
            policy.max_retry_after + Duration::from_millis(1),
        );
        assert_eq!(first(&longer), Decision::GiveUp(GaveUp::HintTooLong));
    }

    #[test]
    fn there_are_no_more_retries_than_allowed() {
        let policy = RetryPolicy::default();
        for (retries, again) in [(0, true), (1, true), (2, false), (3, false)] {
            let decision = decide(&policy, &TRANSPORT, retries, 0.0, None, &Bucket::new(500));
            assert_eq!(matches!(decision, Decision::Retry { .. }), again);
        }
    }

    #[test]
    fn a_wait_past_the_deadline_does_not_start() {
        let policy = RetryPolicy::default();
        for (remaining, again) in [(499, false), (500, false), (501, true)] {
            let remaining = Some(Duration::from_millis(remaining));
            let decision = decide(&policy, &TRANSPORT, 0, 0.0, remaining, &Bucket::new(500));
            assert_eq!(matches!(decision, Decision::Retry { .. }), again);
        }
    }

    #[test]
    fn the_kind_of_failure_decides_how_many_tokens_are_taken() {
        let second = Duration::from_secs(1);
        for (failure, expected) in [
            (TRANSPORT, 14),
            (status(500), 14),
            (status(503), 14),
            (status(429), 5),
            (status(529), 5),
            (hinted(status(429), second), 0),
            (hinted(status(503), second), 0),
            (hinted(status(500), second), 14),
        ] {
            let bucket = Bucket::new(500);
            let decision = decide(&RetryPolicy::default(), &failure, 0, 0.0, None, &bucket);
            assert!(matches!(decision, Decision::Retry { cost, .. } if cost == expected));
            assert_eq!(bucket.left(), 500 - expected);
        }
    }

    #[test]
    fn an_empty_bucket_ends_the_retries_and_a_refusal_takes_nothing() {
        let bucket = Bucket::new(13);
        let decision = decide(&RetryPolicy::default(), &TRANSPORT, 0, 0.0, None, &bucket);
        assert_eq!(decision, Decision::GiveUp(GaveUp::BudgetSpent));
        let _ = decide(&RetryPolicy::default(), &status(400), 0, 0.0, None, &bucket);
        assert_eq!(bucket.left(), 13);
    }

    #[test]
    fn an_ambiguous_failure_is_retried_only_if_allowed() {
        let policy = RetryPolicy {
            retry_ambiguous: false,
            ..RetryPolicy::default()
        };
        let bucket = Bucket::new(500);
        let decide = |failure: &Failure| decide(&policy, failure, 0, 0.0, None, &bucket);
        assert_eq!(decide(&TRANSPORT), Decision::GiveUp(GaveUp::NotRetryable));
        let unsent = Failure {
            kind: ErrorKind::Connect,
            maybe_processed: false,
            ..TRANSPORT
        };
        assert!(matches!(decide(&unsent), Decision::Retry { .. }));
        assert!(matches!(decide(&status(503)), Decision::Retry { .. }));
    }

    #[test]
    fn a_timeout_after_sending_is_retried_only_on_request() {
        let asked = RetryPolicy {
            retry_timeouts: true,
            ..RetryPolicy::default()
        };
        for (kind, by_default, if_asked) in [
            (K::ConnectTimeout, true, true),
            (K::FirstByteTimeout, false, true),
            (K::ContentTimeout, false, true),
            (K::StallTimeout, false, true),
            (K::PoolTimeout, false, false),
            (K::DeadlineExceeded, false, false),
        ] {
            let failure = Failure { kind, ..TRANSPORT };
            let again = |policy: &RetryPolicy| {
                let decision = decide(policy, &failure, 0, 0.0, None, &Bucket::new(500));
                matches!(decision, Decision::Retry { .. })
            };
            assert_eq!(again(&RetryPolicy::default()), by_default, "{kind:?}");
            assert_eq!(again(&asked), if_asked, "{kind:?}");
        }
    }
}
