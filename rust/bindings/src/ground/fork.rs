//! What a fork must not share is marked with the generation that made it.
//!
//! The counter goes up in the child before it runs anything else; `process/current.rs` installs the
//! hook. What bears an older generation belongs to the parent: its locks may be held for ever, and its
//! sockets are the parent's.

use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The process's generation: 0, and one more after each fork on the way to this process.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// In a forked child: begins the next generation. Only stores to an atomic, which is async-signal safe.
#[cfg(unix)]
pub(crate) fn begin_generation() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
