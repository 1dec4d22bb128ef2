//! How much memory it takes to read some bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// How many times its bytes a reply may take.
const TIMES: usize = 8;
/// What a reply may take besides, in bytes: for a capped number of calls, choices or blocks.
const BESIDES: usize = 4 << 20;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Counts the bytes that the current thread has allocated.
pub struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

#[allow(clippy::cast_possible_wrap)]
fn count(more: usize, less: usize) {
    // While a thread ends, nothing is counted.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + more as isize - less as isize);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's contract is that of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks exist while the bytes move.
        count(size, 0);
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// Runs `read`, which reads `length` bytes, and checks how much memory it takes, with its result.
pub fn within_bounds<T>(what: &str, length: usize, read: impl FnOnce() -> T) -> T {
    let before = LIVE.get();
    PEAK.set(before);
    let result = read();
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    let most = TIMES * length + BESIDES;
    assert!(
        peak <= most,
        "{what} of {length} bytes took {peak} bytes of memory, more than {most}"
    );
    result
}
