//! What is sent, what is returned, and the limits in time.

use crate::sender::*;
use crate::support::*;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokenwire_core::error::{ErrorKind as K, Phase};
use tokenwire_core::http::test_rules::MISTAKE_HEADER;
use tokenwire_core::raw::{RawLimits, RawRequest, pass};
use tokenwire_core::stream::{Interest, Taken};

#[tokio::test]
async fn a_request_and_its_reply_are_passed_on_as_they_are() {
    let server = Server::always(response(
        "404 Not Here",
        "x-a: 1\r\nX-A: 2\r\nset-cookie: b\r\n",
        "no",
    ));
    let sender = Sender::new();
    let sent = sender
        .send(
            &url(&server, "/a%2Fb/../c?q='x'&r=%20"),
            RawLimits::default(),
        )
        .await;
    let head = sent.head.unwrap();
    assert_eq!(
        (head.status, &*head.reason, head.version),
        (404, &b"Not Here"[..], "HTTP/1.1")
    );
    let pairs: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected: [(&[u8], &[u8]); 4] = [
        (b"content-length", b"2"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"set-cookie", b"b"),
    ];
    assert_eq!(pairs, expected);
    assert_eq!((sent.body.as_str(), sent.error.is_none()), ("no", true));
    let asked = server.seen.lock()[0].head.clone();
    if std::env::var("TOKENWIRE_TRANSPORT").as_deref() != Ok("general") {
        assert!(
            asked.starts_with("POST /a%2Fb/../c?q='x'&r=%20 HTTP/1.1\r\n"),
            "{asked}"
        );
    }
    assert!(asked.contains("host: h\r\n"), "{asked}");
}

#[tokio::test]
async fn a_request_that_met_the_end_of_an_idle_connection_is_sent_once_more() {
    for (body, requests) in [(Some("{}"), 3), (None, 2)] {
        let server = Server::start(|number| match number {
            // The second request is read, and the connection closed without a word.
            0 => vec![Act::Read, Act::Send(ok()), Act::Read, Act::Close],
            _ => vec![Act::Read, Act::Send(ok())],
        });
        let sender = Sender::new();
        let first = sender.send(&url(&server, "/"), RawLimits::default()).await;
        assert!(first.error.is_none());
        let call = sender.call(&url(&server, "/"), body, RawLimits::default());
        let exchange = Arc::clone(call.exchange());
        if body.is_none() {
            exchange.end_request();
        }
        pass(&sender.transport, call.into()).await;
        let second = Sent::of(&exchange);
        match body {
            Some(_) => assert_eq!(second.head.unwrap().status, 200),
            None => assert_eq!(second.kind(), Some(K::ConnectionLost)),
        }
        assert_eq!(server.requests(), requests);
    }
}

#[tokio::test]
async fn a_request_that_the_server_had_for_longer_is_not_sent_once_more() {
    let (close, closes) = signal();
    let scripts = Mutex::new(vec![vec![
        Act::Read,
        Act::Send(ok()),
        Act::Read,
        Act::Wait(closes),
        Act::Close,
    ]]);
    let again = || vec![Act::Read, Act::Send(ok())];
    let server = Server::start(move |_| scripts.lock().unwrap().pop().unwrap_or_else(again));
    let sender = Sender::new();
    let first = sender.send(&url(&server, "/"), RawLimits::default()).await;
    assert!(first.error.is_none());
    let works = async {
        while server.requests() < 2 {
            tokio::task::yield_now().await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(2)).await;
        tokio::time::resume();
        close.send(()).unwrap();
    };
    let url = url(&server, "/");
    let (second, ()) = tokio::join!(sender.send(&url, RawLimits::default()), works);
    assert_eq!(second.kind(), Some(K::ConnectionLost));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_reply_in_an_unknown_coding_is_an_error() {
    for (coding, is_known) in [
        ("chunked", true),
        ("Chunked", true),
        ("gzip, chunked", false),
        ("chunked, gzip", false),
        ("chunked\r\ntransfer-encoding: gzip", false),
        ("xchunked", false),
    ] {
        let answer =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n2\r\nab\r\n0\r\n\r\n");
        let server = Server::start(move |_| {
            vec![
                Act::Read,
                Act::Send(answer.clone().into_bytes()),
                Act::Close,
            ]
        });
        let sent = Sender::new()
            .send(&url(&server, "/"), RawLimits::default())
            .await;
        if is_known {
            assert_eq!(sent.body, "ab", "{coding}");
        } else {
            assert_eq!(sent.kind(), Some(K::Protocol), "{coding}");
            assert_eq!(sent.body, "", "{coding}");
        }
    }
}

#[tokio::test]
async fn nothing_else_is_repeated() {
    for answer in [response("503 Busy", "retry-after: 0\r\n", ""), Vec::new()] {
        let server = Server::start(move |_| vec![Act::Read, Act::Send(answer.clone()), Act::Close]);
        let sent = Sender::new()
            .send(&url(&server, "/"), RawLimits::default())
            .await;
        assert_eq!(server.requests(), 1);
        match sent.head {
            Some(head) => assert_eq!(head.status, 503),
            None => assert_eq!(sent.kind(), Some(K::ConnectionLost)),
        }
    }
}

#[tokio::test]
async fn a_redirect_is_a_reply() {
    let server = Server::always(response("307 Go", "location: /there\r\n", ""));
    let sent = Sender::new()
        .send(&url(&server, "/"), RawLimits::default())
        .await;
    assert_eq!((sent.head.unwrap().status, server.requests()), (307, 1));
}

#[tokio::test]
async fn a_mistake_of_the_test_is_an_error_and_a_real_server_cannot_report_one() {
    let headers = format!("{MISTAKE_HEADER}: 1\r\n");
    let server = Server::always(response("400 Bad Request", &headers, "no rule"));
    let sender = Sender::new();
    let rules = sender.transport.hub().test_rules();
    rules.intercept(Some(&server.base_url())).unwrap();
    let sent = sender
        .send("https://api.openai.com/v1/responses", RawLimits::default())
        .await;
    let error = sent.error.unwrap();
    assert_eq!((error.kind(), error.message()), (K::Config, "no rule"));
    assert!(sent.head.is_none() && !error.is_retryable());
    rules.intercept(None).unwrap();
    let sent = sender.send(&url(&server, "/"), RawLimits::default()).await;
    assert_eq!((sent.head.unwrap().status, &*sent.body), (400, "no rule"));
}

#[tokio::test]
async fn a_silent_server_meets_the_read_limit_before_and_after_the_head() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegin";
    for (answer, phase) in [("", Phase::Head), (head, Phase::Body)] {
        let server = Server::start(move |_| {
            let (closed, _) = signal();
            vec![
                Act::Read,
                Act::Send(answer.into()),
                Act::UntilClosed(closed),
            ]
        });
        let limits = RawLimits {
            read: Some(SHORT),
            ..RawLimits::default()
        };
        let sent = Sender::new().send(&url(&server, "/"), limits).await;
        let error = sent.error.unwrap();
        assert_eq!((error.kind(), error.phase()), (K::ReadTimeout, phase));
        assert_eq!(sent.body.is_empty(), phase == Phase::Head);
    }
}

#[tokio::test]
async fn a_server_that_takes_no_more_meets_the_write_limit() {
    // It never reads, and what the sockets hold is far less than this.
    let body = "x".repeat(32 << 20);
    for answers in [false, true] {
        let server = Server::start(move |_| {
            let wait = never();
            let drip = chunk("a").into_bytes();
            let mut acts = vec![Act::Peek];
            if answers {
                acts.push(Act::Send(STREAM_HEAD.into()));
                acts.push(Act::Repeat(drip, Duration::from_millis(5), wait));
            } else {
                acts.push(Act::Wait(wait));
            }
            acts
        });
        let limits = RawLimits {
            write: Some(SHORT),
            ..RawLimits::default()
        };
        let sender = Sender::new();
        let call = sender.call(&url(&server, "/"), None, limits);
        let exchange = Arc::clone(call.exchange());
        let writes = async {
            while exchange.wants() != Some(false) {
                parked(&exchange, Interest::Sending).await;
                if exchange.wants() == Some(true) {
                    exchange.push(Bytes::from(body.clone()));
                }
            }
        };
        tokio::join!(pass(&sender.transport, call.into()), writes);
        assert_eq!(
            Sent::of(&exchange).kind(),
            Some(K::WriteTimeout),
            "{answers}"
        );
    }
}

#[tokio::test]
async fn pieces_are_asked_for_one_by_one() {
    let server = Server::start(|_| vec![Act::Peek, Act::Read, Act::Send(ok())]);
    let sender = Sender::new();
    let call = sender.call(&url(&server, "/"), None, RawLimits::default());
    let exchange = Arc::clone(call.exchange());
    let mut brought = 0;
    let writes = async {
        loop {
            parked(&exchange, Interest::Sending).await;
            match exchange.wants() {
                Some(true) if brought == 3 => exchange.end_request(),
                Some(true) => {
                    brought += 1;
                    exchange.push(Bytes::from(format!("piece{brought}")));
                }
                _ => break,
            }
        }
    };
    tokio::join!(pass(&sender.transport, call.into()), writes);
    assert_eq!(Sent::of(&exchange).head.unwrap().status, 200);
    assert_eq!(brought, 3);
}

#[tokio::test]
async fn an_early_refusal_ends_the_request() {
    let server = Server::start(|_| {
        let (closed, _) = signal();
        let refusal = response("413 Too Large", "", "too large");
        vec![Act::Peek, Act::Send(refusal), Act::UntilClosed(closed)]
    });
    let sender = Sender::new();
    let call = sender.call(&url(&server, "/"), None, RawLimits::default());
    let exchange = Arc::clone(call.exchange());
    let writes = async {
        loop {
            parked(&exchange, Interest::Sending).await;
            if exchange.wants() == Some(false) {
                break;
            }
            exchange.push(Bytes::from(vec![0; 1 << 16]));
            if exchange.head().is_some() {
                break;
            }
        }
    };
    tokio::join!(pass(&sender.transport, call.into()), writes);
    let sent = Sent::of(&exchange);
    assert_eq!((sent.head.unwrap().status, &*sent.body), (413, "too large"));
}

#[tokio::test]
async fn a_request_without_a_limit_for_what_it_waits_for_sleeps() {
    let server = Server::start(|_| {
        let wait = never();
        vec![Act::Read, Act::Wait(wait)]
    });
    let limits = RawLimits {
        write: Some(Duration::from_millis(10)),
        ..RawLimits::default()
    };
    let sender = Sender::new();
    let call = sender.call(&url(&server, "/"), Some("{}"), limits);
    let exchange = Arc::clone(call.exchange());
    let mut polls = 0;
    let mut passing = std::pin::pin!(pass(&sender.transport, call.into()));
    let counted = poll_fn(|cx| {
        polls += 1;
        passing.as_mut().poll(cx)
    });
    let _ = tokio::time::timeout(SHORT * 2, counted).await;
    assert!(polls < 60, "{polls} polls");
    exchange.close();
}

#[tokio::test]
async fn a_reader_that_takes_nothing_stops_the_server() {
    let server = Server::start(|_| {
        let wait = never();
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
        vec![
            Act::Read,
            Act::Send(head.into()),
            Act::Repeat(vec![0; 1 << 16], Duration::ZERO, wait),
        ]
    });
    let sender = Sender::new();
    let call = sender.call(&url(&server, "/"), Some(""), RawLimits::default());
    let exchange = Arc::clone(call.exchange());
    let reads = async {
        while exchange.has_room() {
            tokio::task::yield_now().await;
        }
        let mut pieces = VecDeque::new();
        assert!(matches!(exchange.take(&mut pieces), Taken::Items));
        let there: usize = pieces.iter().map(Bytes::len).sum();
        assert!(there < 1 << 20, "{there} bytes");
        exchange.close();
    };
    tokio::join!(pass(&sender.transport, call.into()), reads);
    assert_eq!(Sent::of(&exchange).kind(), Some(K::ClientClosed));
}

#[test]
fn what_cannot_be_sent_is_refused_without_its_secrets() {
    let client = Sender::new().client;
    let refused = |method, url, headers: &[(&[u8], &[u8])], body: &'static str| {
        let request = RawRequest {
            method,
            url,
            headers,
            body: Some(Bytes::from_static(body.as_bytes())),
            limits: RawLimits::default(),
            checks_streams: true,
        };
        let error = client.prepare(request).unwrap_err();
        assert_eq!(error.kind(), K::Config);
        error.message().to_owned()
    };
    for (message, part) in [
        (refused("GET", "ftp://h/", &[], ""), "ftp://"),
        (refused("GET", "http://h:0/", &[], ""), "port 0"),
        (
            refused("GET", "/relative?key=sk-canary", &[], ""),
            "the URL cannot be read",
        ),
        (refused("CONNECT", "http://h/", &[], ""), "the method"),
        (refused("G T", "http://h/", &[], ""), "the method"),
        (
            refused("GET", "http://h/", &[(b"a b", b"sk-canary")], ""),
            "a name",
        ),
        (
            refused(
                "GET",
                "http://h/",
                &[(b"authorization", b"sk-canary\r\nx: y")],
                "",
            ),
            "the header authorization has a control character",
        ),
        (
            refused("POST", "http://h/", &[(b"content-length", b"5")], "abc"),
            "3 bytes",
        ),
        (
            refused("POST", "http://h/", &[HOST, HOST], ""),
            "more than one host",
        ),
        (
            refused("POST", "http://h/", &vec![HOST; 40_000], ""),
            "too many headers",
        ),
        (
            refused("POST", "http://h/", &[(b"transfer-encoding", b"gzip")], ""),
            "transfer-encoding",
        ),
    ] {
        assert!(
            message.contains(part) && !message.contains("canary"),
            "{message}"
        );
    }
}

/// Servers and proxies that understand such a request in two ways would each see another one.
#[test]
fn a_length_that_can_be_understood_in_two_ways_is_refused() {
    const LENGTH: &[u8] = b"content-length";
    let client = Sender::new().client;
    let digits = [b'9'; 5000];
    for headers in [
        &[(LENGTH, &b"3"[..]), (LENGTH, b"2")][..],
        &[(LENGTH, b"3"), (LENGTH, b"3")],
        &[(LENGTH, b"3, 3")],
        &[(LENGTH, b"+3")],
        &[(LENGTH, b"-3")],
        &[(LENGTH, b"3x")],
        &[(LENGTH, b"")],
        &[(LENGTH, &digits)],
    ] {
        for body in [Some(Bytes::from_static(b"abc")), None] {
            let request = RawRequest {
                method: "POST",
                url: "http://h/",
                headers,
                body,
                limits: RawLimits::default(),
                checks_streams: true,
            };
            let error = client.prepare(request).unwrap_err();
            assert_eq!(error.kind(), K::Config);
            assert!(error.message().contains("content-length"), "{error}");
        }
    }
}
