//! Bodies that a server compressed, on their way through a call.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the whole file is a test, including its helper functions"
)]

mod support;

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use support::*;
use tokenwire_core::config::Limits;
use tokenwire_core::error::ErrorKind as K;
use tokenwire_core::stream::{Queue, pump};

const GZIP: &str = "content-encoding: gzip\r\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn br(text: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    encoder.write_all(text).unwrap();
    encoder.into_inner()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0; zstd_safe::compress_bound(text.len())];
    let size = zstd_safe::compress(&mut out[..], text, 3).unwrap();
    out.truncate(size);
    out
}

type Encode = fn(&[u8]) -> Vec<u8>;

/// Every coding with its encoder.
const CODINGS: [(&str, Encode); 4] = [
    ("gzip", gzip),
    ("deflate", zlib),
    ("br", br),
    ("zstd", zstd),
];

/// A response with a length, and with these headers.
fn packed(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn chunk_of(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

fn stream_head(coding: &str) -> Vec<u8> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n";
    format!("{head}content-encoding: {coding}\r\n\r\n").into_bytes()
}

fn events() -> String {
    format!("{}{}{FINISH}{DONE}", piece("hel"), piece("lo"))
}

#[tokio::test]
async fn a_whole_reply_is_unpacked_and_its_connection_reused() {
    for (coding, pack) in CODINGS {
        let header = format!("content-type: application/json\r\ncontent-encoding: {coding}\r\n");
        let server = Server::always(packed("200 OK", &header, &pack(REPLY.as_bytes())));
        let bench = Bench::new(&server.base_url());
        for _ in 0..3 {
            let done = bench.complete().await.unwrap();
            assert_eq!(done.reply.choices[0].text(), "hello", "{coding}");
            assert_eq!(done.raw, REPLY);
            assert_eq!(
                done.head.header("content-encoding"),
                Some(coding),
                "as received"
            );
        }
        assert_eq!(server.connections(), 1, "{coding}");
    }
}

#[tokio::test]
async fn a_stream_is_unpacked_wherever_its_chunks_end() {
    for (coding, pack) in CODINGS {
        let body = pack(events().as_bytes());
        for size in [1, 7, body.len()] {
            let chunks: Vec<_> = body.chunks(size).map(chunk_of).collect();
            let answer = [&stream_head(coding)[..], &chunks.concat(), b"0\r\n\r\n"].concat();
            let server = Server::always(answer);
            let bench = Bench::new(&server.base_url());
            for _ in 0..2 {
                let streamed = bench.stream().await;
                assert_eq!(streamed.kind(), None, "{coding}: {:?}", streamed.end);
                assert_eq!(streamed.text(), "hello");
            }
            assert_eq!(
                server.connections(),
                1,
                "{coding}: the connection is reused"
            );
        }
    }
}

#[tokio::test]
async fn an_event_that_was_flushed_arrives_before_the_next_is_sent() {
    let (next, go) = signal();
    let go = parking_lot::Mutex::new(Some(go));
    let server = Server::start(move |_| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(piece("hel").as_bytes()).unwrap();
        encoder.flush().unwrap();
        let first = std::mem::take(encoder.get_mut());
        let rest = format!("{}{FINISH}{DONE}", piece("lo"));
        encoder.write_all(rest.as_bytes()).unwrap();
        let rest = encoder.finish().unwrap();
        vec![
            Act::Read,
            Act::Send([stream_head("gzip"), chunk_of(&first)].concat()),
            Act::Wait(go.lock().take().unwrap()),
            Act::Send([&chunk_of(&rest)[..], b"0\r\n\r\n"].concat()),
        ]
    });
    let bench = Bench::new(&server.base_url());
    let call = bench.call(true);
    let queue = Queue::new(call.buffer_bytes(), call.max_reply_bytes(), call.started());
    let reading = async {
        while queue.snapshot().0.choices.is_empty() {
            tokio::task::yield_now().await;
        }
        next.send(()).unwrap();
    };
    let both = async { tokio::join!(pump(&bench.transport, call, queue.clone()), reading) };
    let waited = tokio::time::timeout(Duration::from_secs(10), both).await;
    waited.unwrap();
    assert_eq!(Streamed::of(&queue).text(), "hello");
}

#[tokio::test]
async fn the_error_of_an_error_reply_is_what_the_provider_said() {
    let said = br#"{"error": {"message": "no such model"}}"#;
    for (coding, pack) in CODINGS {
        let header = format!("content-encoding: {coding}\r\n");
        let server = Server::always(packed("400 Bad Request", &header, &pack(said)));
        let bench = Bench::new(&server.base_url());
        let error = bench.complete().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.status()),
            (K::Api, Some(400)),
            "{coding}"
        );
        assert!(error.message().contains("no such model"), "{error}");
        assert_eq!(error.api().unwrap().body, said);
    }
}

/// What an error reply is whose body nothing can unpack: its status counts, and the message says what the body is.
#[tokio::test]
async fn an_error_reply_that_cannot_be_unpacked_keeps_its_status() {
    let said = br#"{"error": {"message": "no such model"}}"#;
    for (header, body, message) in [
        (
            "content-encoding: compress\r\n",
            gzip(said),
            "HTTP 503: the body has `content-encoding: compress`, which cannot be unpacked: the server, or a gateway \
             in between, must send `identity`, gzip, deflate, br or zstd",
        ),
        (
            "content-encoding: gzip\r\ncontent-encoding: gzip\r\n",
            gzip(said),
            "HTTP 503: the body was compressed more than once (`content-encoding: gzip, gzip`): the server, or a gateway \
             in between, must send `identity` or one coding",
        ),
        (
            GZIP,
            vec![0xff; 100],
            "HTTP 503: the body is not what `content-encoding: gzip` says, or it is damaged: the server, or a gateway \
             in between, must send `identity` or the coding that it names",
        ),
        // It is text after all.
        (GZIP, said.to_vec(), "HTTP 503: no such model"),
        (
            "content-encoding: utf-8\r\n",
            said.to_vec(),
            "HTTP 503: no such model",
        ),
    ] {
        let server = Server::always(packed("503 Service Unavailable", header, &body));
        let bench = Bench::new(&server.base_url());
        let error = bench.complete().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (K::Server, Some(503)));
        assert_eq!(error.message(), message);
        assert_eq!(error.attempts().len(), 3, "it is retried");
    }
}

#[tokio::test]
async fn a_reply_that_cannot_be_unpacked_is_an_error_that_names_the_header() {
    let cut = gzip(REPLY.as_bytes());
    let cut = &cut[..cut.len() - 1];
    let bomb = gzip(&vec![0; 9 << 20]);
    for (header, body, kind, attempts) in [
        ("content-encoding: compress\r\n", &b"x"[..], K::Decode, 1),
        ("content-encoding: gzip, br\r\n", b"x", K::Decode, 1),
        (GZIP, REPLY.as_bytes(), K::Decode, 1),
        (GZIP, cut, K::ConnectionLost, 3),
        (GZIP, &bomb, K::ResponseTooLarge, 1),
    ] {
        let server = Server::always(packed("200 OK", header, body));
        let bench = Bench::new(&server.base_url());
        let error = bench.complete().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.attempts().len(), attempts, "{error}");
        assert!(error.is_maybe_processed());
        assert!(error.message().contains("`content-encoding: "), "{error}");

        let header = header
            .trim_end()
            .strip_prefix("content-encoding: ")
            .unwrap();
        let answer = [&stream_head(header)[..], &chunk_of(body), b"0\r\n\r\n"].concat();
        let server = Server::always(answer);
        // Where a stream was asked for, it is the same: a document is read whole.
        let streamed = Bench::new(&server.base_url()).stream().await;
        let error = streamed.end.unwrap();
        assert!(error.message().contains("`content-encoding: "), "{error}");
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_in_its_coding_is_interrupted() {
    let body = gzip(piece("hel").as_bytes());
    let cut = &body[..body.len() - 8];
    let answer = [&stream_head("gzip")[..], &chunk_of(cut), b"0\r\n\r\n"].concat();
    let server = Server::always(answer);
    let streamed = Bench::new(&server.base_url()).stream().await;
    assert_eq!(streamed.kind(), Some(K::StreamInterrupted));
    assert_eq!(streamed.text(), "hel");
}

#[tokio::test]
async fn the_limit_of_a_reply_counts_what_comes_out() {
    let server = Server::always(packed("200 OK", GZIP, &gzip(&vec![b' '; 1 << 20])));
    let bench = Bench::with(&server.base_url(), |config| {
        config.limits = Limits {
            max_reply_bytes: 1 << 19,
            ..Limits::default()
        };
    });
    let error = bench.complete().await.unwrap_err();
    assert_eq!(error.kind(), K::ResponseTooLarge);
    assert!(error.message().contains("max_reply_bytes"), "{error}");
}

#[tokio::test]
async fn only_whole_replies_are_asked_for_in_a_coding() {
    for (compression, whole) in [(false, "identity"), (true, "gzip, br, zstd")] {
        let server = Server::always(ok());
        let bench = Bench::with(&server.base_url(), |config| {
            config.compression = compression;
        });
        bench.complete().await.unwrap();
        bench.stream().await;
        let asked: Vec<_> = server
            .seen
            .lock()
            .iter()
            .map(|seen| {
                let mut lines = seen.head.lines();
                lines.find_map(|line| line.strip_prefix("accept-encoding: ").map(str::to_owned))
            })
            .collect();
        assert_eq!(asked, [Some(whole.to_owned()), Some("identity".to_owned())]);
    }
}
