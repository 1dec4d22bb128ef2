//! The callbacks of `on_call`. Most programs have none, so checking for one costs a single load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;

static ON: AtomicBool = AtomicBool::new(false);
static REGISTERED: Mutex<Registered> = Mutex::new(Registered {
    next_id: 0,
    callbacks: Vec::new(),
});

/// Locked only by a thread that holds the GIL and runs no Python code meanwhile, so no fork finds it locked.
struct Registered {
    next_id: u64,
    callbacks: Vec<Arc<Registration>>,
}

pub(super) struct Registration {
    id: u64,
    pub(super) callback: Py<PyAny>,
}

/// Whether there is a callback.
#[pyfunction]
#[pyo3(name = "is_listened_to")]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The current callbacks, in the order in which they were added.
pub(super) fn all() -> Vec<Arc<Registration>> {
    REGISTERED.lock().callbacks.clone()
}

/// Registers a callback for every finished call of the process, and returns the registration's id.
#[pyfunction]
pub(crate) fn add_callback(callback: Py<PyAny>) -> u64 {
    let mut registered = REGISTERED.lock();
    let id = registered.next_id;
    registered.next_id += 1;
    registered
        .callbacks
        .push(Arc::new(Registration { id, callback }));
    ON.store(true, Ordering::Relaxed);
    id
}

/// Removes a registration. Returns whether it existed.
#[pyfunction]
pub(crate) fn remove_callback(id: u64) -> bool {
    let mut registered = REGISTERED.lock();
    let callbacks = &mut registered.callbacks;
    let position = callbacks.iter().position(|one| one.id == id);
    let removed = position.map(|position| callbacks.remove(position));
    ON.store(!callbacks.is_empty(), Ordering::Relaxed);
    drop(registered);
    // Dropped after the lock is released: a callback that is freed may run Python code.
    removed.is_some()
}
