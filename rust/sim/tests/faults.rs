//! What goes wrong, and how a client sees it.

mod client;

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use client::{Client, Ending, PATIENCE, chat, sim, stream_from, whole_from};
use serde_json::{Value, json};
use tokenwire_sim::{Kind, Script, Sim};

const CHAT: &str = "/v1/chat/completions";

#[allow(clippy::needless_pass_by_value)]
fn faulty(fault: Value) -> Sim {
    sim(json!({"default": {"fault": fault}}))
}

#[allow(clippy::needless_pass_by_value, clippy::unwrap_used)]
fn set_script(sim: &Sim, script: Value) {
    sim.set_script(Script::parse(&script.to_string()).unwrap());
}

#[test]
fn a_cut_leaves_exactly_that_many_events() {
    for (kind, ending) in [("close", Ending::Cut), ("reset", Ending::Reset)] {
        for events in [1, 3, 17] {
            let sim = faulty(json!({"kind": kind, "at": {"events": events}}));
            let answer = stream_from(&sim).unwrap();
            assert_eq!(
                (answer.events().len(), answer.ending),
                (events, ending),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_cut_leaves_exactly_that_many_bytes() {
    let whole = stream_from(&faulty(Value::Null)).unwrap().body;
    for bytes in [0, 1, 320, 321, whole.len() - 1] {
        let sim = faulty(json!({"kind": "close", "at": {"bytes": bytes}}));
        let answer = stream_from(&sim).unwrap();
        assert_eq!(answer.body, whole[..bytes], "{bytes}");
        assert_eq!(answer.ending, Ending::Cut);
    }
    let sim = faulty(json!({"kind": "close", "at": {"bytes": 40}}));
    assert_eq!(whole_from(&sim).unwrap().body.len(), 40);
}

#[test]
fn a_cut_before_the_head_sends_no_byte() {
    for (kind, ending) in [("close", Ending::Cut), ("reset", Ending::Reset)] {
        let sim = faulty(json!({"kind": kind, "at": "before_head"}));
        assert_eq!(stream_from(&sim).unwrap_err(), ending);
    }
    let sim = faulty(json!({"kind": "close"}));
    let answer = stream_from(&sim).unwrap();
    assert_eq!(
        (answer.status, answer.body.len(), answer.ending),
        (200, 0, Ending::Cut)
    );
}

#[test]
fn a_stall_is_silent_until_the_client_leaves() {
    let sim = faulty(json!({"kind": "stall", "at": {"events": 2}}));
    let mut client = Client::new(&sim);
    client.send(CHAT, "", &chat("hi", json!({"stream": true})));
    assert!(sim.wait_for(Kind::Fault, 1, PATIENCE));
    assert_eq!(sim.count(Kind::EventsSent), 2);
    client
        .stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let answer = client.read().unwrap();
    assert_eq!((answer.events().len(), answer.ending), (2, Ending::Silent));
    drop(client);
    let before = Instant::now();
    assert!(sim.wait_for(Kind::ClientClosed, 1, PATIENCE));
    assert!(before.elapsed() < Duration::from_millis(500));
    let log = sim.take_log();
    let last = log.last().unwrap();
    assert_eq!(
        (last.kind, last.events, last.what.as_deref()),
        (Kind::ClientClosed, 2, Some("fin"))
    );
}

#[test]
fn a_stall_with_a_limit_ends() {
    let sim = faulty(json!({"kind": "stall", "at": {"events": 2}, "for_ms": 30}));
    let before = Instant::now();
    let answer = stream_from(&sim).unwrap();
    assert!(before.elapsed() >= Duration::from_millis(30));
    assert_eq!((answer.events().len(), answer.ending), (19, Ending::Whole));
}

#[test]
fn a_head_is_slow_or_never_arrives() {
    let sim = faulty(json!({"kind": "slow_head", "bytes": 50, "interval_ms": 10}));
    let before = Instant::now();
    assert_eq!(whole_from(&sim).unwrap().ending, Ending::Whole);
    assert!(before.elapsed() >= Duration::from_millis(20));
    let sim = faulty(json!({"kind": "no_head"}));
    let mut client = Client::new(&sim);
    client
        .stream
        .set_read_timeout(Some(Duration::from_millis(30)))
        .unwrap();
    assert_eq!(
        client.post(CHAT, &chat("hi", json!({}))).unwrap_err(),
        Ending::Silent
    );
}

#[test]
fn an_idle_connection_is_closed() {
    for (reset, ending) in [(false, Ending::Cut), (true, Ending::Reset)] {
        let sim = faulty(json!({"kind": "idle_close", "after_ms": 5, "reset": reset}));
        let mut client = Client::new(&sim);
        assert_eq!(
            client.post(CHAT, &chat("hi", json!({}))).unwrap().ending,
            Ending::Whole
        );
        assert!(sim.wait_for(if reset { Kind::Reset } else { Kind::Closed }, 1, PATIENCE));
        assert_eq!(client.read().unwrap_err(), ending);
    }
    let sim = faulty(json!({"kind": "idle_close", "after_ms": 60000}));
    let mut client = Client::new(&sim);
    for _ in 0..3 {
        assert_eq!(
            client.post(CHAT, &chat("hi", json!({}))).unwrap().ending,
            Ending::Whole
        );
    }
}

#[test]
fn the_next_request_on_the_connection_is_dropped() {
    for (reset, ending) in [(false, Ending::Cut), (true, Ending::Reset)] {
        let sim = faulty(json!({"kind": "close_on_next", "reset": reset}));
        let mut client = Client::new(&sim);
        assert_eq!(
            client.post(CHAT, &chat("hi", json!({}))).unwrap().ending,
            Ending::Whole
        );
        assert_eq!(
            client.post(CHAT, &chat("hi", json!({}))).unwrap_err(),
            ending
        );
        assert_eq!(sim.count(Kind::Request), 2);
    }
}

#[test]
fn unexpected_bytes_follow_an_answer() {
    let sim = faulty(json!({"kind": "trailing_bytes", "text": "JUNK"}));
    let mut client = Client::new(&sim);
    assert_eq!(
        client.post(CHAT, &chat("hi", json!({}))).unwrap().ending,
        Ending::Whole
    );
    assert_eq!(client.unread, b"JUNK");
    let late = "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n";
    let sim = faulty(json!({"kind": "idle_bytes", "text": late}));
    let mut client = Client::new(&sim);
    assert_eq!(
        client.post(CHAT, &chat("hi", json!({}))).unwrap().status,
        200
    );
    assert_eq!(client.read().unwrap().status, 408);
}

#[test]
fn framing_is_broken() {
    let whole = whole_from(&faulty(Value::Null)).unwrap().body;
    let short = whole_from(&faulty(json!({"kind": "short_length", "missing": 7}))).unwrap();
    assert_eq!((short.body, short.ending), (whole, Ending::Cut));
    let open = stream_from(&faulty(json!({"kind": "no_terminator"}))).unwrap();
    assert_eq!((open.events().len(), open.ending), (19, Ending::Cut));
    let bad = faulty(json!({"kind": "bad_chunk_size", "at": {"events": 4}}));
    let bad = stream_from(&bad).unwrap();
    assert_eq!((bad.events().len(), bad.ending), (4, Ending::Broken));
    let raw = faulty(json!({"kind": "garbage", "at": {"events": 4}, "raw": true, "bytes": 9}));
    assert_eq!(stream_from(&raw).unwrap().ending, Ending::Broken);
    let inside = faulty(json!({"kind": "garbage", "at": {"events": 4}, "bytes": 9}));
    let clean = stream_from(&faulty(Value::Null)).unwrap();
    let inside = stream_from(&inside).unwrap();
    assert_eq!(
        (inside.body.len(), inside.ending),
        (clean.body.len() + 9, Ending::Whole)
    );
}

#[test]
fn an_error_inside_the_stream_ends_it_cleanly() {
    for named in [false, true] {
        let fault = json!({"kind": "error_event", "at": {"events": 2}, "named": named,
                           "body": {"error": {"code": 503}}, "done": true});
        let answer = stream_from(&faulty(fault)).unwrap();
        assert_eq!(
            answer.events()[2..],
            ["{\"error\":{\"code\":503}}", "[DONE]"]
        );
        assert_eq!(
            answer.text().contains("event: error\ndata: {\"error\""),
            named
        );
        assert_eq!(answer.ending, Ending::Whole);
    }
}

#[test]
fn an_endless_body_goes_on_until_the_client_leaves() {
    let sim = faulty(json!({"kind": "endless", "bytes": 3_000_000, "text": "#"}));
    assert_eq!(
        whole_from(&sim).unwrap().text().matches('#').count(),
        3_000_000
    );
    let sim = faulty(json!({"kind": "endless", "at": {"events": 1}, "text": ": ping\n"}));
    let mut client = Client::new(&sim);
    client.send(CHAT, "", &chat("hi", json!({"stream": true})));
    let mut buffer = vec![0; 1_000_000];
    client.stream.read_exact(&mut buffer).unwrap();
    drop(client);
    assert!(sim.wait_for(Kind::ClientClosed, 1, PATIENCE));
}

#[test]
fn comments_are_sent_endlessly_or_a_few_times() {
    let fault = json!({"kind": "comments", "at": {"events": 1}, "interval_ms": 5, "count": 4});
    let answer = stream_from(&faulty(fault)).unwrap();
    assert_eq!(answer.text().matches(": keep-alive\n\n").count(), 4);
    assert_eq!((answer.events().len(), answer.ending), (19, Ending::Whole));
    let sim = faulty(json!({"kind": "comments", "interval_ms": 1}));
    let mut client = Client::new(&sim);
    client.send(CHAT, "", &chat("hi", json!({"stream": true})));
    let mut buffer = [0; 600];
    client.stream.read_exact(&mut buffer).unwrap();
    drop(client);
    assert!(sim.wait_for(Kind::ClientClosed, 1, PATIENCE));
}

#[test]
fn the_end_mark_is_left_out_or_followed_by_events() {
    let dropped = stream_from(&faulty(json!({"kind": "drop_done"}))).unwrap();
    assert_eq!(
        (dropped.events().len(), dropped.ending),
        (18, Ending::Whole)
    );
    let earlier = faulty(json!({"kind": "drop_done", "before_finish": true}));
    assert_eq!(stream_from(&earlier).unwrap().events().len(), 17);
    let later = stream_from(&faulty(json!({"kind": "after_done", "events": 2}))).unwrap();
    let events = later.events();
    assert_eq!((events.len(), events[18].as_str()), (21, "[DONE]"));
    assert!(serde_json::from_str::<Value>(&events[20]).is_ok());
}

#[test]
fn another_answer_is_sent_instead() {
    let page = stream_from(&faulty(json!({"kind": "html", "status": 502}))).unwrap();
    assert_eq!(
        (page.status, page.header("content-type")),
        (502, Some("text/html; charset=utf-8"))
    );
    let away = json!({"kind": "redirect", "status": 308, "location": "http://127.0.0.1:1/x"});
    let away = stream_from(&faulty(away)).unwrap();
    assert_eq!(
        (away.status, away.header("location")),
        (308, Some("http://127.0.0.1:1/x"))
    );
    let sim = faulty(json!({"kind": "interim", "status": 103, "count": 3}));
    let mut client = Client::new(&sim);
    client.send(CHAT, "", &chat("hi", json!({})));
    let statuses: Vec<u16> = (0..4).map(|_| client.read().unwrap().status).collect();
    assert_eq!(statuses, [103, 103, 103, 200]);
}

#[test]
fn errors_carry_status_headers_and_body() {
    let sim = sim(json!({"rules": [
        {"times": 1, "then": {"error": {"status": 429, "code": "slow_down", "message": "no",
                                        "headers": {"retry-after": "0.5"}}}},
        {"times": 1, "then": {"error": {"status": 503, "body": "<b>down</b>"}}},
        {"match": {"nth": 2}, "then": {"error": {"status": 529, "body": {"detail": "x"}}}},
        {"match": {"stream": true}, "then": {"error": {"status": 204}}}
    ]}));
    let mut client = Client::new(&sim);
    let mut ask = |more: Value| client.post(CHAT, &chat("hi", more)).unwrap();
    let first = ask(json!({}));
    assert_eq!(
        (first.status, first.header("retry-after")),
        (429, Some("0.5"))
    );
    assert_eq!(
        first.json(),
        json!({"error": {"message": "no", "type": "rate_limit_error",
                                              "param": null, "code": "slow_down"}})
    );
    let second = ask(json!({}));
    assert_eq!(
        (second.status, second.text().as_str()),
        (503, "<b>down</b>")
    );
    assert_eq!(ask(json!({})).status, 200);
    assert_eq!(ask(json!({})).json(), json!({"detail": "x"}));
    assert_eq!(ask(json!({"stream": true})).status, 204);
    assert_eq!(ask(json!({})).status, 200);
}

#[test]
fn connections_fail_when_they_are_accepted() {
    for (kind, ending) in [("reset", Ending::Reset), ("close", Ending::Cut)] {
        let sim = sim(json!({"accept": {"kind": kind, "times": 2}}));
        for _ in 0..2 {
            let mut client = Client::new(&sim);
            assert_eq!(client.read().unwrap_err(), ending);
        }
        assert_eq!(whole_from(&sim).unwrap().status, 200);
    }
    let sim = sim(json!({"accept": {"kind": "hold"}}));
    let mut client = Client::new(&sim);
    client
        .stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    assert_eq!(client.post(CHAT, &json!({})).unwrap_err(), Ending::Silent);
}

#[test]
fn refused_connections_recover_with_the_next_script_or_in_time() {
    let sim = faulty(Value::Null);
    set_script(&sim, json!({"accept": {"kind": "refuse"}}));
    assert!(TcpStream::connect(("127.0.0.1", sim.port())).is_err());
    set_script(&sim, json!({}));
    assert_eq!(whole_from(&sim).unwrap().status, 200);
    set_script(&sim, json!({"accept": {"kind": "refuse", "for_ms": 50}}));
    let began = Instant::now();
    assert!(TcpStream::connect(("127.0.0.1", sim.port())).is_err());
    while TcpStream::connect(("127.0.0.1", sim.port())).is_err() {
        assert!(began.elapsed() < PATIENCE);
    }
}

#[test]
fn events_are_sent_twice_where_the_script_says() {
    let whole = stream_from(&faulty(Value::Null)).unwrap();
    let events = whole.events();
    let mut expected = events.clone();
    expected.splice(2..4, [2, 2, 3, 3].map(|number| events[number].clone()));
    let fault = json!({"kind": "repeat", "after": 2, "events": 2});
    let replay = json!({"text": whole.text(), "chunking": {"bytes": 7}});
    for script in [
        json!({"fault": fault}),
        json!({"fault": fault, "pacing": {"tokens_per_write": 3}}),
        json!({"fault": fault, "framing": "length"}),
        json!({"fault": fault, "replay": replay}),
    ] {
        let answer = stream_from(&sim(json!({"default": script}))).unwrap();
        assert_eq!(answer.events(), expected, "{script}");
        assert_eq!(answer.ending, Ending::Whole);
    }
    let once = stream_from(&faulty(json!({"kind": "repeat"}))).unwrap();
    assert_eq!(once.events().len(), events.len() + 1);
    // A reply in one piece has no events.
    let whole = whole_from(&faulty(json!({"kind": "repeat"}))).unwrap();
    assert_eq!(whole.json()["choices"].as_array().unwrap().len(), 1);
}
