//! The Python functions that watch calls: callbacks of `on_call`, and those that return the headers of a trace. Most
//! programs have none, so checking for one costs a single load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;

/// Called with each finished call.
pub(super) static CALLBACKS: Functions = Functions::new();
/// Called before each call, for the headers of the caller's trace.
pub(super) static PROPAGATORS: Functions = Functions::new();

/// Functions of a process.
pub(super) struct Functions {
    on: AtomicBool,
    registered: Mutex<Registered>,
}

/// Locked only by a thread that holds the GIL and runs no Python code meanwhile, so no fork finds it locked.
struct Registered {
    next_id: u64,
    functions: Vec<Arc<Registration>>,
}

pub(super) struct Registration {
    id: u64,
    pub(super) function: Py<PyAny>,
}

impl Functions {
    const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            registered: Mutex::new(Registered {
                next_id: 0,
                functions: Vec::new(),
            }),
        }
    }

    /// Whether there is one.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// The current ones, in the order in which they were added.
    pub(super) fn all(&self) -> Vec<Arc<Registration>> {
        self.registered.lock().functions.clone()
    }

    fn add(&self, function: Py<PyAny>) -> u64 {
        let mut registered = self.registered.lock();
        let id = registered.next_id;
        registered.next_id += 1;
        let registration = Arc::new(Registration { id, function });
        registered.functions.push(registration);
        self.on.store(true, Ordering::Relaxed);
        id
    }

    fn remove(&self, id: u64) -> bool {
        let mut registered = self.registered.lock();
        let functions = &mut registered.functions;
        let position = functions.iter().position(|one| one.id == id);
        let removed = position.map(|position| functions.remove(position));
        self.on.store(!functions.is_empty(), Ordering::Relaxed);
        drop(registered);
        // Dropped after the lock is released: a function that is freed may run Python code.
        removed.is_some()
    }
}

/// Whether there is a callback.
#[pyfunction]
#[pyo3(name = "is_listened_to")]
pub(crate) fn is_on() -> bool {
    CALLBACKS.is_on()
}

/// Registers a callback for every finished call of the process, and returns the registration's id.
#[pyfunction]
pub(crate) fn add_callback(callback: Py<PyAny>) -> u64 {
    CALLBACKS.add(callback)
}

/// Removes a registration. Returns whether it existed.
#[pyfunction]
pub(crate) fn remove_callback(id: u64) -> bool {
    CALLBACKS.remove(id)
}

/// Registers a function that returns the headers of the current trace, and returns the registration's id. It is
/// called on the caller's thread before each call.
#[pyfunction]
pub(crate) fn add_propagator(propagator: Py<PyAny>) -> u64 {
    PROPAGATORS.add(propagator)
}

/// Removes such a registration. Returns whether it existed.
#[pyfunction]
pub(crate) fn remove_propagator(id: u64) -> bool {
    PROPAGATORS.remove(id)
}
