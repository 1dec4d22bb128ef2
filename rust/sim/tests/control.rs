//! The log, the control endpoints, limits, and the life of a simulator.

mod client;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, Ending, PATIENCE, chat, sim, stream_from, whole_from};
use serde_json::{Value, json};
use tokenwire_sim::{Answerer, Behaviour, Config, Kind, RequestRecord, Script, Sim, secret_hash};

const CHAT: &str = "/v1/chat/completions";

#[allow(clippy::unwrap_used)]
fn get(client: &mut Client, path: &str) -> Value {
    client.write(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    client.read().unwrap().json()
}

#[test]
fn the_log_records_a_request_without_its_key() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let key = "authorization: Bearer sk-canary\r\nx-trace: 7\r\n";
    client.send(
        "/v1/chat/completions?key=sk-canary&a=1",
        key,
        &chat("hi", json!({"stream": true})),
    );
    assert_eq!(client.read().unwrap().ending, Ending::Whole);
    drop(client);
    assert!(sim.wait_for(Kind::ClientClosed, 1, PATIENCE));
    let log = sim.log();
    let kinds: Vec<Kind> = log.iter().map(|record| record.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::Accepted,
            Kind::Request,
            Kind::HeadSent,
            Kind::Finished,
            Kind::ClientClosed
        ]
    );
    let seqs: Vec<u64> = log.iter().map(|record| record.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    let request = log[1].http.as_ref().unwrap();
    let headers: HashMap<_, _> = request.headers.iter().cloned().collect();
    assert_eq!(headers["authorization"], secret_hash("Bearer sk-canary"));
    assert_eq!(headers["x-trace"], "7");
    assert_eq!(request.body["messages"][0]["content"], "hi");
    assert_eq!((log[3].events, log[2].status), (19, Some(200)));
    assert!(!serde_json::to_string(&log).unwrap().contains("canary"));
}

#[test]
fn a_client_that_leaves_between_paced_tokens_is_noticed_at_once() {
    let sim = sim(json!({"default": {"pacing": {"per_token_us": 5_000_000}}}));
    let mut client = Client::new(&sim);
    client.send(CHAT, "", &chat("hi", json!({"stream": true})));
    assert!(sim.wait_for(Kind::EventsSent, 2, PATIENCE));
    let before = Instant::now();
    drop(client);
    assert!(sim.wait_for(Kind::ClientClosed, 1, PATIENCE));
    assert!(before.elapsed() < Duration::from_millis(500));
    assert_eq!(sim.stats().cancelled, 1);
}

#[test]
fn tokens_arrive_on_time() {
    let pacing =
        json!({"head_delay_ms": 20, "first_token_ms": 40, "per_token_us": 2000, "tokens": 50});
    let sim = sim(json!({"default": {"pacing": pacing}}));
    let before = Instant::now();
    let mut client = Client::new(&sim);
    client.send(CHAT, "", &chat("hi", json!({"stream": true})));
    assert!(sim.wait_for(Kind::HeadSent, 1, PATIENCE));
    let head = before.elapsed();
    assert!(sim.wait_for(Kind::EventsSent, 2, PATIENCE));
    let first = before.elapsed();
    client.read().unwrap();
    let all = before.elapsed();
    assert!(head >= Duration::from_millis(20) && first >= Duration::from_millis(60));
    assert!(
        all >= Duration::from_millis(158) && all < Duration::from_millis(400),
        "{all:?}"
    );
    let whole = Instant::now();
    whole_from(&sim).unwrap();
    assert!(whole.elapsed() >= Duration::from_millis(158));
}

#[test]
fn a_write_holds_the_requested_number_of_events() {
    let ask = |pacing: Value| stream_from(&sim(json!({"default": {"pacing": pacing}}))).unwrap();
    assert_eq!(ask(json!({"tokens": 62})).chunks, 65);
    assert_eq!(ask(json!({"tokens": 61, "tokens_per_write": 8})).chunks, 8);
    let small = ask(json!({"tokens": 3, "bytes_per_write": 10, "delay_between_writes_us": 100}));
    assert_eq!(
        small.chunks,
        small.body.chunks(320 * 10).count().max(small.chunks)
    );
    assert!(small.chunks > 100);
}

#[test]
fn control_requests_are_not_logged() {
    let sim = sim(json!({}));
    let mut control = Client::new(&sim);
    let script = json!({"default": {"reply": {"text": "scripted"}}});
    assert_eq!(control.post("/_sim/script", &script).unwrap().status, 200);
    let reply = whole_from(&sim).unwrap().json();
    assert_eq!(reply["choices"][0]["message"]["content"], "scripted");
    let path = "/_sim/wait?kind=client_closed&count=1&timeout_ms=10000";
    assert_eq!(get(&mut control, path)["reached"], true);
    assert_eq!(
        get(&mut control, "/_sim/wait?kind=reset&timeout_ms=10")["reached"],
        false
    );
    let stats = get(&mut control, "/_sim/stats");
    assert_eq!(
        (stats["accepts"].as_u64(), stats["requests"].as_u64()),
        (Some(2), Some(1))
    );
    let log = get(&mut control, "/_sim/log?take=1");
    assert_eq!(log.as_array().unwrap().len(), 5);
    assert_eq!(get(&mut control, "/_sim/log"), json!([]));
    assert_eq!(control.post("/_sim/reset", &json!({})).unwrap().status, 200);
    assert_eq!(get(&mut control, "/_sim/stats")["requests"], 0);
    let wrong = get(&mut control, "/_sim/wait?kind=reset&count=x");
    assert_eq!(
        wrong["error"]["message"],
        "count must be a whole number, not \"x\""
    );
    let wrong = control
        .post("/_sim/script", &json!({"defualt": {}}))
        .unwrap();
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text().contains("unknown field `defualt`"),
        "{}",
        wrong.text()
    );
    drop(control);
    while sim.stats().open_connections > 0 {
        std::thread::yield_now();
    }
    assert_eq!(sim.log(), []);
}

#[test]
fn bad_scripts_name_the_field() {
    for (script, word) in [
        (json!({"accept": {"kind": "serve", "times": 1}}), "times"),
        (
            json!({"rules": [{"then": {"fault": {"kind": "resett"}}}]}),
            "resett",
        ),
        (
            json!({"default": {"fault": {"kind": "reset", "att": 1}}}),
            "att",
        ),
        (
            json!({"default": {"pacing": {"per_token_ms": 1}}}),
            "per_token_ms",
        ),
        (
            json!({"default": {"error": {"headers": {"a": "b\r\nc: d"}}}}),
            "default.error.headers.a",
        ),
        (
            json!({"rules": [{"then": {"replay": {}}}]}),
            "rules[0].then.replay",
        ),
        (json!({"default": {"framing": "raw"}}), "default.framing"),
        (
            json!({"default": {"error": {"status": 99}}}),
            "default.error.status",
        ),
    ] {
        let error = Script::parse(&script.to_string()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn foreign_hosts_and_oversized_requests_are_refused() {
    let sim = sim(json!({}));
    let status = |head: &str| {
        let mut client = Client::new(&sim);
        client.write(head);
        client.read().unwrap().status
    };
    for (host, expected) in [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.2:1", 200),
        ("[::1]:1", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("10.0.0.1", 403),
    ] {
        let head = format!("GET /v1/models HTTP/1.1\r\nhost: {host}\r\n\r\n");
        assert_eq!(status(&head), expected, "{host}");
    }
    assert_eq!(status("GET /v1/models HTTP/1.1\r\n\r\n"), 200);
    assert_eq!(
        status("POST /v1/x HTTP/1.1\r\ncontent-length: 67108865\r\n\r\n"),
        413
    );
    assert_eq!(
        status("POST /v1/x HTTP/1.1\r\ncontent-length: -1\r\n\r\n"),
        400
    );
    assert_eq!(status("nonsense\r\n\r\n"), 400);
    assert_eq!(
        status(&format!(
            "GET / HTTP/1.1\r\nx: {}\r\n\r\n",
            "y".repeat(70_000)
        )),
        431
    );
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    assert_eq!(status(&many), 431);
    let chunked = "POST /v1/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(status(&format!("{chunked}5000000\r\n")), 413);
    assert_eq!(status(&format!("{chunked}zz\r\n")), 400);
    assert_eq!(status(&format!("{chunked}1\r\nab\r\n")), 400);
}

#[test]
fn chunked_requests_with_expect_continue_are_read() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    let body = chat("hi", json!({})).to_string();
    let (first, second) = body.split_at(10);
    client.write(&format!(
        "POST {CHAT} HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
    ));
    assert_eq!(client.read().unwrap().status, 100);
    client.write(&format!(
        "a\r\n{first}\r\n{:x};x=y\r\n{second}\r\n0\r\ntrailer: x\r\n\r\n",
        second.len()
    ));
    assert_eq!(client.read().unwrap().status, 200);
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let sim = sim(json!({}));
    let mut client = Client::new(&sim);
    for prompt in ["a", "b b", "c c c"] {
        client.send(CHAT, "", &chat(prompt, json!({})));
    }
    let words: Vec<Value> = (0..3)
        .map(|_| client.read().unwrap().json()["usage"]["prompt_tokens"].clone())
        .collect();
    assert_eq!(words, [json!(1), json!(2), json!(3)]);
}

#[test]
fn an_announced_close_happens() {
    let sim = sim(json!({"default": {"close_after": true}}));
    let mut client = Client::new(&sim);
    let answer = client.post(CHAT, &chat("hi", json!({}))).unwrap();
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(client.is_at_end());
    let sim = self::sim(json!({}));
    let mut client = Client::new(&sim);
    client.send(CHAT, "connection: close\r\n", &chat("hi", json!({})));
    assert_eq!(client.read().unwrap().header("connection"), Some("close"));
    assert!(client.is_at_end());
}

#[test]
fn the_log_is_bounded_and_can_be_off() {
    for capacity in [0, 4] {
        let config = Config {
            log_capacity: capacity,
            ..Config::default()
        };
        let sim = Sim::start(config).unwrap();
        for _ in 0..5 {
            whole_from(&sim).unwrap();
        }
        assert!(sim.wait_for(Kind::ClientClosed, 5, PATIENCE));
        assert_eq!(sim.log().len(), capacity);
        assert_eq!((sim.count(Kind::Request), sim.stats().finished), (5, 5));
    }
}

#[test]
fn a_wait_without_a_limit_ends_with_its_record() {
    let sim = sim(json!({}));
    whole_from(&sim).unwrap();
    assert!(sim.wait_for(Kind::Finished, 1, Duration::MAX));
}

#[test]
fn many_simulators_start_and_stop() {
    let sims: Vec<Sim> = (0..20).map(|_| sim(json!({}))).collect();
    let mut ports: Vec<u16> = sims.iter().map(Sim::port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 20);
    let mut held = Client::new(&sims[0]);
    held.send(CHAT, "", &chat("hi", json!({})));
    held.read().unwrap();
    for sim in &sims {
        sim.stop();
        sim.stop();
        assert!(TcpStream::connect(("127.0.0.1", sim.port())).is_err());
    }
    assert!(held.is_at_end());
}

#[test]
fn other_addresses_need_permission() {
    let host = "0.0.0.0".parse().unwrap();
    let refused = Sim::start(Config {
        host,
        ..Config::default()
    })
    .err()
    .unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    let sim = Sim::start(Config {
        host,
        allow_remote: true,
        ..Config::default()
    })
    .unwrap();
    let mut client = Client::new(&sim);
    client.write("GET /v1/models HTTP/1.1\r\nhost: some.name\r\n\r\n");
    assert_eq!(client.read().unwrap().status, 200);
}

#[test]
fn the_command_serves_until_its_pipe_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tokenwire-sim"))
        .args(["--port", "0", "--tokens", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .strip_prefix("listening http://")
        .unwrap()
        .trim()
        .strip_suffix("/v1");
    let mut stream = TcpStream::connect(address.unwrap()).unwrap();
    stream
        .write_all(b"GET /v1/models HTTP/1.0\r\n\r\n")
        .unwrap();
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status).unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let port = address.unwrap().rsplit(':').next().unwrap();
    let holder = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let taken = Command::new(env!("CARGO_BIN_EXE_tokenwire-sim"))
        .args(["--port", port])
        .output()
        .unwrap();
    drop(holder);
    assert_eq!(taken.status.code(), Some(1));
    let said = String::from_utf8(taken.stderr).unwrap();
    assert!(
        said.contains(&format!("port {port} of 127.0.0.1 is in use")),
        "{said}"
    );
    let wrong = Command::new(env!("CARGO_BIN_EXE_tokenwire-sim"))
        .arg("--prot")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_script_survives_its_own_json() {
    let script = Script::parse(
        r#"{"default": {"pacing": {"tokens": 3}, "framing": "close"},
            "rules": [{"match": {"nth": 1}, "times": 2,
                       "then": {"fault": {"kind": "stall", "at": {"events": 1}}}}],
            "accept": {"kind": "refuse", "for_ms": 1}, "models": ["m"]}"#,
    )
    .unwrap();
    let json = serde_json::to_string(&script).unwrap();
    assert_eq!(Script::parse(&json).unwrap(), script);
}

#[test]
fn an_answerer_replaces_the_script() {
    let answerer: Answerer = Arc::new(|request: &RequestRecord| {
        let asked = request.body["messages"][0]["content"].as_str().unwrap();
        assert_ne!(asked, "panic");
        Behaviour::parse(asked).unwrap()
    });
    let config = Config {
        answerer: Some(answerer),
        script: Script::parse(r#"{"default": {"error": {"status": 418}}}"#).unwrap(),
        ..Config::default()
    };
    let sim = Sim::start(config).unwrap();
    let mut client = Client::new(&sim);
    let cut = r#"{"reply": {"text": "one two three"}}"#;
    let whole = r#"{"reply": {"text": "one two three", "verbatim": true}}"#;
    for (behaviour, text, finish) in [(cut, "one two", "length"), (whole, "one two three", "stop")]
    {
        let limits = json!({"max_tokens": 2, "stop": ["four"]});
        let answer = client.post(CHAT, &chat(behaviour, limits)).unwrap().json();
        let choice = &answer["choices"][0];
        assert_eq!(choice["message"]["content"], text);
        assert_eq!(choice["finish_reason"], finish);
    }
    let answer = client.post(CHAT, &chat("panic", json!({}))).unwrap();
    assert_eq!(answer.status, 500);
    // Any other method is left to the script.
    client.write("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(client.read().unwrap().status, 418);
    assert!(Behaviour::parse(r#"{"replies": 1}"#).is_err());
    assert!(Behaviour::parse(r#"{"error": {"status": 1}}"#).is_err());
}
