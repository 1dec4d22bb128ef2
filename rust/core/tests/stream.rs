//! What a stream brings, and how it may end.

mod support;

use support::*;

#[tokio::test]
async fn a_stream_brings_its_text_and_its_end() {
    let server = Server::always_stream();
    let bench = Bench::new(&server.base_url());
    let streamed = bench.stream().await;
    assert_eq!(streamed.kind(), None, "{:?}", streamed.end);
    assert_eq!(streamed.text(), "hello");
    assert_eq!(streamed.attempts.len(), 1);
    let timing = streamed.timing;
    assert!(timing.connect.is_some());
    assert!(timing.first_byte <= timing.first_token && timing.last_token <= timing.total);
}

#[tokio::test]
async fn a_connection_is_used_again_after_done() {
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
async fn a_whole_reply_comes_with_its_report() {
    let server = Server::start(|_| vec![Act::Read, Act::Send(ok())]);
    let bench = Bench::new(&server.base_url());
    let done = bench.complete().await.unwrap();
    assert_eq!(done.reply.choices[0].text(), "hello");
    assert_eq!(done.raw, REPLY);
    assert_eq!(done.head.status, 200);
    assert_eq!(done.attempts.len(), 1);
}
