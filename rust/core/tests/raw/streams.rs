//! Event streams of known APIs, which are judged.

use crate::sender::*;
use crate::support::*;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::raw::{RawLimits, RawRequest, pass};

/// Streams of each API without an end, and what makes them whole.
const STREAMS: [(&str, &str, &str); 5] = [
    (
        "/v1/chat/completions",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: [DONE]\n\n",
    ),
    (
        "/v1/completions",
        "data: {\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n",
    ),
    (
        "/v1/messages?beta=true",
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"content\":[]}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\nevent: \
         message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        "/v1/responses",
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n",
    ),
    (
        "/v1beta/models/g:streamGenerateContent?alt=sse",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"STOP\"}]}\n\n",
    ),
];

#[tokio::test]
async fn a_stream_of_a_known_api_that_ends_without_its_mark_is_incomplete() {
    for (path, begun, end) in STREAMS {
        for whole in [false, true] {
            let events = format!("{begun}{}", if whole { end } else { "" });
            let answer = format!("{STREAM_HEAD}{}{LAST_CHUNK}", chunk(&events));
            let server = Server::always(answer.into());
            let sent = Sender::new()
                .send(&url(&server, path), RawLimits::default())
                .await;
            assert_eq!(sent.body, events);
            let expected = (!whole).then_some(K::StreamIncomplete);
            assert_eq!(sent.kind(), expected, "{path} {:?}", sent.error);
        }
    }
    let (_, begun, _) = STREAMS[0];
    let answer = format!("{STREAM_HEAD}{}{LAST_CHUNK}", chunk(begun));
    let server = Server::always(answer.into());
    let sent = Sender::new()
        .send(&url(&server, "/v1/chat/completions"), RawLimits::default())
        .await;
    let partial = sent.error.unwrap().partial().unwrap().clone();
    assert_eq!(partial.choices[0].text(), "a");
    // Streams of others are not judged.
    let sent = Sender::new()
        .send(&url(&server, "/v1/events"), RawLimits::default())
        .await;
    assert_eq!(sent.kind(), None);
}

/// One that is made in the background is read under its id, from the beginning or from where another reader stopped.
#[tokio::test]
async fn the_stream_of_a_response_that_is_read_again_is_judged() {
    let (_, begins, ends) = STREAMS[3];
    for (events, is_whole) in [
        (begins.to_owned(), false),
        (format!("{begins}{ends}"), true),
        (ends.to_owned(), true),
    ] {
        let answer = response("200 OK", "content-type: text/event-stream\r\n", &events);
        let server = Server::start(move |_| vec![Act::Read, Act::Send(answer.clone())]);
        let sender = Sender::new();
        let request = RawRequest {
            method: "GET",
            url: &url(&server, "/v1/responses/resp_1?stream=true&starting_after=4"),
            headers: &[HOST],
            body: Some(Bytes::new()),
            limits: RawLimits::default(),
            checks_streams: true,
        };
        let call = sender.client.prepare(request).unwrap();
        let exchange = Arc::clone(call.exchange());
        pass(&sender.transport, call.into()).await;
        let expected = (!is_whole).then_some(K::StreamIncomplete);
        assert_eq!(Sent::of(&exchange).kind(), expected, "{events}");
    }
}

#[tokio::test]
async fn a_compressed_stream_is_judged_and_passed_on_as_it_is() {
    let (path, begun, _) = STREAMS[0];
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(begun.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncontent-encoding: gzip\r\n";
    let head = format!("{head}content-length: {}\r\n\r\n", packed.len());
    let server = Server::always([head.into_bytes(), packed].concat());
    let sent = Sender::new()
        .send(&url(&server, path), RawLimits::default())
        .await;
    assert_eq!(sent.kind(), Some(K::StreamIncomplete));
}

#[tokio::test]
async fn an_error_event_and_what_is_not_json_are_left_to_the_reader() {
    for event in [
        "data: {\"error\":{\"message\":\"no\"}}\n\n",
        "data: not json\n\n",
    ] {
        let answer = format!("{STREAM_HEAD}{}{LAST_CHUNK}", chunk(event));
        let server = Server::always(answer.into());
        let sent = Sender::new()
            .send(&url(&server, STREAMS[0].0), RawLimits::default())
            .await;
        assert_eq!((sent.kind(), &*sent.body), (None, event));
    }
}

#[tokio::test]
async fn a_stream_without_content_meets_the_limits_that_know_content() {
    let server = Server::start(|_| {
        let wait = never();
        let ping = chunk(": ping\n\n").into_bytes();
        vec![
            Act::Read,
            Act::Send(STREAM_HEAD.into()),
            Act::Repeat(ping, Duration::from_millis(5), wait),
        ]
    });
    let limits = RawLimits {
        first_token: Some(SHORT),
        ..RawLimits::default()
    };
    let sent = Sender::new()
        .send(&url(&server, STREAMS[0].0), limits)
        .await;
    assert_eq!(sent.kind(), Some(K::ContentTimeout));
}

#[tokio::test]
async fn the_limits_that_know_content_hold_for_streams_alone() {
    let (begun, wait) = signal();
    let wait = parking_lot::Mutex::new(Some(wait));
    let server = Server::start(move |_| {
        let wait = wait.lock().take();
        let wait = wait.unwrap_or_else(never);
        vec![Act::Read, Act::Wait(wait), Act::Send(ok())]
    });
    let limits = RawLimits {
        first_token: Some(SHORT),
        ..RawLimits::default()
    };
    let sender = Sender::new();
    let url = url(&server, STREAMS[0].0);
    let call = sender.call(&url, Some("{}"), limits);
    let late = async {
        tokio::time::sleep(SHORT * 2).await;
        begun.send(()).unwrap();
    };
    let exchange = Arc::clone(call.exchange());
    tokio::join!(pass(&sender.transport, call.into()), late);
    assert_eq!(Sent::of(&exchange).head.unwrap().status, 200);
    let call = sender.call(&url, Some("{\"stream\": true}"), limits);
    let exchange = Arc::clone(call.exchange());
    pass(&sender.transport, call.into()).await;
    assert_eq!(Sent::of(&exchange).kind(), Some(K::FirstByteTimeout));
}

#[tokio::test]
async fn each_choice_of_a_stream_must_end() {
    let finished =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let answer = format!("{STREAM_HEAD}{}{LAST_CHUNK}", chunk(finished));
    let server = Server::always(answer.into());
    let sender = Sender::new();
    for (body, kind) in [
        ("{}", None),
        ("{\"tools\":[{\"n\":\"x\"}]}", None),
        ("{\"n\": 2}", Some(K::StreamIncomplete)),
    ] {
        let url = url(&server, STREAMS[0].0);
        let call = sender.call(&url, Some(body), RawLimits::default());
        let exchange = Arc::clone(call.exchange());
        pass(&sender.transport, call.into()).await;
        assert_eq!(Sent::of(&exchange).kind(), kind, "{body}");
    }
}

/// The answer with these lines of its head, and this body.
fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!("content-type: {kind}\r\n")
    };
    response(status, &kind, body)
}

async fn asked(path: &str, body: &str, answer: Vec<u8>) -> Sent {
    let server = Server::always(answer);
    let sender = Sender::new();
    let call = sender.call(&url(&server, path), Some(body), RawLimits::default());
    let exchange = Arc::clone(call.exchange());
    pass(&sender.transport, call.into()).await;
    Sent::of(&exchange)
}

const ASKS: &str = "{\"stream\": true}";

/// An SDK that asks for a stream reads any 2xx as one.
#[tokio::test]
async fn a_stream_is_judged_whatever_its_head_says_if_the_request_asks_for_one() {
    let (path, begun, end) = STREAMS[0];
    let whole = format!("{begun}{end}");
    for (status, kind) in [
        ("200 OK", ""),
        ("200 OK", "application/json"),
        ("200 OK", "text/plain; charset=utf-8"),
        ("200 OK", "\"text/event-stream\""),
        ("200 OK", "text/html\r\ncontent-type: text/event-stream"),
        ("201 Created", "text/event-stream"),
    ] {
        let cut = asked(path, ASKS, answer(status, kind, begun)).await;
        assert_eq!(cut.kind(), Some(K::StreamIncomplete), "{status} {kind}");
        let sent = asked(path, ASKS, answer(status, kind, &whole)).await;
        assert_eq!(sent.kind(), None, "{status} {kind}");
    }
    for (status, kind, body) in [
        ("200 OK", "application/json", "{\"error\": \"no\"}"),
        ("200 OK", "text/html", "<html>no</html>"),
        ("404 Not Found", "text/event-stream", begun),
    ] {
        let sent = asked(path, ASKS, answer(status, kind, body)).await;
        assert_eq!(sent.kind(), None, "{status} {kind} {body}");
    }
    let sent = asked(path, "{}", answer("200 OK", "text/plain", begun)).await;
    assert_eq!(sent.kind(), None);
    let sent = asked(path, ASKS, answer("200 OK", "", "")).await;
    assert_eq!(sent.kind(), Some(K::StreamIncomplete));
}

/// Other servers have such paths, too.
#[tokio::test]
async fn a_stream_in_a_form_of_its_own_is_judged_only_if_the_request_is_of_that_api() {
    let own = "data: {\"text\": \"hi\"}\n\ndata: {\"text\": \"you\"}\n\n";
    for (path, begun, _) in STREAMS.iter().take(4) {
        let path = path.replace("/v1", "/rooms/7");
        let sent = asked(&path, "{}", answer("200 OK", "text/event-stream", own)).await;
        assert_eq!(sent.kind(), None, "{path}");
        for (request, body) in [(ASKS, own), (ASKS, ""), ("{}", *begun)] {
            let sent = asked(&path, request, answer("200 OK", "text/event-stream", body)).await;
            assert_eq!(sent.kind(), Some(K::StreamIncomplete), "{path} {body}");
        }
    }
}

/// The SDKs see nothing of an event without a blank line after it, except for Gemini's.
#[tokio::test]
async fn an_event_without_its_blank_line_is_lost() {
    let last = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}";
    for ((path, begun, end), expected) in STREAMS.into_iter().zip([
        None,
        Some(K::StreamIncomplete),
        None,
        Some(K::StreamIncomplete),
        None,
    ]) {
        for tail in ["", "\n"] {
            let body = format!("{begun}{}{tail}", end.trim_end());
            let sent = asked(path, "{}", answer("200 OK", "text/event-stream", &body)).await;
            assert_eq!(sent.kind(), expected, "{path}");
        }
    }
    let (path, begun, _) = STREAMS[0];
    let body = format!("{begun}{last}\n");
    let sent = asked(path, "{}", answer("200 OK", "text/event-stream", &body)).await;
    assert_eq!(sent.kind(), Some(K::StreamIncomplete));
}

/// The SDKs read only events: neither a document, nor what stands before the first event.
#[tokio::test]
async fn a_body_that_begins_otherwise_is_not_whole() {
    let (path, begun, _) = STREAMS[0];
    for body in [format!("{{}}\n{begun}"), "{\"choices\": []}".to_owned()] {
        let sent = asked(path, ASKS, answer("200 OK", "text/event-stream", &body)).await;
        assert_eq!(sent.kind(), Some(K::StreamIncomplete), "{body}");
    }
    let early =
        "data: {\"object\":\"response\",\"id\":\"z\",\"status\":\"in_progress\",\"output\":[]}\n\n";
    let sent = asked(
        STREAMS[3].0,
        "{}",
        answer("200 OK", "text/event-stream", early),
    )
    .await;
    assert_eq!(sent.kind(), Some(K::StreamIncomplete));
}

#[tokio::test]
async fn an_error_event_that_the_sdks_do_not_raise_leaves_the_stream_incomplete() {
    let (path, begun, end) = STREAMS[0];
    for (data, kind) in [
        ("{\"message\":\"overloaded\"}", Some(K::StreamIncomplete)),
        ("{\"error\":{\"message\":\"overloaded\"}}", None),
    ] {
        let body = format!("{begun}event: error\ndata: {data}\n\n");
        let sent = asked(path, "{}", answer("200 OK", "text/event-stream", &body)).await;
        assert_eq!(sent.kind(), kind, "{data}");
    }
    let failed = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"no\"}}}\n\n";
    let body = format!("{}{failed}", STREAMS[3].1);
    let sent = asked(
        STREAMS[3].0,
        "{}",
        answer("200 OK", "text/event-stream", &body),
    )
    .await;
    assert_eq!(sent.kind(), None);
    // This mark ends chat and completions only.
    for (path, begun, _) in [STREAMS[2], STREAMS[3]] {
        let body = format!("{begun}data: [DONE]\n\n");
        let sent = asked(path, "{}", answer("200 OK", "text/event-stream", &body)).await;
        assert_eq!(sent.kind(), Some(K::StreamIncomplete), "{path}");
        assert_eq!(sent.body, body);
    }
    assert!(end.contains("[DONE]"));
}

#[tokio::test]
async fn comments_after_the_end_mark_do_not_keep_a_stream_open() {
    let server = Server::start(|_| {
        let (_, begun, end) = STREAMS[0];
        let wait = never();
        let ping = chunk(": ping\n\n").into_bytes();
        vec![
            Act::Read,
            Act::Send(format!("{STREAM_HEAD}{}", chunk(&format!("{begun}{end}"))).into()),
            Act::Repeat(ping, Duration::from_millis(5), wait),
        ]
    });
    let limits = RawLimits {
        idle: Some(SHORT),
        ..RawLimits::default()
    };
    let sent = Sender::new()
        .send(&url(&server, STREAMS[0].0), limits)
        .await;
    assert_eq!(sent.kind(), None);
}
