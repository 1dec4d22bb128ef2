//! How much room for items a stream keeps while it waits for the next ones, which may be long.

use std::collections::VecDeque;

/// An empty deque for more items than this is freed. Few reads bring more, except in a burst.
const MOST_SLOTS: usize = 32;

/// Frees the large ones of these empty deques.
pub(super) fn free<T>(deques: [&mut VecDeque<T>; 2]) {
    for deque in deques {
        if deque.capacity() > MOST_SLOTS {
            *deque = VecDeque::new();
        }
    }
}
