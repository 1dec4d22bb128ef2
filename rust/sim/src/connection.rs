//! One connection: requests in, answers out, until one side ends it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Authority;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::control;
use crate::http::{ReadError, Request, Wire, read_request};
use crate::log::{Kind, Record, RequestRecord, secret_hash};
use crate::reply::{Plan, is_key_header, plan};
use crate::script::{Behaviour, ErrorReply, Fault, Prepared};
use crate::send::{Sender, Stop, answer};
use crate::simulator::{Answerer, Simulator};

/// Headers whose values never enter the log, in addition to those in which an API takes its key.
const SECRET_HEADERS: [&str; 4] = [
    "x-api-key",
    "x-goog-api-key",
    "cookie",
    "proxy-authorization",
];

/// Serves one connection to its end.
pub(crate) async fn serve(simulator: Arc<Simulator>, stream: TcpStream, number: u64) {
    simulator.counters.lock().open_connection();
    let mut connection = Connection {
        simulator: &simulator,
        wire: Wire::new(stream),
        number,
        is_logged: false,
        is_control: false,
    };
    let (stop, record) = connection.run().await;
    // The connection is closed before the log says so, because tests wait for the record.
    if stop == Stop::Reset {
        connection.wire.reset();
    } else {
        drop(connection);
    }
    let mut counters = simulator.counters.lock();
    counters.open_connections -= 1;
    counters.closed_by_client += u64::from(matches!(stop, Stop::Gone(_)));
    drop(counters);
    if let Some(record) = record {
        simulator.log.write(stop.recorded(record));
    }
}

struct Connection<'a> {
    simulator: &'a Simulator,
    wire: Wire,
    number: u64,
    is_logged: bool,
    /// Whether it was used for `/_sim/`.
    is_control: bool,
}

impl Connection<'_> {
    /// Serves the connection until it ends. Returns why it ended, and the record for the log. The
    /// end of a connection without a record is not logged.
    async fn run(&mut self) -> (Stop, Option<Record>) {
        // The behaviour of the last answer, and when that ended.
        let (mut last, mut ended) = (Arc::<Prepared>::default(), Instant::now());
        loop {
            let fault = last.behaviour.fault.as_ref();
            if let Err(stop) = self.wait_idle(fault, ended).await {
                return self.end(stop);
            }
            let request = match read_request(&mut self.wire).await {
                Ok(request) => request,
                Err(ReadError::Gone(gone)) => return self.end(Stop::Gone(gone)),
                Err(ReadError::Bad(status, message)) => return self.refuse(status, message).await,
            };
            let arrived = Instant::now();
            if !self.is_host_allowed(&request) {
                let message = "the Host header is not a loopback name; --allow-remote permits it";
                return self.refuse(403, message).await;
            }
            if request.path().starts_with("/_sim/") {
                self.is_control = true;
                let answer = control::answer(self.simulator, &request).await;
                if self.wire.send(&answer).await.is_err() || request.close {
                    return (Stop::Close, None);
                }
                continue;
            }
            if let Some(Fault::CloseOnNext { reset }) = fault {
                let stop = Stop::of(*reset);
                self.log_request(&request, &Value::Null);
                return self.end(stop);
            }
            match self.respond(request, arrived).await {
                Ok((true, prepared)) => (last, ended) = (prepared, Instant::now()),
                Ok((false, _)) => return self.end(Stop::Close),
                Err((stop, record)) => return (stop, Some(record)),
            }
        }
    }

    /// Lets the last answer's fault strike on the idle connection. `ended` is when that answer
    /// ended.
    async fn wait_idle(&mut self, fault: Option<&Fault>, ended: Instant) -> Result<(), Stop> {
        match fault {
            Some(Fault::IdleClose { after_ms, reset }) => {
                let at = ended + Duration::from_millis(*after_ms);
                if !self.wire.data_until(at).await? {
                    return Err(Stop::of(*reset));
                }
            }
            Some(Fault::IdleBytes { after_ms, text }) => {
                let at = ended + Duration::from_millis(*after_ms);
                if !self.wire.data_until(at).await? {
                    self.wire.send(text.as_bytes()).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Answers one request. Returns whether the connection stays open, and the behaviour used.
    async fn respond(
        &mut self,
        request: Request,
        arrived: Instant,
    ) -> Result<(bool, Arc<Prepared>), (Stop, Record)> {
        let json = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let number = self.log_request(&request, &json);
        let decided = match &self.simulator.answerer {
            Some(answerer) if request.method == "POST" => {
                let request = record(&request, &json);
                Some(Prepared::new(ask(answerer, request).await, None))
            }
            _ => None,
        };
        let plan = plan(&self.simulator.script(), &request, number, &json, decided);
        let client_closes = request.close;
        // An answer can take minutes: do not hold the request until its end.
        drop((json, request));
        let prepared = Arc::clone(&plan.prepared);
        self.simulator.counters.lock().open_requests += 1;
        let sender = Sender::new(&mut self.wire, self.simulator, self.number, number, &plan);
        let result = answer(sender, plan, arrived, client_closes).await;
        self.simulator.counters.lock().open_requests -= 1;
        result.map(|keeps| (keeps, prepared))
    }

    /// Ends the connection between two answers.
    fn end(&mut self, stop: Stop) -> (Stop, Option<Record>) {
        // A connection that was only used for `/_sim/` leaves no record.
        if self.is_control && !self.is_logged {
            return (stop, None);
        }
        self.log_accepted();
        (stop, Some(Record::new(Kind::Closed, self.number, 0)))
    }

    /// Answers a request that cannot be served, and closes the connection.
    async fn refuse(&mut self, status: u16, message: &str) -> (Stop, Option<Record>) {
        self.log_accepted();
        let plan = Plan::refusal(&ErrorReply::new(status, message));
        let sender = Sender::new(&mut self.wire, self.simulator, self.number, 0, &plan);
        match answer(sender, plan, Instant::now(), true).await {
            Ok(_) => {
                self.wire.close_gently().await;
                (Stop::Close, None)
            }
            Err((stop, record)) => (stop, Some(record)),
        }
    }

    fn log_accepted(&mut self) {
        if !std::mem::replace(&mut self.is_logged, true) {
            let record = Record::new(Kind::Accepted, self.number, 0);
            self.simulator.log.write(record);
        }
    }

    fn log_request(&mut self, request: &Request, json: &Value) -> u64 {
        self.log_accepted();
        let mut counters = self.simulator.counters.lock();
        counters.requests += 1;
        let number = counters.requests;
        drop(counters);
        let mut entry = Record::new(Kind::Request, self.number, number);
        if self.simulator.log.is_on() {
            entry.http = Some(Arc::new(record(request, json)));
        }
        self.simulator.log.write(entry);
        number
    }

    /// Whether the `Host` header names this machine. A web page that reaches this server through
    /// its own DNS name (DNS rebinding) must not be able to use it.
    fn is_host_allowed(&self, request: &Request) -> bool {
        let Some(host) = request.header("host").filter(|_| !self.simulator.any_host) else {
            return true;
        };
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        names_this_machine(authority.host())
    }
}

/// Whether a host is loopback, `localhost` or a name under it (RFC 6761), or the unspecified address, which a client
/// may have copied from the log of a server.
fn names_this_machine(host: &str) -> bool {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        let address = address.to_canonical();
        return address.is_loopback() || address.is_unspecified();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// Lets the answerer decide, on a thread of its own because it may block.
async fn ask(answerer: &Answerer, request: RequestRecord) -> Behaviour {
    let answerer = Arc::clone(answerer);
    let decided = tokio::task::spawn_blocking(move || answerer(&request)).await;
    decided.unwrap_or_else(|_| Behaviour {
        error: Some(ErrorReply::new(500, "The simulator's answerer panicked.")),
        ..Behaviour::default()
    })
}

/// A request as the log shows it.
fn record(request: &Request, json: &Value) -> RequestRecord {
    let headers = request.headers.iter().map(|(name, value)| {
        let is_secret = SECRET_HEADERS.contains(&name.as_str()) || is_key_header(name);
        let value = if is_secret {
            secret_hash(value)
        } else {
            value.clone()
        };
        (name.clone(), value)
    });
    let path = match request.parameter("key") {
        Some(key) if !key.is_empty() => {
            let query = request.query().replace(key, &secret_hash(key));
            format!("{}?{query}", request.path())
        }
        _ => request.target.clone(),
    };
    let body = match json {
        Value::Null if !request.body.is_empty() => {
            Value::String(String::from_utf8_lossy(&request.body).into_owned())
        }
        json => json.clone(),
    };
    RequestRecord {
        method: request.method.clone(),
        path,
        headers: headers.collect(),
        body,
        body_bytes: request.body.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_of_this_machine_is_served() {
        for host in [
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
        ] {
            assert!(names_this_machine(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "10.0.0.1",
            "",
        ] {
            assert!(!names_this_machine(host), "{host}");
        }
    }
}
