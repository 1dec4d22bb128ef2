//! Where calls go while a test intercepts or restricts them.

mod support;

use std::time::{Duration, Instant};

use support::*;
use tokenwire_core::client::CallOptions;
use tokenwire_core::config::Secret;
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::http::test_rules::{CALL_HEADER, MISTAKE_HEADER, PROVIDER_HEADER, URL_HEADER};

const ELSEWHERE: &str = "http://10.255.255.1:9/v1";

/// The value of a header in a head as received.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[tokio::test]
async fn an_intercepted_call_leaves_its_key_behind_and_says_what_it_was() {
    let server = Server::always(ok());
    let bench = Bench::with(ELSEWHERE, |config| {
        config.api_key = Some(Secret::new(KEY.to_owned()));
        config.headers = vec![
            (
                "helicone-auth".to_owned(),
                Secret::new(format!("Bearer {KEY}")),
            ),
            ("x-trace".to_owned(), Secret::new("7".to_owned())),
        ];
    });
    let rules = bench.transport.hub().test_rules();
    assert!(!rules.is_intercepted());
    rules.intercept(Some(&server.base_url())).unwrap();
    assert!(rules.is_intercepted());
    bench.complete().await.unwrap();
    let mut call = bench.call_with(false, CallOptions::default());
    call.set_key(Secret::new(KEY.to_owned())).unwrap();
    tokenwire_core::call::complete(&bench.transport, call)
        .await
        .unwrap();
    let seen = server.seen.lock().clone();
    let provider = bench.client.provider().name.clone();
    assert_eq!(seen.len(), 2);
    for request in &seen {
        let head = &request.head;
        assert!(!head.contains(KEY), "{head}");
        assert_eq!(header(head, "x-trace"), Some("7"));
        assert_eq!(header(head, PROVIDER_HEADER), Some(&*provider));
        let url = format!("{ELSEWHERE}/chat/completions");
        assert_eq!(header(head, URL_HEADER), Some(url.as_str()));
    }
    assert_ne!(
        header(&seen[0].head, CALL_HEADER),
        header(&seen[1].head, CALL_HEADER)
    );
    rules.intercept(None).unwrap();
    assert!(!rules.is_intercepted());
    assert!(rules.intercept(Some("nowhere")).is_err());
}

#[tokio::test]
async fn attempts_of_an_intercepted_call_follow_at_once_and_a_mistake_ends_it() {
    let mistake = response(
        "400 Bad Request",
        &format!("{MISTAKE_HEADER}: 1\r\n"),
        "no rule",
    );
    let server = Server::start(move |number| {
        let answer = match number {
            0 => response("429 Too Many Requests", "connection: close\r\n", "{}"),
            _ => mistake.clone(),
        };
        vec![Act::Read, Act::Send(answer), Act::Close]
    });
    let bench = Bench::with(ELSEWHERE, |config| {
        config.retry.throttle_first = Duration::from_secs(60);
    });
    bench
        .transport
        .hub()
        .test_rules()
        .intercept(Some(&server.base_url()))
        .unwrap();
    let start = Instant::now();
    let error = bench.complete().await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!((error.kind(), error.message()), (K::Config, "no rule"));
    assert!(!error.is_retryable());
    assert_eq!(error.attempts().len(), 2);
    let seen = server.seen.lock().clone();
    let ids: Vec<_> = seen
        .iter()
        .map(|one| header(&one.head, CALL_HEADER))
        .collect();
    assert!(ids[0].is_some() && ids[0] == ids[1], "{ids:?}");
}

#[tokio::test]
async fn a_real_server_cannot_report_such_a_mistake() {
    let server = Server::always(response(
        "400 Bad Request",
        &format!("{MISTAKE_HEADER}: 1\r\n"),
        "{}",
    ));
    let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
    assert_eq!(error.kind(), K::Api);
}

#[tokio::test]
async fn loopback_and_the_listed_hosts_are_allowed() {
    let server = Server::always(ok());
    let near = Bench::new(&server.base_url());
    let far = Bench::with(ELSEWHERE, |config| config.retry.max_retries = 3);
    for bench in [&near, &far] {
        bench
            .transport
            .hub()
            .test_rules()
            .allow_only(Some(Vec::new()));
    }
    near.complete().await.unwrap();
    let error = far.complete().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (K::Connection, 1));
    assert!(error.message().contains("10.255.255.1:9"), "{error}");
    assert!(!error.is_retryable());
}
