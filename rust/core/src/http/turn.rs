//! How much a task may do in a turn, so that the other tasks of its thread get theirs.

use std::task::{Context, Poll};

use tokio::task::coop;

/// A task has 128 units in a turn. tokio takes one for a read of any size, and here so many bytes take one more. So a
/// turn ends after 32 KiB.
const BYTES_PER_UNIT: usize = 256;

/// Takes so many bytes off the turn of the task. Once it is over, the next step that asks waits for the next turn.
pub(super) fn spend(cx: &mut Context<'_>, bytes: usize) {
    for _ in 0..bytes / BYTES_PER_UNIT {
        match coop::poll_proceed(cx) {
            Poll::Ready(unit) => unit.made_progress(),
            Poll::Pending => break,
        }
    }
}
