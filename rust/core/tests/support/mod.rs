//! A server whose every byte the test decides, and clients for it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is the message of the test that uses it"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::{ClientConfig, Family, RetryPolicy, Secret};
use tokenwire_core::error::{Attempt, Error, ErrorKind};
use tokenwire_core::http::{Hub, Transport};
use tokenwire_core::message::{Reply, Timing};
use tokenwire_core::stream::{Queue, pump};
use tokenwire_core::wire::{Provider, providers};

/// What a connection does next.
pub enum Act {
    /// Reads one request.
    Read,
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Writes the same bytes again and again, with pauses, until the test signals or the client closes.
    Repeat(Vec<u8>, Duration, Receiver<()>),
    /// Waits until the test signals.
    Wait(Receiver<()>),
    /// Waits until the client closes, and then signals the test.
    UntilClosed(Sender<()>),
    /// Closes with a FIN.
    Close,
    /// Closes with a FIN, and then signals the test.
    CloseAndSignal(Sender<()>),
    /// Waits for a request and leaves it unread, so that a later close is an RST.
    Peek,
}

/// One request as received.
#[derive(Debug, Clone)]
pub struct Seen {
    pub connection: usize,
    pub head: String,
    pub body: Vec<u8>,
}

pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<Mutex<usize>>,
}

impl Server {
    /// Serves connection number `n` (from 0) with the acts of `script(n)`, and then closes it.
    pub fn start(script: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let connections: Arc<Mutex<usize>> = Arc::default();
        let script = Arc::new(script);
        let (log, count) = (seen.clone(), connections.clone());
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                *count.lock() += 1;
                let (script, log) = (script.clone(), log.clone());
                std::thread::spawn(move || serve(number, stream, script(number), &log));
            }
        });
        Self {
            address,
            seen,
            connections,
        }
    }

    /// Answers every request with `answer`, and keeps the connections open.
    pub fn always(answer: Vec<u8>) -> Self {
        Self::start(move |_| {
            (0..100)
                .flat_map(|_| [Act::Read, Act::Send(answer.clone())])
                .collect()
        })
    }

    /// Answers every request with a complete stream.
    pub fn always_stream() -> Self {
        Self::always(stream())
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn requests(&self) -> usize {
        self.seen.lock().len()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock()
    }
}

fn serve(number: usize, mut stream: TcpStream, acts: Vec<Act>, log: &Mutex<Vec<Seen>>) {
    stream.set_nodelay(true).unwrap();
    for act in acts {
        match act {
            Act::Read => match read_request(&mut stream) {
                Some((head, body)) => log.lock().push(Seen {
                    connection: number,
                    head,
                    body,
                }),
                None => return,
            },
            Act::Send(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
            Act::Repeat(bytes, pause, stop) => {
                use std::sync::mpsc::RecvTimeoutError::Timeout;
                while matches!(stop.recv_timeout(pause), Err(Timeout)) {
                    if stream.write_all(&bytes).is_err() {
                        return;
                    }
                }
            }
            Act::Wait(signal) => {
                let _ = signal.recv();
            }
            Act::UntilClosed(closed) => {
                let mut sink = [0; 1024];
                while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
                let _ = closed.send(());
            }
            Act::Close => return,
            Act::CloseAndSignal(closed) => {
                stream.shutdown(std::net::Shutdown::Both).unwrap();
                let _ = closed.send(());
                return;
            }
            Act::Peek => {
                let mut one = [0; 1];
                let _ = stream.peek(&mut one);
            }
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut one = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut one).ok()? == 0 {
            return None;
        }
        bytes.push(one[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned))
        .map_or(0, |length| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    if head.contains("transfer-encoding: chunked") {
        while !body.ends_with(LAST_CHUNK.as_bytes()) {
            stream.read_exact(&mut one).ok()?;
            body.push(one[0]);
        }
    }
    Some((head, body))
}

pub const REPLY: &str = r#"{"id":"r1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;

/// A response with a length.
pub fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

pub fn ok() -> Vec<u8> {
    response("200 OK", "content-type: application/json\r\n", REPLY)
}

/// The head of a chunked event stream.
pub const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

pub const LAST_CHUNK: &str = "0\r\n\r\n";

/// An event with `text`.
pub fn piece(text: &str) -> String {
    format!(
        "data: {{\"id\":\"s1\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    )
}

pub const FINISH: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
pub const DONE: &str = "data: [DONE]\n\n";

/// A complete stream that says `hello`.
pub fn stream() -> Vec<u8> {
    let events = format!("{}{}{FINISH}{DONE}", piece("hel"), piece("lo"));
    format!("{STREAM_HEAD}{}{LAST_CHUNK}", chunk(&events)).into_bytes()
}

/// Starts a stream with `events` and leaves it open.
pub fn begun(events: &str) -> Vec<u8> {
    format!("{STREAM_HEAD}{}", chunk(events)).into_bytes()
}

pub const KEY: &str = "sk-canary-0123456789";

pub fn config(base_url: &str) -> ClientConfig {
    ClientConfig {
        base_url: Some(base_url.to_owned()),
        api_key: Some(Secret::new(KEY.to_owned())),
        retry: RetryPolicy {
            // Real waits would make the tests slow. The tests of the policy check their lengths.
            first: Duration::from_millis(1),
            throttle_first: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        transport: std::env::var("TOKENWIRE_TRANSPORT")
            .ok()
            .map(|name| name.parse().unwrap()),
        trust_env: false,
        ..ClientConfig::new("m".to_owned(), Family::Chat)
    }
}

pub fn openai() -> Arc<Provider> {
    providers::find("openai").unwrap()
}

/// A client with its hub and transport.
pub struct Bench {
    pub hub: Arc<Hub>,
    pub transport: Transport,
    pub client: Client,
}

impl Bench {
    pub fn new(base_url: &str) -> Self {
        Self::with(base_url, |_| {})
    }

    pub fn with(base_url: &str, change: impl FnOnce(&mut ClientConfig)) -> Self {
        let hub = Hub::new();
        let mut config = config(base_url);
        change(&mut config);
        Self {
            transport: Transport::new(hub.clone()),
            client: Client::new(&hub, openai(), config, None).unwrap(),
            hub,
        }
    }

    pub fn call(&self, stream: bool) -> Call {
        self.call_with(stream, CallOptions::default())
    }

    pub fn call_with(&self, stream: bool, options: CallOptions) -> Call {
        let request = format!(r#"{{"model":"m","input":"hi","stream":{stream}}}"#);
        self.client.prepare(request.as_bytes(), options).unwrap()
    }

    pub async fn complete(&self) -> Result<tokenwire_core::call::Completed, Error> {
        tokenwire_core::call::complete(&self.transport, self.call(false)).await
    }

    pub async fn stream(&self) -> Streamed {
        self.stream_with(CallOptions::default()).await
    }

    pub async fn stream_with(&self, options: CallOptions) -> Streamed {
        let call = self.call_with(true, options);
        let queue = Queue::new(call.buffer_bytes(), call.max_reply_bytes(), call.started());
        pump(&self.transport, call, queue.clone()).await;
        Streamed::of(&queue)
    }
}

/// A stream that is over.
pub struct Streamed {
    pub end: Option<Error>,
    pub reply: Reply,
    pub timing: Timing,
    pub attempts: Vec<Attempt>,
    pub chunks: usize,
}

impl Streamed {
    pub fn of(queue: &Queue) -> Self {
        let mut chunks = 0;
        let mut buffer = std::collections::VecDeque::new();
        let end = loop {
            match queue.take(&mut buffer) {
                tokenwire_core::stream::Taken::Items => {
                    chunks += buffer.len();
                    buffer.clear();
                }
                tokenwire_core::stream::Taken::Nothing => panic!("the stream is not over"),
                tokenwire_core::stream::Taken::End(end) => break end,
            }
        };
        let (reply, timing, attempts, _) = queue.snapshot();
        Self {
            end,
            reply: Arc::unwrap_or_clone(reply),
            timing,
            attempts,
            chunks,
        }
    }

    pub fn text(&self) -> String {
        let first = self.reply.choices.first();
        first.map_or_else(String::new, |choice| choice.text().into_owned())
    }

    pub fn kind(&self) -> Option<ErrorKind> {
        self.end.as_ref().map(Error::kind)
    }
}

/// A signal from the server to the test, or back.
pub fn signal() -> (Sender<()>, Receiver<()>) {
    channel()
}

/// Waits for a signal from the server. The runtime goes on meanwhile; a blocked one could close nothing.
pub async fn heard(signal: &Receiver<()>) {
    let wait = async {
        while signal.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
    waited.unwrap();
}
