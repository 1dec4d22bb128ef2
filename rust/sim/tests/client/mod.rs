//! A small blocking HTTP client that shows a test what arrived on the socket.
// Each test file uses a part of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    // `json!` as an argument reads better than a reference to it.
    clippy::needless_pass_by_value
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use tokenwire_sim::{Config, Script, Sim};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Where its framing says.
    Whole,
    /// By the end of the connection, which was announced.
    Eof,
    /// By the end of the connection, too soon.
    Cut,
    /// By a reset.
    Reset,
    /// The framing is broken.
    Broken,
    /// Nothing arrived for a while.
    Silent,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) chunks: usize,
    pub(crate) ending: Ending,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        lines.map(str::to_owned).collect()
    }

    /// The events that are JSON.
    pub(crate) fn chunks_json(&self) -> Vec<Value> {
        let events = self.events();
        events
            .iter()
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    /// The text of one `delta` field of choice `index`, over all events.
    pub(crate) fn said(&self, index: u64, field: &str) -> String {
        let mut said = String::new();
        for chunk in self.chunks_json() {
            for choice in chunk["choices"].as_array().into_iter().flatten() {
                if choice["index"] == index {
                    said += choice["delta"][field].as_str().unwrap_or_default();
                }
            }
        }
        said
    }
}

/// A connection that stays open between requests.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) unread: Vec<u8>,
}

impl Client {
    pub(crate) fn new(sim: &Sim) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", sim.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, path: &str, headers: &str, body: &Value) {
        let body = body.to_string();
        self.write(&format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    pub(crate) fn write(&mut self, text: &str) {
        // This fails if the server has already closed; what it sent before can still be read.
        let _ = self.stream.write_all(text.as_bytes());
    }

    fn fill(&mut self) -> Result<(), Ending> {
        let mut buffer = vec![0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(Ending::Cut),
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(Ending::Silent),
            Err(_) => Err(Ending::Reset),
        }
    }

    /// Takes bytes up to and including the separator.
    fn take_to(&mut self, separator: &[u8]) -> Result<Vec<u8>, Ending> {
        loop {
            let found = self
                .unread
                .windows(separator.len())
                .position(|w| w == separator);
            if let Some(at) = found {
                return Ok(self.unread.drain(..at + separator.len()).collect());
            }
            self.fill()?;
        }
    }

    fn take(&mut self, count: usize, into: &mut Vec<u8>) -> Result<(), Ending> {
        while self.unread.len() < count {
            if let Err(ending) = self.fill() {
                into.append(&mut self.unread);
                return Err(ending);
            }
        }
        into.extend(self.unread.drain(..count));
        Ok(())
    }

    /// Reads one answer. Fails if not even its head arrived.
    pub(crate) fn read(&mut self) -> Result<Answer, Ending> {
        let head = String::from_utf8(self.take_to(b"\r\n\r\n")?).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: Vec::new(),
            chunks: 0,
            ending: Ending::Whole,
        };
        if matches!(status, 100..=199 | 204 | 304) {
            return Ok(answer);
        }
        let result = if answer.header("transfer-encoding").is_some() {
            self.read_chunks(&mut answer)
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            self.take(length, &mut answer.body)
        } else {
            match self.take(usize::MAX, &mut answer.body) {
                Err(Ending::Cut) => Err(Ending::Eof),
                other => other,
            }
        };
        answer.ending = result.err().unwrap_or(Ending::Whole);
        Ok(answer)
    }

    fn read_chunks(&mut self, answer: &mut Answer) -> Result<(), Ending> {
        loop {
            let line = self.take_to(b"\r\n")?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| Ending::Broken)?;
            self.take(size, &mut answer.body)?;
            let mut end = Vec::new();
            self.take(2, &mut end)?;
            if end != b"\r\n" {
                return Err(Ending::Broken);
            }
            if size == 0 {
                return Ok(());
            }
            answer.chunks += 1;
        }
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Ending> {
        self.send(path, "", body);
        self.read()
    }

    /// Whether the connection ends without more bytes.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.unread.is_empty() && matches!(self.fill(), Err(Ending::Cut | Ending::Reset))
    }
}

/// Starts a simulator with a script.
pub(crate) fn sim(script: Value) -> Sim {
    let script = Script::parse(&script.to_string()).unwrap();
    Sim::start(Config {
        script,
        ..Config::default()
    })
    .unwrap()
}

/// The body of a chat request.
pub(crate) fn chat(prompt: &str, more: Value) -> Value {
    let mut body = json!({"model": "words", "messages": [{"role": "user", "content": prompt}]});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// Requests a streamed chat on a new connection.
pub(crate) fn stream_from(sim: &Sim) -> Result<Answer, Ending> {
    Client::new(sim).post("/v1/chat/completions", &chat("hi", json!({"stream": true})))
}

/// Requests a whole chat on a new connection.
pub(crate) fn whole_from(sim: &Sim) -> Result<Answer, Ending> {
    Client::new(sim).post("/v1/chat/completions", &chat("hi", json!({})))
}
