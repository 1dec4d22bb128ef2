//! Keeps a daemon thread from aborting the process when the interpreter exits.
//!
//! CPython before 3.14 ends such a thread when it next asks for the GIL, by unwinding its stack
//! (python/cpython#87135). Rust cannot be unwound that way and aborts. PyO3 handles the places where Rust
//! releases the GIL; Python code that Rust calls may release it at any line.

use std::thread;

/// Runs `work`, which calls Python code. A thread that would be ended inside it sleeps forever instead.
pub(crate) fn calling_python<T>(work: impl FnOnce() -> T) -> T {
    let stay = StayHere;
    let result = work();
    std::mem::forget(stay);
    result
}

struct StayHere;

impl Drop for StayHere {
    fn drop(&mut self) {
        // A panic is Rust's own unwinding, which may continue.
        while !thread::panicking() {
            thread::park();
        }
    }
}
