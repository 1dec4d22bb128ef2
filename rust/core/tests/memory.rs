//! How much memory a stream takes while it waits: there may be thousands of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is the message"
)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use support::{Act, Bench, Server, begun, piece, signal};
use tokenwire_core::config::TransportSetting;
use tokenwire_core::stream::{Queue, Taken, pump};

thread_local! {
    /// How many bytes this thread has allocated and not freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: usize, sign: isize) {
    LIVE.set(LIVE.get() + sign * isize::try_from(bytes).unwrap_or(0));
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How many bytes each of 50 streams takes after `events` were read, with their text, and waits for more.
async fn live_bytes(transport: TransportSetting, events: &str) -> isize {
    const STREAMS: usize = 51;
    let answer = begun(events);
    let server = Server::start(move |_| {
        let (closed, _) = signal();
        vec![
            Act::Read,
            Act::Send(answer.clone()),
            Act::UntilClosed(closed),
        ]
    });
    let bench = Arc::new(Bench::with(&server.base_url(), |config| {
        config.transport = Some(transport);
    }));
    let wanted = events.matches("data:").count();
    let mut streams = Vec::with_capacity(STREAMS);
    let mut before = 0;
    for number in 0..STREAMS {
        if number == 1 {
            // The first one also pays for what all of them share.
            before = LIVE.get();
        }
        let queue = Queue::new(1 << 20, usize::MAX, std::time::Instant::now());
        queue.forgo_raw();
        let (bench, call) = (Arc::clone(&bench), Box::new(bench.call(true)));
        let produced = queue.clone();
        let pumping = tokio::spawn(async move { pump(&bench.transport, call, produced).await });
        let (mut seen, mut buffer) = (0, VecDeque::new());
        // Only a reader that finds nothing waits.
        loop {
            match queue.take(&mut buffer) {
                Taken::Items => seen += buffer.len(),
                Taken::Nothing if seen == wanted => break,
                Taken::Nothing => tokio::task::yield_now().await,
                Taken::End(end) => panic!("the stream ended: {end:?}"),
            }
            buffer.clear();
        }
        streams.push((queue, pumping, buffer));
    }
    let live = (LIVE.get() - before) / 50;
    for (queue, ..) in &streams {
        queue.close();
    }
    for (_, pumping, _) in streams {
        pumping.await.unwrap();
    }
    live
}

#[tokio::test]
async fn a_stream_that_waits_is_small() {
    let live = live_bytes(TransportSetting::Direct, &piece("hello")).await;
    assert!((4 << 10..9 << 10).contains(&live), "{live} bytes");
}

#[tokio::test]
async fn a_burst_leaves_only_its_text_behind() {
    let small = live_bytes(TransportSetting::Direct, &piece("hello")).await;
    let burst = piece("hello").repeat(400);
    let live = live_bytes(TransportSetting::Direct, &burst).await;
    // The text has 2,000 bytes, in room for twice as many.
    assert!(live - small < 7 << 10, "{live} bytes, {small} without");
}
