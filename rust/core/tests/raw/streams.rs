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
