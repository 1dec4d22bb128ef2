//! The connections of the direct transport: which are kept, handed on and closed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failure here is the message"
)]

mod support;

use std::time::Duration;

use support::{
    Act, Bench, DONE, FINISH, LAST_CHUNK, STREAM_HEAD, Server, begun, heard, ok, piece, response,
    signal, stream,
};
use tokenwire_core::client::CallOptions;
use tokenwire_core::config::{ClientConfig, TransportSetting};
use tokenwire_core::error::ErrorKind as K;

fn direct(config: &mut ClientConfig) {
    config.transport = Some(TransportSetting::Direct);
}

#[tokio::test]
async fn the_connection_that_was_used_last_is_taken_first() {
    let server = Server::always(ok());
    let bench = Bench::with(&server.base_url(), direct);
    let (one, two) = tokio::join!(bench.complete(), bench.complete());
    one.unwrap();
    two.unwrap();
    assert_eq!(server.connections(), 2);
    for _ in 0..3 {
        bench.complete().await.unwrap();
    }
    assert_eq!(server.connections(), 2);
    let seen = server.seen.lock();
    let used: Vec<_> = seen[2..].iter().map(|seen| seen.connection).collect();
    assert!(
        used.iter().all(|connection| *connection == used[0]),
        "{used:?}"
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_when_its_time_is_over() {
    let (closed, is_closed) = signal();
    let closed = parking_lot::Mutex::new(Some(closed));
    let server = Server::start(move |_| {
        let mut acts = vec![Act::Read, Act::Send(ok())];
        acts.extend(closed.lock().take().map(Act::UntilClosed));
        acts
    });
    let bench = Bench::with(&server.base_url(), |config| {
        direct(config);
        config.limits.keepalive = Some(Duration::from_millis(50));
    });
    bench.complete().await.unwrap();
    heard(&is_closed).await;
}

#[tokio::test]
async fn an_idle_connection_with_something_to_read_is_not_used() {
    let (sent, is_sent) = signal();
    let sent = parking_lot::Mutex::new(Some(sent));
    let server = Server::start(move |number| {
        let mut acts = vec![Act::Read, Act::Send(ok())];
        if number == 0 {
            // It was not asked for, and the next call would take it for its reply.
            acts.push(Act::Send(response("200 OK", "", "{\"smuggled\":1}")));
            acts.extend(sent.lock().take().map(Act::UntilClosed));
        } else {
            acts.extend([Act::Read, Act::Send(ok())]);
        }
        acts
    });
    let bench = Bench::with(&server.base_url(), direct);
    bench.complete().await.unwrap();
    heard(&is_sent).await;
    let done = bench.complete().await.unwrap();
    assert_eq!((done.attempts.len(), server.connections()), (1, 2));
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection() {
    let (closed, is_closed) = signal();
    let closed = parking_lot::Mutex::new(Some(closed));
    let server = Server::start(move |_| {
        let mut acts = vec![Act::Read, Act::Send(begun(&piece("a")))];
        acts.extend(closed.lock().take().map(Act::UntilClosed));
        acts
    });
    let bench = Bench::with(&server.base_url(), direct);
    {
        let stream = bench.stream();
        tokio::pin!(stream);
        while server.requests() == 0 {
            tokio::select! {
                biased;
                _ = &mut stream => unreachable!("the stream has no end"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    heard(&is_closed).await;
}

#[tokio::test]
async fn what_was_answered_is_read_although_the_request_could_not_be_sent() {
    let server = Server::start(|_| {
        let refusal = "{\"error\":{\"message\":\"too big\"}}";
        // The head of a request, and nothing of its body.
        vec![
            Act::Peek,
            Act::Send(response("413 Too Large", "connection: close\r\n", refusal)),
        ]
    });
    let bench = Bench::with(&server.base_url(), |config| {
        direct(config);
        config.retry.max_retries = 0;
    });
    let request = format!(r#"{{"model":"m","input":"{}"}}"#, "x".repeat(8 << 20));
    for _ in 0..10 {
        let call = bench
            .client
            .prepare(request.as_bytes(), CallOptions::default());
        let error = tokenwire_core::call::complete(&bench.transport, call.unwrap()).await;
        let error = error.unwrap_err();
        assert_eq!(error.api().and_then(|api| api.status), Some(413), "{error}");
        assert_ne!(error.kind(), K::ConnectionLost);
    }
}

#[tokio::test]
async fn the_connection_of_a_stream_is_used_again() {
    let server = Server::always_stream();
    let bench = Bench::with(&server.base_url(), direct);
    for _ in 0..3 {
        let streamed = bench.stream().await;
        assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_ends_with_its_stream_is_not_used_again() {
    let closing = STREAM_HEAD.replace("\r\n\r\n", "\r\nconnection: keep-alive, Close\r\n\r\n");
    let closing = String::from_utf8(stream())
        .unwrap()
        .replace(STREAM_HEAD, &closing);
    let mut too_much = stream();
    too_much.extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\n");
    for answer in [closing.into_bytes(), too_much] {
        let server = Server::always(answer);
        let bench = Bench::with(&server.base_url(), direct);
        for number in 1..=2 {
            let streamed = bench.stream().await;
            assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
            assert_eq!(server.connections(), number);
        }
    }
}

#[tokio::test]
async fn a_stream_may_arrive_in_any_two_pieces() {
    let whole = stream();
    for split in 1..whole.len() {
        let (first, second) = whole.split_at(split);
        let (go_on, may_go_on) = signal();
        let acts = [
            Act::Read,
            Act::Send(first.to_vec()),
            Act::Wait(may_go_on),
            Act::Send(second.to_vec()),
        ];
        let acts = parking_lot::Mutex::new(acts.into_iter().collect());
        let server = Server::start(move |_| std::mem::take(&mut *acts.lock()));
        let bench = Bench::with(&server.base_url(), direct);
        let seconds = async {
            while server.requests() == 0 {
                tokio::task::yield_now().await;
            }
            go_on.send(()).unwrap();
        };
        let (streamed, ()) = tokio::join!(bench.stream(), seconds);
        let read = (streamed.kind(), streamed.text());
        assert_eq!(read, (None, "hello".to_owned()), "after {split} bytes");
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_is_an_error() {
    let whole = stream();
    let end = whole.len() - format!("{FINISH}{DONE}\r\n{LAST_CHUNK}").len();
    for cut in STREAM_HEAD.len()..end {
        let answer = whole[..cut].to_vec();
        let server = Server::start(move |_| vec![Act::Read, Act::Send(answer.clone()), Act::Close]);
        let bench = Bench::with(&server.base_url(), |config| {
            direct(config);
            config.retry.max_retries = 0;
        });
        let kind = bench.stream().await.kind();
        assert_eq!(kind, Some(K::StreamInterrupted), "after {cut} bytes");
    }
}

#[tokio::test]
async fn what_came_before_a_chunk_that_is_wrong_is_read() {
    let mut answer = begun(&piece("hel"));
    answer.extend_from_slice(b"5\r\n: no \r\nwrong\r\n");
    let server = Server::start(move |_| vec![Act::Read, Act::Send(answer.clone()), Act::Close]);
    let bench = Bench::with(&server.base_url(), direct);
    let streamed = bench.stream().await;
    assert_eq!(streamed.text(), "hel");
    assert_eq!(streamed.kind(), Some(K::StreamInterrupted));
    assert_eq!(server.requests(), 1);
}
