//! Who listens to finished calls: the callbacks of `on_call`. There are none most of the time, so asking
//! for that costs one load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;

static ON: AtomicBool = AtomicBool::new(false);
static CALLBACKS: Mutex<Registered> = Mutex::new(Registered {
    next_id: 0,
    callbacks: None,
});

/// Held only by a thread that has the GIL and runs no Python code meanwhile, so no fork finds it held.
struct Registered {
    next_id: u64,
    callbacks: Option<Arc<[Registration]>>,
}

pub(super) struct Registration {
    id: u64,
    pub(super) callback: Py<PyAny>,
}

/// Whether anybody listens.
#[pyfunction]
#[pyo3(name = "is_listened_to")]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The callbacks as they are now, in the order in which they were added.
pub(super) fn all() -> Option<Arc<[Registration]>> {
    CALLBACKS.lock().callbacks.clone()
}

/// Registers a callback for every finished call of the process, and returns the registration's number.
#[pyfunction]
pub(crate) fn add_callback(py: Python<'_>, callback: Py<PyAny>) -> u64 {
    let mut registered = CALLBACKS.lock();
    let id = registered.next_id;
    registered.next_id += 1;
    let before = registered.callbacks.take();
    let kept = before.iter().flat_map(|all| all.iter());
    let kept = kept.map(|one| one.copied(py));
    let added = kept.chain([Registration { id, callback }]).collect();
    registered.callbacks = Some(added);
    ON.store(true, Ordering::Relaxed);
    drop(registered);
    drop(before);
    id
}

/// Takes a registration back; whether it was there.
#[pyfunction]
pub(crate) fn remove_callback(py: Python<'_>, id: u64) -> bool {
    let mut registered = CALLBACKS.lock();
    let before = registered.callbacks.take();
    let all = before.iter().flat_map(|all| all.iter());
    let rest: Arc<[_]> = all
        .clone()
        .filter(|one| one.id != id)
        .map(|one| one.copied(py))
        .collect();
    let removed = rest.len() < all.count();
    ON.store(!rest.is_empty(), Ordering::Relaxed);
    registered.callbacks = (!rest.is_empty()).then_some(rest);
    // Dropped outside the lock: a callback that goes may run Python code.
    drop(registered);
    drop(before);
    removed
}

impl Registration {
    fn copied(&self, py: Python<'_>) -> Self {
        Self {
            id: self.id,
            callback: self.callback.clone_ref(py),
        }
    }
}
