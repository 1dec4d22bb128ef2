//! The numbers of events: which of them came twice, and whether any is missing.

/// How many of the last events are remembered. A proxy that sends events again sends the last few.
const REMEMBERED: usize = 8;

/// What is known of the numbers so far.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The number of the last event, and a hash of its bytes, for each place in the ring.
    last: Vec<(u64, u64)>,
    highest: Option<u64>,
    /// Whether a number was left out.
    pub(super) has_gap: bool,
    /// Whether it was the one before the last event.
    pub(super) ends_with_gap: bool,
    /// Whether two different events had one number, so that the numbers mean nothing.
    is_void: bool,
}

impl Sequence {
    /// Whether the numbers show what was lost.
    pub(super) fn counts(&self) -> bool {
        self.highest.is_some() && !self.is_void
    }

    /// Notes an event. Returns whether it came before.
    #[inline]
    pub(super) fn is_again(&mut self, number: u64, data: &[u8]) -> bool {
        if self.is_void {
            return false;
        }
        let hash = hash(data);
        if self.last.is_empty() {
            self.last.resize(REMEMBERED, (u64::MAX, 0));
        }
        #[allow(clippy::cast_possible_truncation, reason = "it is a remainder")]
        let Some(place) = self.last.get_mut(number as usize % REMEMBERED) else {
            return false;
        };
        if place.0 == number {
            if place.1 == hash {
                return true;
            }
            (self.is_void, self.has_gap, self.ends_with_gap) = (true, false, false);
            return false;
        }
        *place = (number, hash);
        // Servers begin with 0 or 1.
        let before = self.highest.unwrap_or(0);
        self.ends_with_gap = number.saturating_sub(before) > 1;
        self.has_gap |= self.ends_with_gap;
        self.highest = Some(before.max(number));
        false
    }
}

/// A fast hash that no one has to be able to trust: a server that makes two of its events collide loses one of them.
#[inline]
fn hash(data: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = data.len() as u64;
    let mut words = data.chunks_exact(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(bytes)).wrapping_mul(FACTOR);
    }
    for &byte in words.remainder() {
        hash = (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(FACTOR);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn an_event_that_comes_again_is_known_by_its_number_and_its_bytes() {
        let mut sequence = Sequence::default();
        assert!(!sequence.is_again(1, b"one"));
        assert!(!sequence.is_again(2, b"two"));
        assert!(sequence.is_again(1, b"one") && sequence.is_again(2, b"two"));
        assert!(!sequence.has_gap && sequence.counts());
        assert!(!sequence.is_again(4, b"two"));
        assert!(sequence.has_gap && sequence.ends_with_gap);
        assert!(!sequence.is_again(5, b"five"));
        assert!(sequence.has_gap && !sequence.ends_with_gap);
    }

    #[test]
    fn numbers_that_repeat_for_other_events_mean_nothing() {
        let mut sequence = Sequence::default();
        for data in [b"a", b"b", b"b", b"b"] {
            assert!(!sequence.is_again(0, data));
        }
        assert!(!sequence.counts() && !sequence.is_again(9, b"c") && !sequence.has_gap);
    }
}
