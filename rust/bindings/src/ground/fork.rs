//! Marks everything that a fork must not share with the generation that created it.
//!
//! The counter goes up in the child before it runs anything else; `process/current.rs` installs the
//! hook. An object of an older generation belongs to the parent: its locks may be held forever, and its
//! sockets are the parent's.

use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The generation of this process: the number of forks between it and the first one.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// In a forked child: begins the next generation. It only writes an atomic, which is async-signal safe.
#[cfg(unix)]
pub(crate) fn begin_generation() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
