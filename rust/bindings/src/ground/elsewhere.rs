//! Frees what is large on another thread, because the thread of an event loop would stand still meanwhile.

use std::sync::OnceLock;

/// Freeing this many bytes takes about 1 ms.
pub(crate) const LARGE_BYTES: usize = 1 << 20;

type Value = Box<dyn Send>;

static FREE: OnceLock<fn(Value)> = OnceLock::new();

/// Sets how values are freed. The first one counts.
pub(crate) fn free_with(free: fn(Value)) {
    let _ = FREE.set(free);
}

/// Frees `value` on another thread. It holds no Python objects.
pub(crate) fn free(value: impl Send + 'static) {
    match FREE.get() {
        Some(free) => free(Box::new(value)),
        None => drop(value),
    }
}
