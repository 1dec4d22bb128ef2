//! Sync calls on threads with a small stack.
//!
//! A sync call runs HTTP and TLS on its caller's stack. A thread of `threading.stack_size(64 << 10)` has too little for
//! that, and a thread of musl, with 128 KiB, has barely enough. Such a caller waits while a thread of ours does the work.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::thread;

use tokenwire_core::error::{Error, ErrorKind};

/// What a call may need: up to 100 KiB, in a debug build three times as much.
const NEEDED: usize = if cfg!(debug_assertions) {
    512 << 10
} else {
    256 << 10
};

thread_local! {
    // The lowest address of this thread's stack; 0 if it is not known, or large in any case.
    static FLOOR: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs `work` here if there is enough stack left, and otherwise on a thread of ours.
pub(crate) fn with_enough_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    if bytes_left() >= NEEDED {
        return Ok(work());
    }
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("tokenwire-call".to_owned());
        let running = builder.spawn_scoped(scope, work).map_err(|error| {
            let message = format!(
                "this thread has {} KiB of stack left, a call needs {} KiB, and no other thread can be started \
                 ({error}): raise threading.stack_size()",
                bytes_left() >> 10,
                NEEDED >> 10
            );
            Error::new(ErrorKind::Engine, message)
        })?;
        running.join().map_err(|panicked| resume_unwind(panicked))
    })
}

/// How many bytes of stack are below this frame.
fn bytes_left() -> usize {
    let here = 0_u8;
    let floor = FLOOR.get().unwrap_or_else(|| {
        let floor = floor();
        FLOOR.set(Some(floor));
        floor
    });
    (&raw const here as usize).saturating_sub(floor)
}

/// The lowest address of this thread's stack.
#[cfg(target_os = "linux")]
fn floor() -> usize {
    // The stack of the main thread grows, and asking for it reads a file.
    if super::sync_runtime::on_main_thread() {
        return 0;
    }
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut floor, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the first call fills `attributes`, unless it fails; the others only read them, and the last one frees
    // them.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return 0;
        }
        libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut floor, &raw mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    floor as usize
}

/// Elsewhere the stacks of threads are larger: CPython asks macOS for 16 MiB, and Windows gives 1 MiB.
#[cfg(not(target_os = "linux"))]
fn floor() -> usize {
    0
}
