//! What a fork must not share: a generation counter, bumped in the child before it runs anything else.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static HOOK: Once = Once::new();

/// The process's generation: 0, and one more after each fork on the way to this process.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Installs the hook once, before anything is made that a child must not touch.
pub(crate) fn install() {
    HOOK.call_once(|| {
        #[cfg(unix)]
        // SAFETY: the handler only stores to atomics, which is async-signal safe.
        unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        }
    });
}

#[cfg(unix)]
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    crate::process::forget();
}
