//! A call that is dropped at any point closes its connection and gives back what it held.

mod support;

use std::time::{Duration, Instant};

use support::*;
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::stream::{Interest, Parker, Queue, pump};

/// A server that starts with `answer`, waits for the client to close, and then signals.
fn watched(answer: Vec<u8>) -> (Server, std::sync::mpsc::Receiver<()>) {
    let (closed, is_closed) = signal();
    let closed = parking_lot::Mutex::new(closed);
    let server = Server::start(move |_| {
        let closed = closed.lock().clone();
        vec![
            Act::Read,
            Act::Send(answer.clone()),
            Act::UntilClosed(closed),
        ]
    });
    (server, is_closed)
}

/// Drives `work` until `until` holds, then drops it.
async fn cut(work: impl Future<Output = ()>, until: impl Fn() -> bool) {
    let reached = async {
        while !until() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = work => panic!("the call ended by itself"),
        () = reached => {}
    }
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection_and_frees_its_permit() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    for answer in ["", half] {
        let (server, is_closed) = watched(answer.into());
        let bench = Bench::with(&server.base_url(), |config| {
            config.limits.max_connections = Some(3);
        });
        cut(async { drop(bench.complete().await) }, || {
            server.requests() == 1
        })
        .await;
        heard(&is_closed).await;
        assert_eq!(bench.client.free_connections(), 3);
    }
}

#[tokio::test]
async fn a_dropped_pump_closes_its_connection() {
    let (server, is_closed) = watched(begun(&piece("hel")));
    let bench = Bench::new(&server.base_url());
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    let work = pump(&bench.transport, bench.call(true), queue.clone());
    cut(work, || !queue.snapshot().0.choices.is_empty()).await;
    heard(&is_closed).await;
}

#[tokio::test]
async fn a_reader_that_closes_ends_the_pump_and_the_connection() {
    for answer in [Vec::new(), begun(&piece("hel"))] {
        let (server, is_closed) = watched(answer);
        let bench = Bench::new(&server.base_url());
        let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
        let close = async {
            while server.requests() == 0 {
                tokio::task::yield_now().await;
            }
            queue.close();
        };
        tokio::join!(
            pump(&bench.transport, bench.call(true), queue.clone()),
            close
        );
        heard(&is_closed).await;
        let (_, _, attempts, _) = queue.snapshot();
        assert_eq!(
            (attempts.len(), attempts[0].error),
            (1, Some(K::ClientClosed))
        );
    }
}

#[tokio::test]
async fn closing_ends_a_pump_that_waits_for_room_or_for_its_next_attempt() {
    let (server, is_closed) = watched(begun(&piece("hel")));
    let bench = Bench::new(&server.base_url());
    let queue = Queue::new(1, usize::MAX, Instant::now());
    let close = async {
        while queue.has_room() {
            tokio::task::yield_now().await;
        }
        queue.close();
    };
    tokio::join!(
        pump(&bench.transport, bench.call(true), queue.clone()),
        close
    );
    heard(&is_closed).await;

    let server = Server::always(response("503 X", "retry-after: 60\r\n", "{}"));
    let bench = Bench::new(&server.base_url());
    let queue = Queue::new(1, usize::MAX, Instant::now());
    let close = async {
        while bench.hub.log().is_empty() {
            tokio::task::yield_now().await;
        }
        // A reader can see why it waits, and for how long.
        let (_, _, attempts, _) = queue.snapshot();
        let failed: Vec<_> = attempts.iter().map(|one| (one.status, one.error)).collect();
        assert_eq!(failed, [(Some(503), Some(K::Server))]);
        assert!(attempts[0].slept >= 60.0);
        queue.close();
    };
    let work = pump(&bench.transport, bench.call(true), queue.clone());
    let both = async { tokio::join!(work, close) };
    tokio::time::timeout(Duration::from_secs(5), both)
        .await
        .unwrap();
}

#[tokio::test]
async fn random_cancels_give_every_permit_back() {
    let server = Server::start(|number| {
        if number % 3 == 0 {
            let (closed, _) = signal();
            return vec![Act::Read, Act::UntilClosed(closed)];
        }
        (0..100)
            .flat_map(|_| [Act::Read, Act::Send(stream())])
            .collect()
    });
    let bench = Bench::with(&server.base_url(), |config| {
        config.limits.max_connections = Some(10);
    });
    let bench = std::sync::Arc::new(bench);
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let bench = bench.clone();
                tokio::spawn(async move {
                    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
                    pump(&bench.transport, bench.call(true), queue).await;
                })
            })
            .collect();
        for task in &tasks {
            for _ in 0..random.u32(0..40) {
                tokio::task::yield_now().await;
            }
            task.abort();
        }
        for task in tasks {
            let _ = task.await;
        }
        assert_eq!(bench.client.free_connections(), 10, "seed {seed}");
    }
    let good = Server::always_stream();
    let after = Bench::new(&good.base_url());
    for _ in 0..10 {
        assert_eq!(after.stream().await.kind(), None);
    }
}

#[tokio::test]
async fn the_end_wakes_a_parked_reader() {
    let server = Server::always_stream();
    let bench = Bench::new(&server.base_url());
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    let reader = std::future::poll_fn(|context| {
        if queue.park(Parker::Task(context.waker().clone()), Interest::Any) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(())
    });
    let both = async {
        tokio::join!(
            pump(&bench.transport, bench.call(true), queue.clone()),
            reader
        )
    };
    tokio::time::timeout(Duration::from_secs(5), both)
        .await
        .unwrap();
    assert_eq!(Streamed::of(&queue).text(), "hello");
}
