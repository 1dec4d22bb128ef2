//! How an attempt failed, and how the error of a call is shown.

use std::time::SystemTime;

use memchr::memmem;

use crate::client::Call;
use crate::error::{ApiFailure, Error, ErrorKind, Phase};
use crate::http::{Head, Outgoing};
use crate::redact::one_line;
use crate::retry::{Hints, wait_in_body};

/// How many characters of a provider's name and model a message shows.
const SHOWN_NAME: usize = 100;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) hints: Hints,
    /// A connection that was idle ended before any byte of a response. The server had most likely closed it
    /// while the request was on its way.
    pub(super) lost_idle: bool,
    /// The HTTP status, if there was a response head.
    pub(super) status: Option<u16>,
}

impl Failure {
    /// A failure after the response head. Its headers belong to a success, so they ask for no wait.
    pub(super) fn after_head(mut error: Error, head: &Head) -> Self {
        let retry_after = wait_in_body(&error, SystemTime::now());
        if let Some(api) = error.api().filter(|_| retry_after.is_some()) {
            let api = ApiFailure {
                retry_after,
                ..api.clone()
            };
            error = error.with_api(api);
        }
        let hints = Hints {
            retry_after,
            ..Hints::default()
        };
        Self {
            hints,
            status: Some(head.status),
            ..Self::from(head.seen_by(error.at(Phase::Body)))
        }
    }

    /// The failure of an error reply whose body could not be unpacked, and `why`. Its status says all that is known.
    pub(super) fn without_body(mut self, why: Option<String>) -> Self {
        if let (Some(why), Some(status)) = (why, self.error.status())
            && self.error.kind() != ErrorKind::Proxy
        {
            self.error = self.error.with_message(format!("HTTP {status}: {why}"));
        }
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            status: error.status(),
            error,
            hints: Hints::default(),
            lost_idle: false,
        }
    }
}

/// An error of a new connection. A server that speaks TLS hangs up, or answers with an alert, when it is asked in plain
/// text.
pub(super) fn may_need_https(error: Error, outgoing: &Outgoing) -> Error {
    let unanswered = matches!(
        error.kind(),
        ErrorKind::ConnectionLost | ErrorKind::Protocol
    );
    let route = &outgoing.route;
    let direct = !route.https && route.proxy.is_none() && route.socket.is_none();
    // An error that is not retried is about an answer that was understood, or says itself that https is needed.
    let answered = error.headers().is_some() || !error.is_retryable();
    if error.phase() != Phase::Head || !unanswered || answered || !direct {
        return error;
    }
    let message = format!(
        "{}; if the server speaks TLS, {} needs https://",
        error.message(),
        outgoing.place.base_url_name
    );
    error.with_message(message)
}

/// The error that a reply means. nginx, Apache and servers in Go answer plain http to a port for https in these words.
pub(super) fn of_reply(call: &Call, status: u16, body: &[u8]) -> Error {
    const SAYINGS: [&[u8]; 3] = [
        b"The plain HTTP request was sent to HTTPS port",
        b"speaking plain HTTP to an SSL-enabled server port",
        b"Client sent an HTTP request to an HTTPS server",
    ];
    let error = call.dialect.decode_error(status, body);
    let outgoing = &call.outgoing;
    let says_so = |saying: &[u8]| memmem::find(body, saying).is_some();
    if status != 400 || outgoing.route.https || !SAYINGS.into_iter().any(says_so) {
        return error;
    }
    error.with_message(outgoing.place.speaks_tls())
}

/// The message with what a reader of a log needs besides: which model was asked, and how often.
///
/// The message of a failed connection names the server, as `host:port`, and then no one else has to be named. An error
/// without attempts is not the error of a call, and a wrong setting not that of a model: their messages stay as they
/// are.
#[must_use]
pub fn shown(error: &Error, provider: &str, model: &str, host: &str) -> String {
    let message = error.message();
    let tries = error.attempts().len();
    if tries == 0 || error.kind() == ErrorKind::Config {
        return message.to_owned();
    }
    // A unix socket has no port.
    let colon = if host.starts_with('/') { "" } else { ":" };
    let names_server =
        error.api().is_none() && !host.is_empty() && message.contains(&format!("{host}{colon}"));
    let names = [provider, model].map(|name| one_line(name, SHOWN_NAME));
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let who = match names.join(":") {
        who if names_server || who.is_empty() => String::new(),
        who => format!("{who}: "),
    };
    match tries {
        1 => format!("{who}{message}"),
        _ => format!("{who}{message} ({tries} attempts)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Attempt;

    fn failed(message: &str, attempts: usize) -> Error {
        let attempt = Attempt {
            started: 0.0,
            phase: Phase::Head,
            status: None,
            error: Some(ErrorKind::Api),
            message: None,
            slept: 0.0,
            maybe_processed: false,
        };
        Error::new(ErrorKind::Api, message).with_attempts(vec![attempt; attempts])
    }

    #[test]
    fn a_shown_error_names_the_model_and_the_attempts_of_its_call() {
        let host = "a.example";
        for (error, line) in [
            (failed("no", 0), "no"),
            (failed("no", 1), "acme:m: no"),
            (failed("no", 3), "acme:m: no (3 attempts)"),
            (failed("a.example:80 said no", 1), "a.example:80 said no"),
            (
                failed("a.example:80 said no", 2),
                "a.example:80 said no (2 attempts)",
            ),
            // A word that a short name of a host is in.
            (failed("no a.example", 1), "acme:m: no a.example"),
            // What a provider says may name its own host.
            (
                failed("see a.example/docs", 1).with_api(ApiFailure::default()),
                "acme:m: see a.example/docs",
            ),
        ] {
            assert_eq!(shown(&error, "acme", "m", host), line);
        }
        let socket = failed("/run/a.sock is not a socket", 1);
        assert_eq!(shown(&socket, "acme", "m", "/run/a.sock"), socket.message());
        let setting = failed("no", 2).with_kind(ErrorKind::Config);
        assert_eq!(shown(&setting, "acme", "m", host), "no");
        assert_eq!(shown(&failed("no", 1), "", "m", ""), "m: no");
        assert_eq!(shown(&failed("no", 1), "", "", ""), "no");
        let long = shown(&failed("no", 1), "acme", &"m\n".repeat(1_000), "");
        assert!(long.len() < 220 && !long.contains('\n'));
    }
}
