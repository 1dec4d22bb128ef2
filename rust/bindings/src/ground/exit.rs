//! What keeps a daemon thread from aborting the process at the interpreter's exit.
//!
//! CPython before 3.14 ends such a thread when it next asks for the GIL, by unwinding its stack
//! (python/cpython#87135). Rust cannot be unwound that way: it aborts. PyO3 sees to the calls that
//! give the GIL up; Python code that Rust calls gives it up by itself, at any line.

use std::thread;

/// Runs `work`, which calls Python code. A thread that is ended inside it stays there instead.
pub(crate) fn calling_python<T>(work: impl FnOnce() -> T) -> T {
    let stay = Stay;
    let result = work();
    std::mem::forget(stay);
    result
}

struct Stay;

impl Drop for Stay {
    fn drop(&mut self) {
        // A panic is Rust's own unwinding, and may go on.
        while !thread::panicking() {
            thread::park();
        }
    }
}
