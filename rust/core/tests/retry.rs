//! Which failures are retried, when, and what is reported about it.

mod support;

use std::time::{Duration, Instant};

use support::*;
use tokenwire_core::client::{CallOptions, Client};
use tokenwire_core::config::{RetryPolicy, Secret, Timeout, TimeoutSetting};
use tokenwire_core::error::{ErrorKind as K, Phase};
use tokenwire_core::log::Event;

const FAILED: &str = r#"{"error":{"message":"not now","type":"server_error","code":"c1"}}"#;

fn failing(status: &str, headers: &str) -> Server {
    Server::always(response(status, headers, FAILED))
}

#[tokio::test]
async fn transient_statuses_are_tried_three_times_and_others_once() {
    for (status, attempts) in [
        (408, 3),
        (409, 3),
        (425, 3),
        (429, 3),
        (500, 3),
        (502, 3),
        (503, 3),
        (504, 3),
        (520, 3),
        (524, 3),
        (529, 3),
        (400, 1),
        (401, 1),
        (403, 1),
        (404, 1),
        (413, 1),
        (422, 1),
        (501, 1),
        (304, 1),
    ] {
        let server = failing(&format!("{status} X"), "");
        for stream in [false, true] {
            let bench = Bench::new(&server.base_url());
            let error = if stream {
                bench.stream().await.end.unwrap()
            } else {
                bench.complete().await.unwrap_err()
            };
            assert_eq!(
                error.attempts().len(),
                attempts,
                "status {status}: {error:?}"
            );
            assert_eq!(error.api().unwrap().status, Some(status));
            assert_eq!(error.phase(), Phase::Head);
            assert_eq!(error.is_retryable(), attempts > 1, "status {status}");
            let shown = error
                .attempts()
                .iter()
                .all(|attempt| attempt.status == Some(status));
            assert!(shown, "{:?}", error.attempts());
        }
    }
}

#[tokio::test]
async fn the_header_x_should_retry_has_the_last_word() {
    for (status, word, attempts) in [("503 X", "false", 1), ("400 X", "true", 3)] {
        let server = failing(status, &format!("x-should-retry: {word}\r\n"));
        let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
        assert_eq!(error.attempts().len(), attempts, "{status} {word}");
    }
}

#[tokio::test]
async fn a_short_hint_is_waited_for_and_a_long_one_is_raised_at_once() {
    let server = failing("429 X", "retry-after-ms: 3\r\nretry-after: 3600\r\n");
    let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
    let slept: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| attempt.slept)
        .collect();
    assert!(
        slept[..2]
            .iter()
            .all(|slept| (0.003..=0.003_301).contains(slept)),
        "{slept:?}"
    );

    let server = failing("429 X", "retry-after: 3600\r\n");
    let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (K::RateLimit, 1));
    assert_eq!(
        error.api().unwrap().retry_after,
        Some(Duration::from_secs(3_600))
    );
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_spent_quota_is_raised_at_once() {
    let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let server = Server::always(response(
        "429 X",
        "retry-after: 1\r\nx-should-retry: true\r\n",
        body,
    ));
    let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (K::QuotaExceeded, 1)
    );
}

#[tokio::test]
async fn a_wait_past_the_deadline_raises_what_went_wrong() {
    let server = failing("503 X", "retry-after: 60\r\n");
    let bench = Bench::with(&server.base_url(), |config| {
        config.timeout = TimeoutSetting::Bare(Duration::from_secs(30));
    });
    let begun = Instant::now();
    let error = bench.complete().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (K::Server, 1));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_outage_spends_the_bucket_of_a_client_and_its_children_and_no_more() {
    let server = failing("503 X", "");
    let bench = Bench::with(&server.base_url(), |config| config.retry.budget = 30);
    let config = bench.client.config().clone();
    let child = Client::new(&bench.hub, openai(), config, Some(&bench.client)).unwrap();
    let mut attempts = 0;
    let mut exhausted = 0;
    for client in [&bench.client, &child, &bench.client] {
        let call = client
            .prepare(br#"{"model":"m","input":"hi"}"#, CallOptions::default())
            .unwrap();
        let failed = tokenwire_core::call::complete(&bench.transport, call).await;
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), K::Server);
        attempts += error.attempts().len();
        exhausted += usize::from(error.is_retry_budget_exhausted());
    }
    // 30 tokens pay for two retries at 14 each.
    assert_eq!((attempts, exhausted, server.requests()), (5, 2, 5));
}

#[tokio::test]
async fn max_retries_of_the_call_wins_over_that_of_the_client() {
    let server = failing("503 X", "");
    let bench = Bench::new(&server.base_url());
    for retries in [0, 4] {
        let options = CallOptions {
            max_retries: Some(retries),
            ..CallOptions::default()
        };
        let streamed = bench.stream_with(options).await;
        assert_eq!(streamed.attempts.len(), retries as usize + 1);
    }
}

#[tokio::test]
async fn every_attempt_carries_the_same_idempotency_key_and_calls_differ() {
    let server = failing("503 X", "");
    let bench = Bench::with(&server.base_url(), |config| {
        config.retry.idempotency_header = Some("Idempotency-Key".to_owned());
    });
    bench.complete().await.unwrap_err();
    bench.complete().await.unwrap_err();
    let keys: Vec<_> = server
        .seen
        .lock()
        .iter()
        .map(|seen| {
            let line = seen
                .head
                .lines()
                .find(|line| line.starts_with("idempotency-key: "));
            line.unwrap().to_owned()
        })
        .collect();
    assert_eq!(keys.len(), 6);
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[3] == keys[5] && keys[0] != keys[3]);
}

#[tokio::test]
async fn a_short_or_broken_body_is_never_a_short_success() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"choices\":[]}";
    let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":";
    let bad = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n";
    let noise = "SSH-2.0-OpenSSH_9.2\r\n";
    for (answer, kind) in [
        (short, K::ConnectionLost),
        (cut, K::ConnectionLost),
        (bad, K::Protocol),
        (noise, K::Protocol),
    ] {
        let server = Server::start(move |_| vec![Act::Read, Act::Send(answer.into())]);
        let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts().len()),
            (kind, 3),
            "{answer}: {error}"
        );
        assert!(error.is_maybe_processed());
    }
}

#[tokio::test]
async fn a_success_without_a_usable_body_is_unexpected_content() {
    let empty = "HTTP/1.1 204 No Content\r\n\r\n".into();
    let page = response(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>login</html>",
    );
    for answer in [empty, page] {
        let server = Server::always(answer);
        let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts().len()),
            (K::UnexpectedContent, 2),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_arrives() {
    let long = response("200 OK", "", &"x".repeat(100_000));
    let endless = format!("{STREAM_HEAD}{}", chunk(&"x".repeat(100_000))).into_bytes();
    for answer in [long, endless] {
        let server = Server::always(answer);
        let bench = Bench::with(&server.base_url(), |config| {
            config.limits.max_reply_bytes = 50_000;
        });
        let error = bench.complete().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts().len()),
            (K::ResponseTooLarge, 1),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_error_that_echoes_the_key_is_shown_without_it_and_on_one_line() {
    let body =
        format!(r#"{{"error":{{"message":"bad key {KEY}\nsee\u001b[0m docs","code":"{KEY}"}}}}"#);
    let html = format!("<html>{KEY}{}</html>", "y".repeat(100_000));
    for (body, status) in [(body, "401 X"), (html, "502 X")] {
        let server = Server::always(response(status, "x-request-id: q7\r\n", &body));
        let error = Bench::new(&server.base_url()).complete().await.unwrap_err();
        let api = error.api().unwrap();
        let everything = format!(
            "{error} {:?} {:?} {:?} {:?}",
            api,
            String::from_utf8_lossy(&api.body),
            error.attempts(),
            error
        );
        assert!(!everything.contains(KEY), "{everything}");
        assert!(error.message().len() < 4_096 && api.body.len() <= 64 << 10);
        assert!(!error.message().chars().any(char::is_control), "{error}");
        assert_eq!(error.request_id(), Some("q7"));
    }
}

#[tokio::test]
async fn retries_are_logged() {
    let server = failing("503 X", "");
    let bench = Bench::new(&server.base_url());
    bench.hub.log().set_debug(true);
    bench.complete().await.unwrap_err();
    let events = bench.hub.log().drain();
    assert!(
        matches!(events[0], Event::CallStart { stream: false, .. }),
        "{events:?}"
    );
    assert!(
        matches!(
            events[1],
            Event::Retry {
                attempt: 1,
                status: Some(503),
                ..
            }
        ),
        "{events:?}"
    );
    assert!(
        matches!(events[2], Event::Retry { attempt: 2, .. }),
        "{events:?}"
    );
    assert!(
        matches!(
            events[3],
            Event::CallEnd {
                attempts: 3,
                error: Some(K::Server),
                ..
            }
        ),
        "{events:?}"
    );
    assert!(!format!("{events:?}").contains(KEY));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let hub = tokenwire_core::http::Hub::new();
    let refused = |change: &dyn Fn(&mut tokenwire_core::config::ClientConfig)| {
        let mut config = config("http://127.0.0.1:1/v1");
        change(&mut config);
        let error = Client::new(&hub, openai(), config, None).unwrap_err();
        assert_eq!(error.kind(), K::Config);
        error.message().to_owned()
    };
    let unknown = tokenwire_core::wire::providers::find("opena").unwrap_err();
    assert_eq!(unknown.kind(), K::Config);
    assert!(unknown.message().contains("opena"));
    assert!(refused(&|c| c.api = Some("smoke".to_owned())).contains("smoke"));
    assert!(refused(&|c| c.model = " ".to_owned()).contains("model"));
    assert!(refused(&|c| c.limits.max_connections = Some(0)).contains("max_connections"));
    assert!(refused(&|c| c.retry.max_retries = 1_000_000_000).contains("max_retries"));
    assert!(
        refused(&|c| c.headers = vec![("Host".to_owned(), Secret::new("x".to_owned()))])
            .contains("host")
    );
    let zero = Timeout {
        total: Some(Duration::ZERO),
        ..Timeout::default()
    };
    assert!(refused(&|c| c.timeout = TimeoutSetting::Full(zero)).contains("Timeout.total"));
    let policy = RetryPolicy {
        idempotency_header: Some("a b".to_owned()),
        ..RetryPolicy::default()
    };
    assert!(refused(&|c| c.retry = policy.clone()).contains("header"));
}

#[test]
fn a_call_without_its_key_names_the_variable() {
    let hub = tokenwire_core::http::Hub::new();
    let mut config = config("http://127.0.0.1:1/v1");
    config.api_key = None;
    config.base_url = None;
    let client = Client::new(&hub, openai(), config, None).unwrap();
    let request = br#"{"model":"m","input":"hi"}"#;
    let error = client
        .prepare(request, CallOptions::default())
        .err()
        .unwrap();
    assert!(
        error.message().contains("OPENAI_API_KEY") && error.message().contains("api_key="),
        "{error}"
    );
    let options = CallOptions {
        headers: vec![(
            "Authorization".to_owned(),
            Secret::new("Bearer x".to_owned()),
        )],
        ..CallOptions::default()
    };
    assert!(client.prepare(request, options).is_ok());
}

#[test]
fn a_call_names_the_parts_that_its_provider_does_not_take() {
    let bench = Bench::new("http://127.0.0.1:1/v1");
    let request = br#"{"model":"m","input":[{"role":"assistant","parts":[
        {"type":"reasoning","text":"hm","provider":"deepseek"},{"type":"text","text":"a"}]}]}"#;
    let call = bench.client.prepare(request, CallOptions::default());
    assert_eq!(**call.unwrap().dropped(), ["messages[0].parts[0]"]);
    assert!(bench.call(false).dropped().is_empty());
}
