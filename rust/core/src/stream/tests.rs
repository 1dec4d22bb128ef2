use compact_str::CompactString;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::channel::Taken;
use super::parker::{Interest, Parker, Wake};
use super::queue::Queue;
use crate::error::{Error, ErrorKind};
use crate::message::{Chunk, ChunkKind, Delta, Logprobs, Timing, TokenLogprob, ToolCallDelta};

fn text(piece: &str) -> Chunk {
    Chunk {
        kind: ChunkKind::Text(CompactString::new(piece)),
        raw: None,
    }
}

#[derive(Default)]
struct Bell(Mutex<Vec<u64>>);

impl Wake for Bell {
    fn wake(&self, token: u64) {
        self.0.lock().push(token);
    }
}

#[test]
fn a_parked_reader_is_woken_once_for_a_batch() {
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    let bell = Arc::new(Bell::default());
    assert!(queue.park(Parker::Mailbox(bell.clone(), 7), Interest::Any));
    queue
        .publish(&mut vec![text("a"), text("b")], None)
        .unwrap();
    queue.publish(&mut vec![text("c")], None).unwrap();
    assert_eq!(*bell.0.lock(), [7]);
    let mut buffer = VecDeque::new();
    assert!(matches!(queue.take(&mut buffer), Taken::Items));
    assert_eq!(buffer.len(), 3);
}

#[test]
fn a_reader_that_finds_items_does_not_park() {
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    queue.publish(&mut vec![text("a")], None).unwrap();
    assert!(!queue.park(Parker::Mailbox(Arc::new(Bell::default()), 1), Interest::Any));
}

#[test]
fn an_event_without_text_does_not_wake_a_text_reader() {
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    let bell = Arc::new(Bell::default());
    assert!(queue.park(Parker::Mailbox(bell.clone(), 1), Interest::Text));
    let empty = Chunk {
        kind: ChunkKind::Delta(Box::default()),
        raw: None,
    };
    queue.publish(&mut vec![empty], None).unwrap();
    assert!(bell.0.lock().is_empty());
    queue.publish(&mut vec![text("a")], None).unwrap();
    assert_eq!(*bell.0.lock(), [1]);
}

#[test]
fn a_queue_full_of_events_without_text_wakes_a_text_reader() {
    let queue = Queue::new(1000, usize::MAX, Instant::now());
    let bell = Arc::new(Bell::default());
    assert!(queue.park(Parker::Mailbox(bell.clone(), 1), Interest::Text));
    while queue.has_room() {
        assert!(bell.0.lock().is_empty());
        let empty = Chunk {
            kind: ChunkKind::Delta(Box::default()),
            raw: None,
        };
        queue.publish(&mut vec![empty], None).unwrap();
    }
    assert_eq!(*bell.0.lock(), [1]);
}

#[test]
fn every_item_comes_before_the_end_and_the_error_carries_the_partial() {
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    queue.publish(&mut vec![text("a")], None).unwrap();
    let cut = Error::new(ErrorKind::StreamInterrupted, "cut");
    queue.finish(Err(cut), Timing::default(), Vec::new());
    let mut buffer = VecDeque::new();
    assert!(matches!(queue.take(&mut buffer), Taken::Items));
    buffer.clear();
    let Taken::End(Some(error)) = queue.take(&mut buffer) else {
        panic!("no end")
    };
    assert_eq!(
        error
            .partial()
            .map(|reply| reply.choices[0].text().into_owned())
            .as_deref(),
        Some("a")
    );
}

#[tokio::test]
async fn a_full_queue_stops_the_producer_until_the_reader_takes_chunks() {
    let queue = Queue::new(8, usize::MAX, Instant::now());
    queue.publish(&mut vec![text("0123456789")], None).unwrap();
    assert!(!queue.has_room());
    let producer = tokio::spawn({
        let queue = queue.clone();
        async move { queue.room().await }
    });
    tokio::task::yield_now().await;
    assert!(!producer.is_finished());
    queue.take(&mut VecDeque::new());
    assert!(producer.await.unwrap());
}

#[tokio::test]
async fn close_wakes_both_sides() {
    let queue = Queue::new(8, usize::MAX, Instant::now());
    let bell = Arc::new(Bell::default());
    assert!(queue.park(Parker::Mailbox(bell.clone(), 3), Interest::Any));
    let producer = tokio::spawn({
        let queue = queue.clone();
        async move { queue.closed().await }
    });
    tokio::task::yield_now().await;
    queue.close();
    producer.await.unwrap();
    assert_eq!(*bell.0.lock(), [3]);
    assert!(matches!(
        queue.take(&mut VecDeque::new()),
        Taken::End(Some(_))
    ));
}

#[test]
fn the_first_end_of_a_stream_counts() {
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    assert!(queue.head().is_none());
    queue.finish(Ok(()), Timing::default(), Vec::new());
    let late = Error::new(ErrorKind::Engine, "late");
    queue.finish(Err(late), Timing::default(), Vec::new());
    assert!(matches!(queue.take(&mut VecDeque::new()), Taken::End(None)));
    // A stream that ended without a head was closed before the head arrived.
    let head = queue.head().unwrap().unwrap_err();
    assert_eq!(head.kind(), ErrorKind::ClientClosed);
}

/// One chunk of each kind of content, each with about `bytes` bytes.
fn heavy(bytes: usize) -> Vec<(&'static str, Chunk)> {
    let long = "x".repeat(bytes);
    let token = TokenLogprob {
        token: long.clone(),
        logprob: None,
        bytes: None,
        top: Vec::new(),
        text_offset: None,
    };
    let delta = |delta: Delta| Chunk {
        kind: ChunkKind::Delta(Box::new(delta)),
        raw: None,
    };
    let call = ToolCallDelta {
        arguments: long.clone(),
        ..ToolCallDelta::default()
    };
    vec![
        ("text", text(&long)),
        (
            "reasoning",
            delta(Delta {
                reasoning: long.clone(),
                ..Delta::default()
            }),
        ),
        (
            "signature",
            delta(Delta {
                signature: Some(long.clone()),
                ..Delta::default()
            }),
        ),
        (
            "refusal",
            delta(Delta {
                refusal: Some(long.clone()),
                ..Delta::default()
            }),
        ),
        (
            "call",
            delta(Delta {
                tool_calls: vec![call],
                ..Delta::default()
            }),
        ),
        (
            "block",
            delta(Delta {
                opaque: vec![("x".to_owned(), format!("\"{long}\""))],
                ..Delta::default()
            }),
        ),
        (
            "logprobs",
            delta(Delta {
                logprobs: Some(Logprobs::from(vec![token])),
                ..Delta::default()
            }),
        ),
    ]
}

#[test]
fn whatever_waits_for_the_reader_fills_the_queue() {
    for (what, chunk) in heavy(10_000) {
        let queue = Queue::new(10_000, usize::MAX, Instant::now());
        queue.publish(&mut vec![chunk], None).unwrap();
        assert!(!queue.has_room(), "{what}");
    }
    let queue = Queue::new(10_000, usize::MAX, Instant::now());
    let raw = Chunk {
        raw: Some(vec![0; 10_000].into()),
        ..text("")
    };
    queue.publish(&mut vec![raw], None).unwrap();
    assert!(!queue.has_room());
}

#[test]
fn a_reply_that_grows_beyond_its_limit_ends_with_what_there_is() {
    for (what, chunk) in heavy(10_000) {
        let queue = Queue::new(usize::MAX, 30_000, Instant::now());
        let mut published = Ok(());
        let mut count = 0;
        while published.is_ok() {
            published = queue.publish(&mut vec![chunk.clone(), chunk.clone()], None);
            count += 2;
            assert!(count < 10, "{what}");
        }
        let error = published.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge, "{what}");
        assert!(error.message().contains("max_reply_bytes"), "{error}");
        let (reply, ..) = queue.snapshot();
        assert_eq!(reply.choices.len(), 1, "{what}");
        // What is in the partial reply was delivered, too.
        let mut buffer = VecDeque::new();
        queue.take(&mut buffer);
        assert_eq!(buffer.len(), 3, "{what}");
    }
}

#[test]
fn many_small_parts_count_with_their_overhead() {
    let queue = Queue::new(usize::MAX, 1 << 20, Instant::now());
    let mut count = 0;
    loop {
        let reasoning = Delta {
            reasoning: "r".to_owned(),
            ..Delta::default()
        };
        let reasoning = Chunk {
            kind: ChunkKind::Delta(Box::new(reasoning)),
            raw: None,
        };
        if queue
            .publish(&mut vec![text("t"), reasoning], None)
            .is_err()
        {
            break;
        }
        queue.take(&mut VecDeque::new());
        count += 1;
    }
    // Two parts of one byte each take some two hundred bytes.
    assert!((1_000..20_000).contains(&count), "{count}");
}

#[test]
fn the_reply_of_a_stream_that_has_ended_is_shared() {
    for failure in [None, Some(Error::new(ErrorKind::StallTimeout, "silent"))] {
        let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
        queue.publish(&mut vec![text("ab")], None).unwrap();
        let fails = failure.is_some();
        let before = queue.snapshot().0;
        queue.finish(failure.map_or(Ok(()), Err), Timing::default(), Vec::new());
        let (first, second) = (queue.snapshot().0, queue.snapshot().0);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.choices[0].text(), before.choices[0].text());
        assert!(queue.reply_bytes() > 2);
        let mut buffer = VecDeque::new();
        queue.take(&mut buffer);
        let Taken::End(end) = queue.take(&mut VecDeque::new()) else {
            panic!("it has ended");
        };
        let partial = end.as_ref().and_then(Error::partial);
        assert_eq!(partial.is_some(), fails);
        assert!(partial.is_none_or(|partial| Arc::ptr_eq(partial, &first)));
    }
}
