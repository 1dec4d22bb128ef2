//! The five timeouts. Each error says which one it was.

mod support;

use std::future::{Future, poll_fn};
use std::net::TcpListener;
use std::task::Poll;
use std::time::{Duration, Instant};

use support::*;
use tokenwire_core::call::complete;
use tokenwire_core::client::CallOptions;
use tokenwire_core::config::{Timeout, TimeoutSetting};
use tokenwire_core::error::{ErrorKind as K, Phase};
use tokenwire_core::stream::{Queue, pump};

const SHORT: Duration = Duration::from_millis(80);

/// A server that starts with `answer` on every connection and then falls silent.
fn silent_after(answer: Vec<u8>) -> Server {
    Server::start(move |_| {
        let (closed, _) = signal();
        vec![
            Act::Read,
            Act::Send(answer.clone()),
            Act::UntilClosed(closed),
        ]
    })
}

fn bench(server: &Server, change: impl Fn(&mut Timeout)) -> Bench {
    let mut timeout = Timeout::default();
    change(&mut timeout);
    Bench::with(&server.base_url(), |config| {
        config.timeout = TimeoutSetting::Full(timeout);
    })
}

#[tokio::test]
async fn a_stream_without_a_head_raises_first_byte_and_is_not_retried() {
    // Nothing at all, and a head that never ends.
    for answer in ["", "HTTP/1.1 200 OK\r\nx-slow: "] {
        let server = silent_after(answer.into());
        let bench = bench(&server, |timeout| timeout.first_token = Some(SHORT));
        let streamed = bench.stream().await;
        let error = streamed.end.unwrap();
        assert_eq!(
            (error.kind(), error.phase()),
            (K::FirstByteTimeout, Phase::Head)
        );
        assert!(error.is_maybe_processed());
        assert_eq!((error.attempts().len(), server.requests()), (1, 1));
        assert_eq!(bench.client.free_connections(), free(&bench));
    }
}

fn free(bench: &Bench) -> usize {
    Bench::new(bench.client.base_url())
        .client
        .free_connections()
}

#[tokio::test]
async fn a_timeout_is_retried_on_request() {
    let server = silent_after(Vec::new());
    let bench = Bench::with(&server.base_url(), |config| {
        config.timeout = TimeoutSetting::Bare(SHORT);
        config.retry.retry_timeouts = true;
    });
    let streamed = bench.stream().await;
    assert_eq!(
        (streamed.kind(), streamed.attempts.len()),
        (Some(K::FirstByteTimeout), 3)
    );
}

#[tokio::test]
async fn a_head_without_content_is_a_content_timeout() {
    for events in [
        ": ping\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n",
    ] {
        let server = silent_after(begun(events));
        let bench = bench(&server, |timeout| timeout.first_token = Some(SHORT));
        let error = bench.stream().await.end.unwrap();
        assert_eq!(
            (error.kind(), error.phase()),
            (K::ContentTimeout, Phase::Body),
            "{events}"
        );
        assert!(error.message().contains("first_token"), "{error}");
    }
}

#[tokio::test]
async fn a_whole_reply_to_a_stream_has_the_time_of_the_first_content() {
    for answer in ["{\"choices\":[", "<html>"] {
        let server = silent_after(begun(answer));
        let bench = bench(&server, |timeout| timeout.first_token = Some(SHORT));
        let error = bench.stream().await.end.unwrap();
        assert_eq!(error.kind(), K::ContentTimeout, "{answer}: {error}");
    }
}

#[tokio::test]
async fn silence_after_content_is_a_stall_with_the_partial_reply() {
    let server = silent_after(begun(&piece("hel")));
    let bench = bench(&server, |timeout| timeout.idle = Some(SHORT));
    let begun = Instant::now();
    let streamed = bench.stream().await;
    assert!((SHORT..SHORT * 20).contains(&begun.elapsed()));
    assert_eq!(
        (streamed.kind(), streamed.text().as_str()),
        (Some(K::StallTimeout), "hel")
    );
    assert!(streamed.end.unwrap().partial().is_some());
}

#[tokio::test]
async fn pings_without_content_are_a_content_timeout() {
    let (stop, stopped) = signal();
    let stopped = parking_lot::Mutex::new(Some(stopped));
    let server = Server::start(move |_| {
        let stopped = stopped.lock().take().unwrap();
        vec![
            Act::Read,
            Act::Send(begun(&piece("hel"))),
            Act::Repeat(
                chunk(": ping\n\n").into_bytes(),
                Duration::from_millis(5),
                stopped,
            ),
        ]
    });
    let bench = bench(&server, |timeout| timeout.idle = Some(SHORT));
    let streamed = bench.stream().await;
    drop(stop);
    assert_eq!(
        (streamed.kind(), streamed.text().as_str()),
        (Some(K::ContentTimeout), "hel")
    );
    assert!(streamed.end.unwrap().message().contains("idle"));
}

#[tokio::test]
async fn total_ends_a_whole_reply_in_any_phase() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    for (answer, phase) in [("", Phase::Head), (head, Phase::Body)] {
        let server = silent_after(answer.into());
        let bench = bench(&server, |timeout| timeout.total = Some(SHORT));
        let error = bench.complete().await.unwrap_err();
        assert_eq!((error.kind(), error.phase()), (K::DeadlineExceeded, phase));
        assert!(error.is_maybe_processed());
        assert_eq!(error.attempts().len(), 1);
        assert_eq!(bench.client.free_connections(), free(&bench));
    }
}

#[tokio::test]
async fn total_covers_all_attempts_of_a_stream() {
    let server = Server::always(response("503 X", "", "{}"));
    let bench = Bench::with(&server.base_url(), |config| {
        config.timeout = TimeoutSetting::Full(Timeout {
            total: Some(Duration::from_millis(150)),
            ..Timeout::default()
        });
        config.retry.max_retries = 1_000;
        config.retry.budget = 1_000_000;
        config.retry.cap = Duration::from_millis(10);
    });
    let begun = Instant::now();
    let error = bench.stream().await.end.unwrap();
    // The last wait would pass the deadline, so the error of the server is raised, or the deadline passed during an
    // attempt.
    assert!(
        matches!(error.kind(), K::Server | K::DeadlineExceeded),
        "{error:?}"
    );
    assert!(error.attempts().len() > 5);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_connect_timeout_and_nothing_was_sent() {
    // A server that accepts and never answers the TLS hello.
    let server = silent_after(Vec::new());
    let bench = Bench::with(&format!("https://{}/v1", server.address), |config| {
        config.timeout = TimeoutSetting::Full(Timeout {
            connect: Some(SHORT),
            ..Timeout::default()
        });
    });
    let error = bench.complete().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (K::ConnectTimeout, Phase::Connect)
    );
    assert!(!error.is_maybe_processed());
    assert_eq!(error.attempts().len(), 3);
}

#[tokio::test]
async fn a_slow_reader_does_not_count_as_silence_of_the_server() {
    let (go_on, may_go_on) = signal();
    let may_go_on = parking_lot::Mutex::new(Some(may_go_on));
    let server = Server::start(move |_| {
        let rest = format!(
            "{}{LAST_CHUNK}",
            chunk(&format!("{}{FINISH}{DONE}", piece("lo")))
        );
        let wait = Act::Wait(may_go_on.lock().take().unwrap());
        vec![
            Act::Read,
            Act::Send(begun(&piece("hel"))),
            wait,
            Act::Send(rest.into_bytes()),
        ]
    });
    let bench = bench(&server, |timeout| timeout.idle = Some(SHORT * 5));
    // One byte makes the queue full, so the pump waits for the reader.
    let queue = Queue::new(1, usize::MAX, Instant::now());
    let reader = async {
        let mut taken = std::collections::VecDeque::new();
        while queue.has_room() {
            tokio::task::yield_now().await;
        }
        let parked_until = Instant::now() + SHORT * 6;
        while Instant::now() < parked_until {
            tokio::task::yield_now().await;
        }
        queue.take(&mut taken);
        go_on.send(()).unwrap();
        while !queue.is_over() {
            taken.clear();
            queue.take(&mut taken);
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(
        pump(&bench.transport, bench.call(true), queue.clone()),
        reader
    );
    let streamed = Streamed::of(&queue);
    assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
}

#[tokio::test]
async fn a_sync_reader_that_returns_late_gets_its_full_idle_time() {
    let server = silent_after(begun(&piece("hel")));
    let bench = bench(&server, |timeout| timeout.idle = Some(SHORT));
    let queue = Queue::new(1 << 20, usize::MAX, Instant::now());
    let resumed = async {
        queue.leave();
        let comes_back = Instant::now() + SHORT / 2;
        while Instant::now() < comes_back {
            tokio::task::yield_now().await;
        }
        queue.resume();
        Instant::now()
    };
    let (end, resumed) = tokio::join!(
        async {
            pump(&bench.transport, bench.call(true), queue.clone()).await;
            Instant::now()
        },
        resumed
    );
    assert_eq!(Streamed::of(&queue).kind(), Some(K::StallTimeout));
    assert!(end - resumed >= SHORT, "{:?}", end - resumed);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_hangs_gives_its_turn_back() {
    // Whoever connects gets no answer to the first message of TLS.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    mute.set_nonblocking(true).unwrap();
    let base_url = format!("https://{}/v1", mute.local_addr().unwrap());
    let bench = Bench::with(&base_url, |config| {
        config.timeout = TimeoutSetting::Off;
        config.retry.max_retries = 0;
    });
    let mut hanging: Vec<_> = (0..64).map(|_| Box::pin(bench.complete())).collect();
    let mut connected = Vec::new();
    poll_fn(|cx| {
        for call in &mut hanging {
            assert!(call.as_mut().poll(cx).is_pending());
        }
        connected.extend(mute.accept().ok());
        if connected.len() == 64 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    // All turns are taken. Another call gets one long before its `pool` limit, and hangs too.
    let limits = Timeout {
        connect: Some(Duration::from_secs(5)),
        pool: Some(Duration::from_secs(600)),
        ..Timeout::NONE
    };
    let options = CallOptions {
        timeout: Some(TimeoutSetting::Full(limits)),
        ..CallOptions::default()
    };
    let asked = tokio::time::Instant::now();
    let late = complete(&bench.transport, bench.call_with(false, options));
    let mut late = Box::pin(late);
    let error = poll_fn(|cx| {
        for call in &mut hanging {
            assert!(call.as_mut().poll(cx).is_pending());
        }
        late.as_mut().poll(cx)
    })
    .await
    .unwrap_err();
    assert_eq!(error.kind(), K::ConnectTimeout, "{error}");
    let took = asked.elapsed().as_secs();
    assert!((10..20).contains(&took), "{took} s");
}
