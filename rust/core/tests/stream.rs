//! What a stream delivers, and how it may end.

mod support;

use std::time::Duration;

use serde_json::json;
use support::*;
use tokenwire_core::config::{Limits, TimeoutSetting};
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::message::FinishReason;
use tokenwire_core::wire::dialect;

/// A server whose connections all answer one request with `answer` and close.
fn once(answer: Vec<u8>) -> Server {
    Server::start(move |_| vec![Act::Read, Act::Send(answer.clone())])
}

fn whole(events: &str) -> Vec<u8> {
    format!("{STREAM_HEAD}{}{LAST_CHUNK}", chunk(events)).into_bytes()
}

async fn streamed(answer: Vec<u8>) -> (Streamed, usize) {
    let server = once(answer);
    let streamed = Bench::new(&server.base_url()).stream().await;
    (streamed, server.requests())
}

#[tokio::test]
async fn a_stream_delivers_its_text_and_its_end() {
    let (streamed, _) = streamed(stream()).await;
    assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
    assert_eq!(streamed.text(), "hello");
    assert_eq!(streamed.attempts.len(), 1);
    let timing = streamed.timing;
    assert!(timing.connect.is_some());
    assert!(timing.first_byte <= timing.first_token && timing.last_token <= timing.total);
}

#[tokio::test]
async fn a_connection_is_reused_after_done() {
    let server = Server::always_stream();
    let bench = Bench::new(&server.base_url());
    for round in 0..5 {
        let streamed = bench.stream().await;
        assert_eq!(streamed.text(), "hello");
        assert_eq!(streamed.timing.connect.is_none(), round > 0);
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
}

#[tokio::test]
async fn a_server_that_goes_on_after_done_loses_only_its_connection() {
    let (closed, is_closed) = signal();
    let closed = parking_lot::Mutex::new(Some(closed));
    let server = Server::start(move |_| {
        let tail = format!("{}{}", piece("ghost"), ": ping\n\n");
        let events = format!("{}{FINISH}{DONE}{tail}", piece("hello"));
        let closed = closed.lock().take().unwrap();
        vec![
            Act::Read,
            Act::Send(begun(&events)),
            Act::UntilClosed(closed),
        ]
    });
    let streamed = Bench::new(&server.base_url()).stream().await;
    assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
    heard(&is_closed).await;
}

#[tokio::test]
async fn a_stream_may_end_without_done_once_every_choice_has_finished() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\n";
    let (streamed, _) = streamed(whole(&format!("{}{FINISH}{usage}", piece("hello")))).await;
    assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
    assert_eq!(
        streamed.reply.choices[0].finish_reason,
        Some(FinishReason::Stop)
    );
    assert_eq!(streamed.reply.usage.unwrap().total_tokens, Some(3));
}

#[tokio::test]
async fn a_clean_end_before_the_finish_names_the_open_choices() {
    let (streamed, requests) = streamed(whole(&piece("hel"))).await;
    assert_eq!(streamed.kind(), Some(K::StreamIncomplete));
    let error = streamed.end.as_ref().unwrap();
    assert!(error.message().contains("choice 0"), "{error}");
    assert_eq!(error.partial().unwrap().choices[0].text(), "hel");
    // The reader saw an event, so there is no second attempt.
    assert_eq!((requests, error.attempts().len()), (1, 1));
}

#[tokio::test]
async fn a_broken_body_is_interrupted_even_after_the_finish() {
    for events in [piece("hel"), format!("{}{FINISH}", piece("hello"))] {
        let (streamed, requests) = streamed(begun(&events)).await;
        assert_eq!(streamed.kind(), Some(K::StreamInterrupted), "{events}");
        assert!(streamed.end.unwrap().partial().is_some());
        assert_eq!(requests, 1);
    }
    let done = format!("{}{FINISH}{DONE}", piece("hello"));
    let (streamed, _) = streamed(begun(&done)).await;
    assert_eq!((streamed.kind(), streamed.text().as_str()), (None, "hello"));
}

#[tokio::test]
async fn a_reset_inside_a_stream_keeps_the_partial_reply() {
    let server = Server::start(|_| {
        vec![
            Act::Peek,
            Act::Send(begun(&format!("{}{}", piece("a"), piece("b")))),
            Act::Close,
        ]
    });
    let bench = Bench::new(&server.base_url());
    let streamed = bench.stream().await;
    assert_eq!(streamed.kind(), Some(K::StreamInterrupted));
    assert_eq!((streamed.text().as_str(), streamed.chunks), ("ab", 2));
}

#[tokio::test]
async fn a_stream_without_events_is_retried_and_then_raised() {
    let empty = response("200 OK", "content-type: text/event-stream\r\n", "");
    for (answer, kind, attempts) in [
        (begun(": ping\n\n"), K::StreamInterrupted, 3),
        (whole(": ping\n\n"), K::StreamIncomplete, 3),
        (whole(DONE), K::UnexpectedContent, 3),
        // An empty body may be a gateway's hiccup once, but not twice.
        (empty, K::UnexpectedContent, 2),
    ] {
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let (streamed, requests) = streamed(answer).await;
        assert_eq!(streamed.kind(), Some(kind), "{shown}");
        // The server closes unannounced, so an attempt may get a closed connection.
        let answered = streamed.attempts.iter().filter(|one| one.status.is_some());
        assert_eq!(
            (requests, answered.count()),
            (attempts, attempts),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_fails_before_its_first_event_succeeds_at_the_second_attempt() {
    let overloaded =
        "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}\n\n";
    for first in [begun(""), begun(": ping\n\n"), whole(overloaded)] {
        let shown = String::from_utf8_lossy(&first).into_owned();
        let server = Server::start(move |number| {
            let answer = if number == 0 { first.clone() } else { stream() };
            vec![Act::Read, Act::Send(answer)]
        });
        let streamed = Bench::new(&server.base_url()).stream().await;
        assert_eq!(
            (streamed.kind(), streamed.text().as_str()),
            (None, "hello"),
            "{shown}"
        );
        assert_eq!(streamed.attempts.len(), 2, "{shown}");
        assert!(streamed.attempts[0].error.is_some() && streamed.attempts[1].error.is_none());
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_carries_the_partial_and_the_code() {
    let error =
        "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"code\":\"x1\"}}\n\n";
    let named = format!("event: error\n{error}");
    for error in [error, &named] {
        let (streamed, requests) = streamed(whole(&format!("{}{error}", piece("hel")))).await;
        assert_eq!(streamed.kind(), Some(K::StreamServer), "{error}");
        let failed = streamed.end.unwrap();
        assert!(failed.message().contains("boom"), "{failed}");
        assert_eq!(failed.api().unwrap().code.as_deref(), Some("x1"));
        assert_eq!(failed.partial().unwrap().choices[0].text(), "hel");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn an_error_in_the_first_event_is_the_error_of_the_reply() {
    let error = "data: {\"error\":{\"message\":\"bad key\",\"type\":\"invalid_request_error\",\"code\":401}}\n\n";
    let (streamed, requests) = streamed(whole(error)).await;
    assert_ne!(streamed.kind(), Some(K::StreamServer));
    assert!(streamed.end.unwrap().message().contains("bad key"));
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_decoded_keeps_the_partial_reply() {
    let (streamed, requests) = streamed(whole(&format!("{}data: {{nope\n\n", piece("hel")))).await;
    assert_eq!(streamed.kind(), Some(K::Decode));
    assert_eq!(streamed.text(), "hel");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_stream_that_ends_with_its_connection_is_complete_iff_its_end_was_seen() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let (good, _) = streamed(format!("{head}{}{FINISH}", piece("hello")).into_bytes()).await;
    assert_eq!((good.kind(), good.text().as_str()), (None, "hello"));
    let (cut, _) = streamed(format!("{head}{}", piece("hel")).into_bytes()).await;
    assert_eq!(cut.kind(), Some(K::StreamIncomplete));
    let (torn, _) = streamed(format!("{head}{}data: {{\"cho", piece("hel")).into_bytes()).await;
    assert_eq!(
        (torn.kind(), torn.text().as_str()),
        (Some(K::StreamIncomplete), "hel")
    );
}

#[tokio::test]
async fn a_server_that_ignores_stream_is_read_whole() {
    for kind in ["application/json", "text/event-stream"] {
        let answer = response("200 OK", &format!("content-type: {kind}\r\n"), REPLY);
        let (streamed, _) = streamed(answer).await;
        assert_eq!(
            (streamed.kind(), streamed.text().as_str()),
            (None, "hello"),
            "{kind}"
        );
        assert_eq!(streamed.reply.usage.unwrap().total_tokens, Some(3));
        assert_eq!(
            streamed.reply.choices[0].finish_reason,
            Some(FinishReason::Stop)
        );
        assert_eq!(streamed.reply.id.as_deref(), Some("r1"));
    }
}

#[tokio::test]
async fn a_whole_reply_is_streamed_without_loss() {
    let call = |name: &str| json!({"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let details = json!([{"type": "reasoning.text", "text": "hm", "signature": "s"}]);
    let blocks = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "reference", "reference_ids": [1]},
        {"type": "text", "text": "a"},
    ]);
    let choices = [
        json!({"content": "a", "reasoning_content": "hm", "tool_calls": [call("f"), call("g")]}),
        json!({"content": "a", "reasoning_text": "hm", "annotations": [{"url": "u"}]}),
        json!({"content": null, "refusal": "no", "reasoning_details": details}),
        json!({"content": blocks, "refusal": null}),
    ];
    let logprobs =
        json!({"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]});
    let choices: Vec<_> = choices
        .iter()
        .enumerate()
        .map(|(at, message)| json!({"index": at, "message": message, "finish_reason": "stop", "logprobs": logprobs}))
        .collect();
    let body = json!({"id": "r", "model": "m", "created": 5, "choices": choices,
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
    .to_string();
    let whole = dialect("chat").unwrap().decode_reply(body.as_bytes(), 1);
    let answer = response("200 OK", "content-type: application/json\r\n", &body);
    let (streamed, _) = streamed(answer).await;
    assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
    assert_eq!(streamed.reply, whole.unwrap());
}

#[tokio::test]
async fn a_whole_reply_has_a_size_limit() {
    let server = once(response(
        "200 OK",
        "content-type: application/json\r\n",
        REPLY,
    ));
    let bench = Bench::with(&server.base_url(), |config| {
        config.limits.max_reply_bytes = 100;
    });
    assert_eq!(bench.stream().await.kind(), Some(K::ResponseTooLarge));
}

#[tokio::test]
async fn a_page_or_an_error_in_a_200_is_not_a_stream() {
    let html = response(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>gateway</html>",
    );
    let (page, requests) = streamed(html).await;
    assert_eq!((page.kind(), requests), (Some(K::UnexpectedContent), 2));
    let error = r#"{"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found"}}"#;
    let (failed, _) = streamed(response(
        "200 OK",
        "content-type: application/json\r\n",
        error,
    ))
    .await;
    assert_eq!(failed.kind(), Some(K::ModelNotFound), "{:?}", failed.end);
}

#[tokio::test]
async fn an_event_over_its_limit_ends_the_stream() {
    let server = once(whole(&format!(
        "{}{}",
        piece("hel"),
        piece(&"x".repeat(5_000))
    )));
    let bench = Bench::with(&server.base_url(), |config| {
        config.limits = Limits {
            max_event_bytes: 4_096,
            ..Limits::default()
        };
    });
    let streamed = bench.stream().await;
    assert_eq!(
        (streamed.kind(), streamed.text().as_str()),
        (Some(K::EventTooLarge), "hel")
    );
}

#[tokio::test]
async fn the_split_of_the_bytes_never_changes_the_stream() {
    let bytes = format!(
        "{}{}{FINISH}{DONE}",
        piece("h\u{e4}l"),
        piece("\u{1f600}lo")
    );
    for size in [1, 2, 3, 7, 64] {
        let chunks: Vec<u8> = bytes
            .as_bytes()
            .chunks(size)
            .flat_map(|part| {
                let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
                chunk.extend_from_slice(part);
                chunk.extend_from_slice(b"\r\n");
                chunk
            })
            .collect();
        let (streamed, _) =
            streamed([STREAM_HEAD.as_bytes(), &chunks, b"0\r\n\r\n"].concat()).await;
        assert_eq!(
            (streamed.kind(), streamed.text().as_str()),
            (None, "h\u{e4}l\u{1f600}lo")
        );
    }
}

#[test]
fn a_stream_in_flight_is_small() {
    let bench = Bench::new("http://127.0.0.1:1/v1");
    let queue = tokenwire_core::stream::Queue::new(1, usize::MAX, std::time::Instant::now());
    let work = tokenwire_core::stream::pump(&bench.transport, bench.call(true), queue);
    let bytes = size_of_val(&work);
    assert!(bytes < 4_096, "{bytes} bytes");
    let whole = tokenwire_core::call::complete(&bench.transport, bench.call(false));
    let bytes = size_of_val(&whole);
    assert!(bytes < 4_096, "{bytes} bytes");
}

/// Answers one request with these pieces of a body, and keeps the connection open.
fn open_ended(pieces: &[&str]) -> Server {
    let pieces: Vec<_> = pieces.iter().map(|piece| chunk(piece)).collect();
    Server::start(move |_| {
        let head = Act::Send(STREAM_HEAD.into());
        let sends = pieces.iter().map(|it| Act::Send(it.clone().into_bytes()));
        let (closed, _) = std::sync::mpsc::channel();
        let acts = [Act::Read, head].into_iter().chain(sends);
        acts.chain([Act::UntilClosed(closed)]).collect()
    })
}

#[tokio::test]
async fn a_document_ends_where_its_object_ends_if_the_connection_stays_open() {
    for pieces in [
        &[REPLY][..],
        &["\n\n", &REPLY[..40], &REPLY[40..], "\r\n\n"],
    ] {
        let server = open_ended(pieces);
        let bench = Bench::new(&server.base_url());
        let streamed = bench.stream();
        let streamed = tokio::time::timeout(Duration::from_secs(20), streamed);
        let streamed = streamed.await.unwrap();
        assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
        assert_eq!(streamed.text(), "hello");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn a_document_ends_although_blank_lines_follow_it_without_end() {
    let (stop, stopped) = signal();
    let stopped = parking_lot::Mutex::new(Some(stopped));
    let server = Server::start(move |_| {
        let stopped = stopped.lock().take().unwrap();
        let blank = chunk("\n").into_bytes();
        vec![
            Act::Read,
            Act::Send(begun(REPLY)),
            Act::Repeat(blank, Duration::from_millis(1), stopped),
        ]
    });
    let bench = Bench::new(&server.base_url());
    let streamed = tokio::time::timeout(Duration::from_secs(20), bench.stream());
    let streamed = streamed.await.unwrap();
    drop(stop);
    assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
    assert_eq!(streamed.text(), "hello");
}

#[tokio::test]
async fn a_document_that_is_not_a_finished_reply_may_be_the_first_of_many() {
    let line = "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"}}]}\n";
    // Only time shows that nothing follows.
    let server = open_ended(&[line]);
    let bench = Bench::with(&server.base_url(), |config| {
        config.timeout = TimeoutSetting::Bare(Duration::from_millis(600));
        config.retry.max_retries = 0;
    });
    assert_eq!(bench.stream().await.kind(), Some(K::ContentTimeout));
    let finished = format!("{REPLY}\n");
    for pieces in [
        &[line, line, line][..],
        &[&[line, line, line].concat()],
        &[line, "\n{"],
        &[&finished, &finished],
        &[&finished, "[DO", "NE]\n"],
    ] {
        let server = open_ended(pieces);
        let bench = Bench::with(&server.base_url(), |config| config.retry.max_retries = 0);
        let streamed = bench.stream().await;
        assert_eq!(streamed.kind(), Some(K::UnexpectedContent), "{pieces:?}");
        let message = streamed.end.unwrap().message().to_owned();
        assert!(message.contains("NDJSON"), "{message}");
    }
}
