//! A brake on retry storms: retries take tokens from a bucket, and successes give them back.

use std::sync::atomic::{AtomicU32, Ordering};

/// The tokens of a client and of those derived from it.
///
/// Source: the retry behaviour of AWS SDKs, version 2.1: 500 tokens; 14 for a transient failure, 5 for throttling.
#[derive(Debug)]
pub struct Bucket {
    left: AtomicU32,
    size: u32,
}

impl Bucket {
    /// A full bucket of `size` tokens.
    #[must_use]
    pub fn new(size: u32) -> Self {
        Self {
            left: AtomicU32::new(size),
            size,
        }
    }

    /// Tokens left.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes `cost` tokens. If there are not enough, takes none and returns false.
    #[must_use]
    pub fn take(&self, cost: u32) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(cost)
            })
            .is_ok()
    }

    /// Gives back the `taken` tokens of the last retry after a call succeeded, or one token if it took none.
    pub fn refund(&self, taken: u32) {
        // The bucket is nearly always full, and then no write disturbs the other threads.
        if self.left() >= self.size {
            return;
        }
        let back = taken.max(1);
        let refilled = |left: u32| Some(left.saturating_add(back).min(self.size));
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, refilled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_it_has_and_never_more_than_its_size() {
        let bucket = Bucket::new(30);
        assert!(bucket.take(14) && bucket.take(14));
        assert!(!bucket.take(14));
        assert_eq!(bucket.left(), 2);
        bucket.refund(14);
        assert_eq!(bucket.left(), 16);
        bucket.refund(0);
        assert_eq!(bucket.left(), 17);
        bucket.refund(500);
        assert_eq!(bucket.left(), 30);
    }

    #[test]
    fn an_outage_costs_at_most_the_bucket() {
        let bucket = Bucket::new(500);
        let retries = (0..1_000).filter(|_| bucket.take(14)).count();
        assert_eq!(retries, 500 / 14);
    }
}
