//! One connection: requests in, answers out, until one side ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::control;
use crate::http::{ReadError, Request, Wire, read_request};
use crate::log::{Entry, Kind, RequestRecord, secret_hash};
use crate::reply::{Plan, is_key_header, plan, plan_for};
use crate::script::{ErrorReply, Fault};
use crate::send::{Ids, Stop, answer};
use crate::state::{Prepared, State};

/// Headers whose values never enter the log, besides those in which an API takes its key.
const SECRET_HEADERS: [&str; 4] = [
    "x-api-key",
    "x-goog-api-key",
    "cookie",
    "proxy-authorization",
];

/// What happens to the connection while it is idle.
#[derive(Debug, Default)]
enum Idle {
    #[default]
    Wait,
    Close {
        at: Instant,
        reset: bool,
    },
    CloseOnNext {
        reset: bool,
    },
    Bytes {
        at: Instant,
        text: String,
    },
}

/// Counts a connection as open while it lives.
struct Open<'a>(&'a State);

impl<'a> Open<'a> {
    fn new(state: &'a State) -> Self {
        let counters = &state.counters;
        let open = counters.open_connections.fetch_add(1, Ordering::Relaxed) + 1;
        counters.peak_connections.fetch_max(open, Ordering::Relaxed);
        Self(state)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0
            .counters
            .open_connections
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve(state: Arc<State>, stream: TcpStream, number: u64) {
    let _open = Open::new(&state);
    let wire = Wire::new(stream);
    let connection = Connection {
        state: &state,
        wire,
        number,
        is_logged: false,
        is_control: false,
    };
    connection.run().await;
}

struct Connection<'a> {
    state: &'a State,
    wire: Wire,
    number: u64,
    is_logged: bool,
    is_control: bool,
}

impl Connection<'_> {
    async fn run(mut self) {
        let mut idle = Idle::Wait;
        loop {
            match self.wait_idle(&idle).await {
                Ok(()) => {}
                Err(stop) => return self.end(stop),
            }
            let request = match read_request(&mut self.wire).await {
                Ok(request) => request,
                Err(ReadError::Gone(gone, _)) => return self.end(Stop::Gone(gone)),
                Err(ReadError::Bad(status, message)) => return self.refuse(status, message).await,
            };
            let arrived = Instant::now();
            if !self.is_host_allowed(&request) {
                return self
                    .refuse(
                        403,
                        "the Host header names neither loopback nor this server",
                    )
                    .await;
            }
            if request.path().starts_with("/_sim/") {
                self.is_control = true;
                let answer = control::answer(self.state, &request).await;
                if self.wire.send(&answer).await.is_err() || request.close {
                    return;
                }
                continue;
            }
            if let Idle::CloseOnNext { reset } = idle {
                let stop = if reset { Stop::Reset } else { Stop::Close };
                self.note_request(&request, &Value::Null);
                return self.end(stop);
            }
            idle = match self.respond(request, arrived).await {
                Ok(Some(idle)) => idle,
                Ok(None) => return self.end(Stop::Close),
                Err(Stop::Reset) => return self.wire.reset(),
                Err(_) => return,
            };
        }
    }

    /// Waits for the first byte of a request as long as the idle connection is left alone.
    async fn wait_idle(&mut self, idle: &Idle) -> Result<(), Stop> {
        match idle {
            Idle::Close { at, reset } => {
                if self.wire.data_until(*at).await? {
                    return Ok(());
                }
                Err(if *reset { Stop::Reset } else { Stop::Close })
            }
            Idle::Bytes { at, text } => {
                if !self.wire.data_until(*at).await? {
                    self.wire.send(text.as_bytes()).await?;
                }
                Ok(())
            }
            Idle::Wait | Idle::CloseOnNext { .. } => Ok(()),
        }
    }

    /// Answers one request; `None` when the connection is to be closed after it.
    async fn respond(&mut self, request: Request, arrived: Instant) -> Result<Option<Idle>, Stop> {
        let json = if request.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&request.body).unwrap_or(Value::Null)
        };
        let ids = self.note_request(&request, &json);
        let active = self.state.active();
        let plan = match &self.state.answerer {
            Some(answerer) if request.method() == "POST" => {
                let behaviour = answerer.ask(record(&request, &json)).await;
                let prepared = Prepared::new(&behaviour, None);
                plan_for(&active, &request, &json, &prepared, true)
            }
            _ => plan(&active, &request, &json),
        };
        drop(json);
        let client_closes = request.close;
        drop(request);
        let prepared = Arc::clone(&plan.prepared);
        let counters = &self.state.counters;
        counters.open_requests.fetch_add(1, Ordering::Relaxed);
        let result = answer(
            &mut self.wire,
            self.state,
            ids,
            plan,
            arrived,
            client_closes,
        )
        .await;
        counters.open_requests.fetch_sub(1, Ordering::Relaxed);
        let fault = prepared.behaviour.fault.as_ref();
        result.map(|keeps| keeps.then(|| idle_after(fault)))
    }

    /// Ends a connection between two answers.
    fn end(mut self, stop: Stop) {
        let (kind, what) = match stop {
            Stop::Gone(gone) => (Kind::ClientClosed, Some(gone.name())),
            Stop::Reset => (Kind::Reset, None),
            Stop::Close | Stop::EndBody => (Kind::Closed, None),
        };
        if matches!(stop, Stop::Gone(_)) {
            self.state
                .counters
                .closed_by_client
                .fetch_add(1, Ordering::Relaxed);
        }
        // A connection that was used for `/_sim/` alone leaves no trace.
        if self.is_logged || !self.is_control {
            self.note_accepted();
            let mut entry = Entry::new(kind, self.number, 0);
            entry.what = what;
            self.state.log.write(entry);
        }
        if stop == Stop::Reset {
            self.wire.reset();
        }
    }

    /// Answers what is not a request, and closes.
    async fn refuse(mut self, status: u16, message: &str) {
        self.note_accepted();
        let error = ErrorReply {
            message: Some(message.to_owned()),
            ..ErrorReply::status(status)
        };
        let ids = Ids {
            connection: self.number,
            request: 0,
        };
        let plan = Plan::refusal(&error);
        let now = Instant::now();
        if answer(&mut self.wire, self.state, ids, plan, now, true)
            .await
            .is_ok()
        {
            self.wire.close_gently().await;
        }
    }

    fn note_accepted(&mut self) {
        if !std::mem::replace(&mut self.is_logged, true) {
            self.state
                .log
                .write(Entry::new(Kind::Accepted, self.number, 0));
        }
    }

    fn note_request(&mut self, request: &Request, json: &Value) -> Ids {
        self.note_accepted();
        let number = self.state.counters.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mut entry = Entry::new(Kind::Request, self.number, number);
        if self.state.log.is_on() {
            entry.http = Some(Arc::new(record(request, json)));
        }
        self.state.log.write(entry);
        Ids {
            connection: self.number,
            request: number,
        }
    }

    /// A page that a browser was led to by a foreign name must not be able to speak to us.
    fn is_host_allowed(&self, request: &Request) -> bool {
        let Some(host) = request.header("host") else {
            return true;
        };
        if self.state.any_host {
            return true;
        }
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let is_loopback = name.parse::<std::net::IpAddr>().map_or_else(
            |_| name.eq_ignore_ascii_case("localhost"),
            |ip| ip.is_loopback(),
        );
        is_loopback
            || self
                .state
                .allowed_hosts
                .iter()
                .any(|h| h.eq_ignore_ascii_case(name))
    }
}

fn idle_after(fault: Option<&Fault>) -> Idle {
    let at = |after_ms: &u64| Instant::now() + Duration::from_millis(*after_ms);
    match fault {
        Some(Fault::IdleClose { after_ms, reset }) => Idle::Close {
            at: at(after_ms),
            reset: *reset,
        },
        Some(Fault::CloseOnNext { reset }) => Idle::CloseOnNext { reset: *reset },
        Some(Fault::IdleBytes { after_ms, text }) => Idle::Bytes {
            at: at(after_ms),
            text: text.clone(),
        },
        _ => Idle::Wait,
    }
}

/// A request as the log shows it.
fn record(request: &Request, json: &Value) -> RequestRecord {
    let headers = request.headers().map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let is_secret = SECRET_HEADERS.contains(&name.as_str()) || is_key_header(&name);
        let value = if is_secret {
            secret_hash(value)
        } else {
            value.to_owned()
        };
        (name, value)
    });
    let path = match request.parameter("key") {
        Some(key) if !key.is_empty() => {
            let query = request.query().replace(key, &secret_hash(key));
            format!("{}?{query}", request.path())
        }
        _ => request.target().to_owned(),
    };
    let body = match json {
        Value::Null if !request.body.is_empty() => {
            Value::String(String::from_utf8_lossy(&request.body).into_owned())
        }
        json => json.clone(),
    };
    RequestRecord {
        method: request.method().to_owned(),
        path,
        headers: headers.collect(),
        body,
        body_bytes: request.body.len(),
    }
}
