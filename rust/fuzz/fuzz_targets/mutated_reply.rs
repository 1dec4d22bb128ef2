#![no_main]
//! Replies that were changed as a hostile server might change them are read in linear time and bounded memory.

#[path = "../../core/tests/claims/mutated_reply.rs"]
mod claim;
#[path = "../../core/tests/claims/measured.rs"]
mod measured;
#[path = "../../core/tests/claims/mutation/mod.rs"]
mod mutation;

use std::time::Duration;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|input: &[u8]| {
    let started = thread_time();
    claim::holds(input);
    let took = thread_time() - started;
    // The bound is wide: with all checks of a fuzzer, an input takes about 0.5 µs for each byte.
    let most = Duration::from_millis(500) + Duration::from_micros(5) * input.len() as u32;
    assert!(took <= most, "{} bytes took {took:?}, more than {most:?}", input.len());
});

/// The CPU time of this thread, which does not depend on what else the machine does.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid, and every Linux has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = mutation::Random(seed.into());
    // The usual changes of single bytes find other things.
    if size < 2 || max_size < 3 || random.below(10) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let body = mutation::mutated(&data[1..size], max_size - 1, &mut random);
    if random.below(3) == 0 {
        data[0] = random.below(256) as u8;
    }
    data[1..=body.len()].copy_from_slice(&body);
    body.len() + 1
});
