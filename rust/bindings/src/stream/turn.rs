//! How long a reader may take items before other tasks of its event loop get a turn.

use std::time::{Duration, Instant};

/// How long a reader has been taking items without a wait.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) taken: u32,
    since: Option<Instant>,
}

/// How often, in items, a [`Turn`] looks at the clock.
pub(crate) const ITEMS_PER_LOOK: u32 = 32;
/// A text of so many bytes counts as another item.
const BYTES_PER_ITEM: usize = 8 << 10;
/// After this long, other tasks get a turn.
const LONGEST_TURN: Duration = Duration::from_millis(1);

impl Turn {
    /// Counts a text of so many bytes besides its item: a large one takes as long as many items.
    pub(crate) fn count_text(&mut self, bytes: usize) {
        let items = u32::try_from(bytes / BYTES_PER_ITEM).unwrap_or(ITEMS_PER_LOOK);
        self.taken = self.taken.saturating_add(items);
    }

    /// Counts `taken` items. Returns whether the turn is over; the next one then begins.
    pub(crate) fn is_over(&mut self, taken: u32) -> bool {
        self.taken = self.taken.saturating_add(taken);
        if self.taken < ITEMS_PER_LOOK {
            return false;
        }
        self.taken = 0;
        let now = Instant::now();
        let is_over = now - *self.since.get_or_insert(now) > LONGEST_TURN;
        if is_over {
            self.since = None;
        }
        is_over
    }
}
