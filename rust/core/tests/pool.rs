//! Connections: when they are reused, and when they must not be.

mod support;

use std::time::Duration;

use support::*;
use tokenwire_core::call::complete;
use tokenwire_core::client::CallOptions;
use tokenwire_core::config::{Secret, Timeout, TimeoutSetting, TlsSettings};
use tokenwire_core::error::{ErrorKind as K, Phase};
use tokenwire_core::http::Transport;
use tokenwire_core::log::Event;

#[tokio::test]
async fn a_whole_reply_has_a_report() {
    let server = Server::always(response("200 OK", "x-request-id: q1\r\n", REPLY));
    let bench = Bench::new(&server.base_url());
    let done = bench.complete().await.unwrap();
    assert_eq!(done.reply.choices[0].text(), "hello");
    assert_eq!(done.raw, REPLY);
    assert_eq!(done.head.request_id.as_deref(), Some("q1"));
    assert_eq!(done.attempts.len(), 1);
    assert!(done.timing.queue.is_some() && done.timing.connect.is_some());
    let seen = server.seen.lock()[0].clone();
    assert!(
        seen.head
            .starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    for header in [
        format!("authorization: Bearer {KEY}"),
        "accept-encoding: identity".to_owned(),
        concat!("user-agent: tokenwire/", env!("CARGO_PKG_VERSION")).to_owned(),
    ] {
        assert!(seen.head.contains(&header), "{header} in {}", seen.head);
    }
}

#[tokio::test]
async fn a_reply_that_is_read_to_its_end_gives_its_connection_back() {
    let server = Server::always(ok());
    let bench = Bench::new(&server.base_url());
    for round in 0..10 {
        let done = bench.complete().await.unwrap();
        assert_eq!(done.timing.connect.is_none(), round > 0);
    }
    assert_eq!((server.connections(), server.requests()), (1, 10));
}

#[tokio::test]
async fn error_replies_give_their_connection_back_too() {
    let server = Server::always(response(
        "400 Bad Request",
        "",
        r#"{"error":{"message":"no"}}"#,
    ));
    let bench = Bench::new(&server.base_url());
    for _ in 0..5 {
        bench.complete().await.unwrap_err();
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
}

#[tokio::test]
async fn a_connection_that_must_not_be_reused_is_not() {
    for headers in ["connection: close\r\n", ""] {
        let server = Server::start(move |_| {
            // After the second answer there are bytes that belong to no request.
            let mut answer = response("200 OK", headers, REPLY);
            if headers.is_empty() {
                answer.extend_from_slice(
                    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
                );
            }
            vec![Act::Read, Act::Send(answer), Act::Read, Act::Send(ok())]
        });
        let bench = Bench::new(&server.base_url());
        for _ in 0..3 {
            let done = bench.complete().await.unwrap();
            assert_eq!(
                (done.head.status, done.attempts.len()),
                (200, 1),
                "{headers:?}"
            );
        }
        assert_eq!(server.connections(), 3, "{headers:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_before_the_call_is_replaced_silently() {
    let (closing, may_close) = signal();
    let (closed, is_closed) = signal();
    let first = parking_lot::Mutex::new(Some((may_close, closed)));
    let server = Server::start(move |number| {
        let mut acts = vec![Act::Read, Act::Send(ok())];
        if number == 0 {
            let (may_close, closed) = first.lock().take().unwrap();
            acts.extend([Act::Wait(may_close), Act::CloseAndSignal(closed)]);
        }
        acts
    });
    let bench = Bench::new(&server.base_url());
    bench.complete().await.unwrap();
    closing.send(()).unwrap();
    is_closed.recv().unwrap();
    // One yield polls the sockets, the next ones let the idle connection's task see its end.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let done = bench.complete().await.unwrap();
    assert_eq!((done.attempts.len(), server.requests()), (1, 2));
}

#[tokio::test]
async fn an_idle_connection_lost_during_a_request_is_retried_once_without_a_wait() {
    let server = Server::start(|number| {
        let mut acts = vec![Act::Read, Act::Send(ok())];
        if number == 0 {
            // The second request arrives and gets no answer.
            acts.extend([Act::Read, Act::Close]);
        }
        acts
    });
    let slow = |config: &mut tokenwire_core::config::ClientConfig| {
        config.retry.first = Duration::from_secs(600);
        config.retry.cap = Duration::from_secs(600);
    };
    let bench = Bench::with(&server.base_url(), slow);
    bench.complete().await.unwrap();
    let done = bench.complete().await.unwrap();
    assert_eq!(done.attempts.len(), 2);
    let lost = &done.attempts[0];
    assert_eq!(
        (lost.error, lost.slept, lost.maybe_processed),
        (Some(K::ConnectionLost), 0.0, true)
    );
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn without_ambiguous_retries_a_lost_idle_connection_is_raised() {
    let server = Server::start(|_| vec![Act::Read, Act::Send(ok()), Act::Read, Act::Close]);
    let bench = Bench::with(&server.base_url(), |config| {
        config.retry.retry_ambiguous = false;
    });
    bench.complete().await.unwrap();
    let error = bench.complete().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (K::ConnectionLost, 1)
    );
    assert!(error.is_maybe_processed());
}

#[tokio::test]
async fn a_connection_lost_before_any_byte_is_retried_with_backoff() {
    for last in [false, true] {
        let server = Server::start(move |number| match number {
            0 | 1 if last => vec![Act::Peek, Act::Close],
            0 | 1 => vec![Act::Read, Act::Close],
            _ => vec![Act::Read, Act::Send(ok())],
        });
        let bench = Bench::new(&server.base_url());
        let done = bench.complete().await.unwrap();
        let kinds: Vec<_> = done.attempts.iter().map(|attempt| attempt.error).collect();
        assert_eq!(
            kinds,
            [Some(K::ConnectionLost), Some(K::ConnectionLost), None]
        );
        assert!(
            done.attempts[..2]
                .iter()
                .all(|attempt| attempt.slept > 0.0 && attempt.maybe_processed)
        );
    }
}

#[tokio::test]
async fn a_closed_port_is_tried_three_times_and_the_error_says_what_to_do() {
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let bench = Bench::new(&format!("http://{address}/v1"));
    let error = bench.complete().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (K::Connect, 3));
    assert!(
        error
            .attempts()
            .iter()
            .all(|attempt| !attempt.maybe_processed)
    );
    let text = error.message();
    assert!(
        text.starts_with(&format!(
            "nothing listens at {address} (connection refused)"
        )),
        "{text}"
    );
    assert!(
        text.contains(&format!("base_url=http://{address}/v1")),
        "{text}"
    );
}

#[tokio::test]
async fn the_error_names_a_name_that_does_not_resolve() {
    let bench = Bench::new("http://nothing.invalid/v1");
    let error = bench.complete().await.unwrap_err();
    assert_eq!(error.kind(), K::Dns);
    assert!(error.message().contains("nothing.invalid"), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_origin_sends_nothing_there() {
    let other = Server::always(ok());
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let target = format!("http://{}/v1/x?secret=1", other.address);
        let answer = response(status, &format!("location: {target}\r\n"), "");
        let server = Server::always(answer);
        let bench = Bench::new(&server.base_url());
        let error = bench.complete().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts().len()),
            (K::Api, 1),
            "{status}"
        );
        assert!(
            error.message().contains("127.0.0.1") && !error.message().contains("secret"),
            "{error}"
        );
    }
    assert_eq!((other.connections(), other.requests()), (0, 0));
}

#[tokio::test]
async fn redirects_within_the_origin_keep_the_body_and_end_after_three() {
    let server = Server::start(|_| {
        let there = response("307 Temporary Redirect", "location: /v2/there\r\n", "");
        vec![Act::Read, Act::Send(there), Act::Read, Act::Send(ok())]
    });
    Bench::new(&server.base_url()).complete().await.unwrap();
    let seen = server.seen.lock().clone();
    assert!(
        seen[1].head.starts_with("POST /v2/there"),
        "{}",
        seen[1].head
    );
    assert_eq!(seen[0].body, seen[1].body);

    let circle = Server::always(response(
        "308 Permanent Redirect",
        "location: /v1/again\r\n",
        "",
    ));
    let bench = Bench::with(&circle.base_url(), |config| config.retry.max_retries = 0);
    let error = bench.complete().await.unwrap_err();
    assert_eq!((error.kind(), circle.requests()), (K::Protocol, 4));
}

#[tokio::test]
async fn callers_beyond_the_limit_wait_their_turn() {
    let (answer, may_answer) = signal();
    let may_answer = parking_lot::Mutex::new(Some(may_answer));
    let server = Server::start(move |_| {
        let wait = Act::Wait(may_answer.lock().take().unwrap());
        vec![Act::Read, wait, Act::Send(ok()), Act::Read, Act::Send(ok())]
    });
    let bench = Bench::with(&server.base_url(), |config| {
        config.limits.max_connections = Some(1);
    });
    assert_eq!(bench.client.free_connections(), 1);
    let both = async { tokio::join!(bench.complete(), bench.complete()) };
    let release = async {
        while server.requests() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.client.free_connections(), 0);
        answer.send(()).unwrap();
    };
    let ((first, second), ()) = tokio::join!(both, release);
    first.unwrap();
    assert!(second.unwrap().timing.queue.unwrap() > 0.0);
    assert_eq!(
        (server.connections(), bench.client.free_connections()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_wait_for_a_permit_ends_at_its_limit_and_warns_after_a_second() {
    let (closed, _keep) = signal();
    let server = Server::start(move |_| vec![Act::Read, Act::UntilClosed(closed.clone())]);
    let bench = Bench::with(&server.base_url(), |config| {
        config.limits.max_connections = Some(1);
        config.timeout = TimeoutSetting::Full(Timeout {
            pool: Some(Duration::from_millis(1_050)),
            ..Timeout::default()
        });
    });
    let holder = bench.complete();
    tokio::select! {
        _ = holder => panic!("the holder was answered"),
        waited = async {
            while server.requests() == 0 {
                tokio::task::yield_now().await;
            }
            bench.complete().await
        } => {
            let error = waited.unwrap_err();
            assert_eq!((error.kind(), error.phase()), (K::PoolTimeout, Phase::Connect));
            assert!(!error.is_maybe_processed());
        }
    }
    let events = bench.hub.log().drain();
    assert!(
        matches!(
            &events[..],
            [Event::LongPoolWait {
                max_connections: 1,
                ..
            }]
        ),
        "{events:?}"
    );
    assert_eq!(bench.client.free_connections(), 1);
}

#[tokio::test]
async fn transports_share_permits_but_no_connections() {
    let server = Server::always(ok());
    let bench = Bench::new(&server.base_url());
    let other = Transport::new(bench.hub.clone());
    bench.complete().await.unwrap();
    complete(&other, bench.call(false)).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_key_over_plain_http_warns_only_outside_of_private_networks() {
    for (base_url, warnings) in [
        ("http://127.0.0.1:1/v1", 0),
        ("http://gateway.example/v1", 1),
    ] {
        let bench = Bench::new(base_url);
        bench.call(false);
        bench.call(true);
        let events = bench.hub.log().drain();
        let plain = events
            .iter()
            .filter(|event| matches!(event, Event::PlainHttpKey { .. }));
        assert_eq!(plain.count(), warnings, "{base_url}");
    }
}

#[tokio::test]
async fn the_models_call_is_a_get_without_a_body() {
    let server = Server::always(response("200 OK", "", r#"{"data":[]}"#));
    let bench = Bench::new(&server.base_url());
    let options = CallOptions {
        query: vec![("limit".to_owned(), Secret::new("2 3".to_owned()))],
        ..CallOptions::default()
    };
    let call = bench.client.models_call(None, options).unwrap();
    let fetched = tokenwire_core::call::fetch(&bench.transport, call)
        .await
        .unwrap();
    assert_eq!(fetched.raw, r#"{"data":[]}"#);
    let seen = server.seen.lock()[0].clone();
    assert!(
        seen.head
            .starts_with("GET /v1/models?limit=2+3 HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    assert!(seen.body.is_empty() && !seen.head.contains("content-type"));
}

#[tokio::test]
async fn https_to_a_server_without_tls_says_so() {
    let server = Server::start(|_| vec![Act::Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]);
    let bench = Bench::with(&format!("https://{}/v1", server.address), |config| {
        config.tls = TlsSettings::default();
    });
    let error = bench.complete().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (K::Tls, 1));
    assert!(
        error.message().contains("http:// instead of https://"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_by_the_proxy_is_a_proxy_error() {
    let proxy = Server::always(response("407 Proxy Authentication Required", "", ""));
    for (origin, attempts) in [
        ("http://model.example/v1", 1),
        ("https://model.example/v1", 1),
    ] {
        let bench = Bench::with(origin, |config| {
            let url = format!("http://user:hunter2@{}", proxy.address);
            config.proxy = Some(tokenwire_core::config::Secret::new(url));
            config.transport = None;
        });
        let error = bench.complete().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts().len()),
            (K::Proxy, attempts),
            "{error}"
        );
        assert!(error.message().contains("credentials"), "{error}");
        assert!(!error.message().contains("hunter2"), "{error}");
    }
    let seen = proxy.seen.lock().clone();
    assert!(
        seen[0]
            .head
            .starts_with("POST http://model.example/v1/chat/completions"),
        "{}",
        seen[0].head
    );
    assert!(
        seen[0].head.contains("proxy-authorization: Basic"),
        "{}",
        seen[0].head
    );
    // Over TLS the proxy learns the host, and never the key.
    assert!(
        seen[1].head.starts_with("CONNECT model.example:443"),
        "{}",
        seen[1].head
    );
    assert!(!seen[1].head.contains(KEY));
}

#[test]
fn debug_shows_the_address_of_a_client_but_not_its_key() {
    let bench = Bench::with("http://127.0.0.1:1/v1", |config| {
        config.proxy = Some(Secret::new("http://ann:pass-canary@127.0.0.1:2".to_owned()));
    });
    let shown = format!("{:?} {:?}", bench.client, bench.client.config());
    assert!(shown.contains("http://127.0.0.1:1/v1"), "{shown}");
    assert!(!format!("{:?}", bench.client).contains("canary"), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
}

#[test]
fn a_request_that_is_not_json_is_refused() {
    let bench = Bench::new("http://127.0.0.1:1/v1");
    let refused = bench.client.prepare(b"{", CallOptions::default()).err();
    assert_eq!(refused.unwrap().kind(), K::Validation);
}

#[tokio::test]
async fn a_location_without_a_redirect_is_not_followed() {
    let answer = response("200 OK", "location: http://127.0.0.1:1/\r\n", REPLY);
    let server = Server::always(answer);
    let bench = Bench::new(&server.base_url());
    assert_eq!(
        bench.complete().await.unwrap().reply.choices[0].text(),
        "hello"
    );
    assert_eq!(server.requests(), 1);
}
