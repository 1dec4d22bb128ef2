//! The doors of a dialect: what one may do that no dialect of `OpenAI`'s does, over a real socket.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is the message of the test that uses it"
)]

#[path = "../support/mod.rs"]
mod support;
mod verses;

use std::sync::Arc;
use std::time::Duration;

use support::{Act, LAST_CHUNK, Seen, Server, Streamed, chunk, config, response};
use tokenwire_core::call::{complete, fetch};
use tokenwire_core::client::{CallOptions, Client};
use tokenwire_core::config::Secret;
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::http::{Hub, Transport};
use tokenwire_core::message::Part;
use tokenwire_core::stream::{Queue, pump};
use tokenwire_core::wire::{Auth, Provider, providers};
use verses::Verses;

const ARRAY: &str = "[{\"poet\":\"m\",\"verse\":0,\"text\":\"ro\\\"]ses\"}\r\n,\r\n{\"verse\":0,\"text\":\"é\"},{\"verse\":1},{\"verse\":1,\"text\":\"violets\"},\n{\"word\":\"finis\"}\n,\n{\"letters\":15}\n]\n";
const TEXTS: [&str; 2] = ["ro\"]sesé", "violets"];

/// A client of the dialect.
struct Reader {
    client: Client,
    transport: Transport,
}

impl Reader {
    fn new(base_url: &str) -> Self {
        let hub = Hub::new();
        let row = providers::find("openai-compatible").unwrap();
        let provider = Arc::new(Provider {
            name: "muse".into(),
            auth: Auth::Header("x-muse".into()),
            dialects: &[&Verses],
            ..(*row).clone()
        });
        let mut config = config(base_url);
        config.retry.max_retries = 0;
        Self {
            client: Client::new(&hub, provider, config, None).unwrap(),
            transport: Transport::new(hub),
        }
    }

    fn of(server: &Server) -> Self {
        Self::new(&format!("http://{}", server.address))
    }

    fn call(
        &self,
        model: &str,
        stream: bool,
        options: CallOptions,
    ) -> tokenwire_core::client::Call {
        let request = format!(r#"{{"model":"{model}","input":"hi","stream":{stream}}}"#);
        self.client.prepare(request.as_bytes(), options).unwrap()
    }

    async fn stream(&self) -> Streamed {
        let call = self.call("m", true, CallOptions::default());
        let queue = Queue::new(call.buffer_bytes(), call.max_reply_bytes(), call.started());
        pump(&self.transport, call, queue.clone()).await;
        Streamed::of(&queue)
    }
}

fn head(content_type: &str) -> String {
    let kind = match content_type {
        "" => String::new(),
        kind => format!("content-type: {kind}\r\n"),
    };
    format!("HTTP/1.1 200 OK\r\n{kind}transfer-encoding: chunked\r\n\r\n")
}

/// A chunked response whose body arrives in these pieces.
fn pieces<'a>(content_type: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut sent = head(content_type).into_bytes();
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        sent.extend(format!("{:x}\r\n", piece.len()).bytes());
        sent.extend(piece);
        sent.extend(b"\r\n");
    }
    sent.extend(LAST_CHUNK.bytes());
    sent
}

/// Answers each request on one connection with the next answer.
fn in_turn(answers: Vec<Vec<u8>>) -> Server {
    Server::start(move |_| {
        let acts = answers.iter().cloned();
        acts.flat_map(|answer| [Act::Read, Act::Send(answer)])
            .collect()
    })
}

async fn streamed(answer: Vec<u8>) -> Streamed {
    Reader::of(&in_turn(vec![answer])).stream().await
}

fn texts(streamed: &Streamed) -> Vec<&str> {
    let choices = streamed.reply.choices.iter();
    let parts = choices.flat_map(|choice| &choice.parts);
    parts
        .map(|part| match part {
            Part::Text { text, .. } => &**text,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn check(streamed: &Streamed, what: &str) {
    assert_eq!(streamed.kind(), None, "{what}: {:?}", streamed.end);
    assert_eq!(texts(streamed), TEXTS, "{what}");
    let choice = &streamed.reply.choices[0];
    assert_eq!(choice.provider_finish_reason.as_deref(), Some("finis"));
    let usage = streamed.reply.usage.as_ref().unwrap();
    assert_eq!(usage.completion_tokens, Some(15), "{what}");
    assert_eq!(streamed.reply.model.as_deref(), Some("m"), "{what}");
}

#[tokio::test]
async fn a_dialect_decides_the_path_the_query_and_the_headers_of_a_request() {
    let whole = r#"{"verse":0,"text":"roses","word":"finis"}"#;
    let server = Server::always(response("200 OK", "", whole));
    let reader = Reader::of(&server);
    let call = reader.call("m", false, CallOptions::default());
    assert_eq!(call.dropped().as_ref(), ["rhyme"]);
    let done = complete(&reader.transport, call).await.unwrap();
    assert_eq!(done.reply.choices[0].text(), "roses");
    // Another model has another path, in the same client.
    let options = CallOptions {
        headers: vec![("X-Poet".to_owned(), Secret::new("me".to_owned()))],
        query: vec![("a".to_owned(), Secret::new("b".to_owned()))],
        ..CallOptions::default()
    };
    let call = reader.call("a b/ü?#..", true, options);
    let queue = Queue::new(1_000, 1_000, call.started());
    pump(&reader.transport, call, queue).await;
    let seen: Vec<Seen> = server.seen.lock().clone();
    let [first, second] = &*seen else {
        panic!("{seen:?}");
    };
    let line = "POST /v1beta/poems/m:whole?shape=a%26b+%C3%BC HTTP/1.1\r\n";
    assert!(first.head.starts_with(line), "{}", first.head);
    assert!(first.head.contains("\r\nx-verses: 7\r\n"), "{}", first.head);
    assert!(
        first.head.contains("\r\nx-poet: muse\r\n"),
        "{}",
        first.head
    );
    assert!(
        first
            .head
            .contains(&format!("\r\nx-muse: {}\r\n", support::KEY))
    );
    assert_eq!(first.body, br#"{"ask":"hi"}"#);
    let line =
        "POST /v1beta/poems/a%20b%2F%C3%BC%3F%23%2E%2E:grow?shape=a%26b+%C3%BC&a=b HTTP/1.1\r\n";
    assert!(second.head.starts_with(line), "{}", second.head);
    // A header of the caller's wins.
    assert!(
        second.head.contains("\r\nx-poet: me\r\n"),
        "{}",
        second.head
    );
    assert!(!second.head.contains("muse\r\n"), "{}", second.head);
    assert!(
        second.head.contains("\r\naccept: application/json\r\n"),
        "{}",
        second.head
    );
}

#[tokio::test]
async fn a_base_url_with_a_version_keeps_it() {
    let server = Server::always(response("200 OK", "", "{}"));
    for (base, path) in [
        ("", "/v1beta/poets?page=1"),
        ("/gateway/", "/gateway/v1beta/poets?page=1"),
        ("/v2", "/v2/poets?page=1"),
        ("/a/v1alpha?key=x", "/a/v1alpha/poets?key=x&page=1"),
    ] {
        let reader = Reader::new(&format!("http://{}{base}", server.address));
        // Listing models is an operation of the dialect, too.
        let call = reader
            .client
            .models_call(None, CallOptions::default())
            .unwrap();
        fetch(&reader.transport, call).await.unwrap();
        let head = server.seen.lock().last().unwrap().head.clone();
        assert!(
            head.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{head}"
        );
        assert!(head.contains("\r\nx-verses: 7\r\n"), "{head}");
        assert!(!head.contains("x-poet"), "{head}");
    }
}

#[test]
fn a_base_url_that_ends_in_an_operation_of_the_dialect_is_refused() {
    let hub = Hub::new();
    let row = providers::find("openai-compatible").unwrap();
    let provider = Arc::new(Provider {
        dialects: &[&Verses],
        ..(*row).clone()
    });
    let config = config("http://h/v1beta/poems/m:grow?shape=x");
    let error = Client::new(&hub, provider, config, None).unwrap_err();
    let expected = "ends with :grow, which each call adds: leave it out";
    assert!(error.message().ends_with(expected), "{error}");
}

#[tokio::test]
async fn an_array_is_read_the_same_wherever_it_is_cut() {
    let body = ARRAY.as_bytes();
    let cuts = 0..=body.len();
    let mut answers: Vec<_> = cuts
        .map(|at| pieces("application/json", [&body[..at], &body[at..]]))
        .collect();
    answers.push(pieces("application/json", body.chunks(1)));
    let count = answers.len();
    let server = in_turn(answers);
    let reader = Reader::of(&server);
    for number in 0..count {
        check(&reader.stream().await, &format!("cut {number}"));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_first_byte_decides_where_the_content_type_is_missing_or_lies() {
    let elements: Vec<serde_json::Value> = serde_json::from_str(ARRAY).unwrap();
    let events: Vec<String> = elements
        .iter()
        .map(|element| format!("data: {element}\r\n\r\n"))
        .collect();
    let events = events.concat();
    for content_type in ["", "application/json", "text/event-stream", "text/html"] {
        for body in [ARRAY, &events] {
            let answer = pieces(content_type, [body.as_bytes()]);
            check(&streamed(answer).await, content_type);
        }
    }
}

#[tokio::test]
async fn an_array_that_ends_does_not_wait_for_the_end_of_the_connection() {
    let (closed, _is_closed) = support::signal();
    let closed = parking_lot::Mutex::new(Some(closed));
    let server = Server::start(move |_| {
        let closed = closed.lock().take().unwrap();
        let begun = format!("{}{}", head("application/json"), chunk(ARRAY));
        vec![
            Act::Read,
            Act::Send(begun.into_bytes()),
            Act::UntilClosed(closed),
        ]
    });
    let reader = Reader::of(&server);
    let stream = tokio::time::timeout(Duration::from_secs(20), reader.stream());
    check(&stream.await.unwrap(), "held open");
}

#[tokio::test]
async fn a_dialect_says_when_a_stream_is_whole_and_what_is_missing() {
    let verse = r#"{"verse":0,"text":"roses"}"#;
    let word = r#"{"word":"finis"}"#;
    for (body, why) in [
        (format!("[{verse}]"), "no last word arrived"),
        (format!("[{verse},{word}"), "the JSON array has no end"),
        (
            format!("[{verse},{word},{{\"letters\""),
            "it ended inside an event",
        ),
        (format!("data: {verse}\n\n"), "no last word arrived"),
        (
            format!("data: {verse}\n\ndata: {{\"wor"),
            "it ended inside an event",
        ),
    ] {
        let streamed = streamed(pieces("", [body.as_bytes()])).await;
        assert_eq!(streamed.kind(), Some(K::StreamIncomplete), "{body}");
        let message = streamed.end.as_ref().unwrap().message();
        assert!(
            message.ends_with(&format!("is incomplete: {why}")),
            "{message}"
        );
        assert_eq!(texts(&streamed), ["roses"], "{body}");
    }
    // The last word and a clean end are enough.
    for body in [
        format!("[{verse},{word}]"),
        format!("data: {verse}\n\ndata: {word}\n\n"),
    ] {
        let streamed = streamed(pieces("", [body.as_bytes()])).await;
        assert_eq!(streamed.kind(), None, "{body}: {:?}", streamed.end);
    }
    // A connection that breaks between two records is not a clean end.
    let broken = format!("{}{}", head(""), chunk(&format!("[{verse},{word}")));
    let streamed = streamed(broken.into_bytes()).await;
    assert_eq!(streamed.kind(), Some(K::StreamInterrupted));
    assert_eq!(texts(&streamed), ["roses"]);
}

#[tokio::test]
async fn an_error_is_read_by_the_dialect_wherever_it_stands() {
    let error = r#"{"error":"too many verses"}"#;
    for body in [
        format!("[{error}]"),
        format!("[\n{error}\n]\n"),
        error.to_owned(),
        format!("data: {error}\n\n"),
    ] {
        let streamed = streamed(pieces("application/json", [body.as_bytes()])).await;
        assert_eq!(
            streamed.kind(),
            Some(K::RateLimit),
            "{body}: {:?}",
            streamed.end
        );
        assert_eq!(streamed.end.unwrap().message(), "too many verses");
    }
    let failed = streamed(response("429 X", "", "no")).await;
    assert_eq!(failed.end.unwrap().message(), "429 in verse: no");
    let broken = streamed(pieces("application/json", [&b"[{} {}]"[..]])).await;
    assert_eq!(broken.kind(), Some(K::Decode));
}

#[tokio::test]
async fn a_whole_reply_that_comes_instead_of_a_stream_is_a_stream() {
    let whole = r#"{"poet":"m","verse":0,"text":"roses","word":"finis"}"#;
    let streamed = streamed(pieces("", whole.as_bytes().chunks(5))).await;
    assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
    assert_eq!(texts(&streamed), ["roses"]);
}
