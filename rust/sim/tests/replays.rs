//! Recorded bodies, however they are cut and framed.

mod client;

use client::{Client, Ending, PATIENCE, chat, sim, stream_from, whole_from};
use serde_json::json;
use tokenwire_sim::Kind;

const BODY: &str = "data: {\"a\":\"\u{e9}\"}\r\n\r\n: ping\n\ndata: b\n\ndata: [DONE]\n\n";

#[test]
fn every_chunking_gives_the_same_body() {
    let cuts = [
        (json!("whole"), 1),
        (json!("events"), 4),
        (json!({"bytes": 1}), BODY.len()),
        (json!({"cuts": [3, 14]}), 3),
    ];
    for framing in ["chunked", "length", "close"] {
        for (chunking, chunks) in &cuts {
            let sim = sim(json!({"default": {
                "replay": {"text": BODY, "chunking": chunking}, "framing": framing}}));
            let answer = stream_from(&sim).unwrap();
            assert_eq!(answer.text(), BODY);
            if framing == "chunked" {
                assert_eq!(answer.chunks, *chunks, "{chunking}");
            }
            let ending = if framing == "close" {
                Ending::Eof
            } else {
                Ending::Whole
            };
            assert_eq!(answer.ending, ending);
            assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        }
    }
    for seed in 0..20 {
        let replay = json!({"text": BODY, "chunking": {"random": seed}});
        let sim = sim(json!({"default": {"replay": replay, "framing": "chunked"}}));
        assert_eq!(stream_from(&sim).unwrap().text(), BODY);
    }
}

#[test]
fn binary_bodies_come_from_base64() {
    let replay = json!({"base64": "H4sIAP8=", "status": 201,
                        "headers": {"content-encoding": "gzip", "Content-Type": "x/y"}});
    let answer = whole_from(&sim(json!({"default": {"replay": replay}}))).unwrap();
    assert_eq!(answer.body, [0x1f, 0x8b, 0x08, 0x00, 0xff]);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (201, Some("x/y"))
    );
}

#[test]
fn a_raw_replay_is_the_whole_answer() {
    let wire = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd";
    let script = json!({"default": {"replay": {"text": wire}, "framing": "raw"}});
    let sim = sim(script);
    let mut client = Client::new(&sim);
    let answer = client.post("/v1/anything", &json!({})).unwrap();
    assert_eq!(answer.text(), "abc");
    assert_eq!(client.unread, b"d");
    client.unread.clear();
    assert!(client.is_at_end());
}

#[test]
fn faults_find_their_event_in_a_replay() {
    let script = |events: u64| {
        json!({"default": {"replay": {"text": BODY}, "framing": "chunked",
                           "fault": {"kind": "close", "at": {"events": events}}}})
    };
    let ends = [0, 20, 28, 37, 51];
    assert_eq!(ends[4], BODY.len());
    for (events, end) in ends.into_iter().enumerate() {
        let answer = stream_from(&sim(script(events as u64))).unwrap();
        assert_eq!(
            (answer.text().as_str(), answer.ending),
            (&BODY[..end], Ending::Cut)
        );
    }
}

#[test]
fn any_path_and_body_can_be_replayed() {
    let sim = sim(
        json!({"rules": [{"match": {"path": "/v1/anything", "header": {"x-try": "2"}},
        "then": {"replay": {"text": "{\"type\":\"message\"}"}}}]}),
    );
    let mut client = Client::new(&sim);
    client.send("/v1/anything", "x-try: 23\r\n", &chat("hi", json!({})));
    assert_eq!(client.read().unwrap().json(), json!({"type": "message"}));
    client.send("/v1/anything", "", &chat("hi", json!({})));
    assert_eq!(client.read().unwrap().status, 404);
    assert!(sim.wait_for(Kind::Finished, 2, PATIENCE));
}
