//! What a transport error means. The types in its chain decide.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription as Alert, Error as Tls};

use super::direct::SpeaksTls;
use super::dns::LookupFailed;
use super::exchange::{Failed, MOST_HEADERS};
use super::flights::NoThread;
use super::handshake::TimedOut;
use super::host;
use super::origin::HANDSHAKES;
use super::outgoing::{Outgoing, Road, Route};
use super::proxy_words;
use super::tls_words;
use super::tunnel::{SocksError, TunnelError};
use super::unix::UnixSocket;
use crate::error::{Error, ErrorKind, Phase};

/// Where a call goes, as far as a message may show it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Host and port.
    pub(crate) origin: String,
    /// The base URL without userinfo and query.
    pub(crate) base_url: String,
    /// What messages call the base URL: the variable that it came from, or `base_url`.
    pub(crate) base_url_name: Cow<'static, str>,
    /// The proxy without credentials, and the argument or variable that it is from.
    pub(crate) proxy: Option<(String, String)>,
}

impl Place {
    /// The base URL as a setting: `NAME=URL`.
    pub(crate) fn setting(&self) -> String {
        format!("{}={}", self.base_url_name, self.base_url)
    }

    /// The error of plain http to a port that speaks TLS.
    pub(crate) fn speaks_tls(&self) -> String {
        format!(
            "{} speaks TLS: does {} need https:// instead of http://? Check {}",
            self.origin,
            self.base_url_name,
            self.setting()
        )
    }
}

/// The error of an attempt that got no response head.
pub(super) fn of_send(failed: &Failed, outgoing: &Outgoing) -> Error {
    let error = &*failed.error;
    let place = &*outgoing.place;
    if failed.connecting {
        if let Some(socket) = &outgoing.route.socket
            && let Some(io) = root_io(error)
            && !lacks_descriptors(io)
        {
            return of_unix_socket(socket, io, place).at(Phase::Connect);
        }
        return of_connect(error, place).at(Phase::Connect);
    }
    // hyper says which error of parsing it is only to servers, except in words.
    if find::<hyper::Error>(error).is_some_and(|it| it.is_parse() && it.to_string() == TOO_LARGE) {
        return of_large_head(&outgoing.route);
    }
    match find(error) {
        // In TLS 1.3 the client finishes first, so a server refuses the handshake after the request.
        Some(tls @ Tls::AlertReceived(alert)) if is_refusal(*alert) => {
            of_tls_of_origin(tls, place).at(Phase::Connect)
        }
        _ => of_exchange(error, place, Phase::Head),
    }
}

fn of_connect(error: &(dyn StdError + 'static), place: &Place) -> Error {
    let origin = &place.origin;
    let nearest = place.proxy.as_ref().map_or(origin, |(proxy, _)| proxy);
    // Some SOCKS proxies have the name of the origin looked up here. Then nothing of SOCKS is around the error.
    let proxy = place.proxy.as_ref();
    let looked_up = proxy
        .filter(|(proxy, _)| !proxy.starts_with("socks") || find::<SocksError>(error).is_some());
    let name_in = looked_up.map_or(origin, |(proxy, _)| proxy);
    if let Some(late) = find::<TimedOut>(error) {
        return of_timeout(*late, nearest);
    }
    if let Some(none) = find::<NoThread>(error) {
        let message = format!("cannot look up the host name in {name_in} ({none})");
        return Error::new(ErrorKind::Engine, message);
    }
    if let Some(failed) = find::<LookupFailed>(error) {
        let fix = match looked_up {
            Some((proxy, name)) => format!("{name}={proxy}"),
            None => place.setting(),
        };
        let why = &failed.reason;
        let message = match origin.split_once('%') {
            Some((_, zone)) => {
                let zone = zone.split(']').next().unwrap_or_default();
                format!("this machine has no network interface {zone} ({why}): check {fix}")
            }
            None => format!("the host name in {name_in} does not resolve ({why}): check {fix}"),
        };
        return Error::new(ErrorKind::Dns, message).retryable(failed.transient);
    }
    if let Some(tls) = find::<Tls>(error) {
        return match &place.proxy {
            // With a plain origin only the proxy speaks TLS, and a tunnel fails before the TLS of the origin begins.
            Some((proxy, name))
                if place.base_url.starts_with("http:") || find::<TunnelError>(error).is_some() =>
            {
                of_tls(tls, proxy, name, &format!("{name}={proxy}"))
            }
            _ => of_tls_of_origin(tls, place),
        };
    }
    if let Some((proxy, name)) = &place.proxy {
        return proxy_words::of_proxy(error, origin, proxy, name);
    }
    if let Some(io) = root_io(error) {
        return of_socket(io, place);
    }
    let message = format!("no connection to {origin} ({})", root_of(error));
    Error::new(ErrorKind::Connection, message).retryable(true)
}

fn of_timeout(late: TimedOut, target: &str) -> Error {
    let (kind, limit, name, why) = match late {
        TimedOut::Handshake(limit) => (ErrorKind::ConnectTimeout, limit, "connect", String::new()),
        TimedOut::Outage(limit) => {
            let why = format!(": {HANDSHAKES} others were being made, and none succeeded");
            (ErrorKind::ConnectTimeout, limit, "connect", why)
        }
        TimedOut::Turn(limit) => {
            let why = format!(": {HANDSHAKES} others were being made");
            (ErrorKind::PoolTimeout, limit, "pool", why)
        }
    };
    let limit = limit.as_secs_f64();
    let message = format!("no connection to {target} within {limit} s (the `{name}` timeout){why}");
    Error::new(kind, message).retryable(kind == ErrorKind::ConnectTimeout)
}

/// A server switched to another protocol, which no call asks for.
pub(super) fn of_upgrade(place: &Place) -> Error {
    let message = format!(
        "{} does not speak valid HTTP/1.1 (it answered 101, Switching Protocols, which was not asked for)",
        place.origin
    );
    Error::new(ErrorKind::Protocol, message)
        .at(Phase::Head)
        .retryable(true)
        .maybe_processed(true)
}

/// Whether the process, or the system, may open no more files. EMFILE and ENFILE have no `ErrorKind`; their numbers are
/// the same on every Unix.
pub(super) fn lacks_descriptors(io: &io::Error) -> bool {
    cfg!(unix) && matches!(io.raw_os_error(), Some(23 | 24))
}

fn of_unix_socket(socket: &UnixSocket, io: &io::Error, place: &Place) -> Error {
    let (problem, may_pass) = socket.problem(io);
    let message = format!("{problem}; {}", place.setting());
    Error::new(ErrorKind::Connect, message).retryable(may_pass)
}

/// What hyper calls a head with too many bytes or headers.
const TOO_LARGE: &str = "message head is too large";

/// hyper's own limit for a head, which reqwest does not set: `DEFAULT_MAX_BUFFER_SIZE`.
const GENERAL_HEAD_BYTES: usize = 8_192 + 100 * 4_096;

/// The head of a reply has more bytes than it may have on this route, or more headers.
pub(super) fn of_large_head(route: &Route) -> Error {
    let most = route.max_head_bytes;
    let (most, fix) = if route.road == Road::General && most > GENERAL_HEAD_BYTES {
        (GENERAL_HEAD_BYTES, "use transport=\"direct\"")
    } else {
        (most, "raise Limits(max_head_bytes=…)")
    };
    let message =
        format!("the head of the reply is over {most} bytes or {MOST_HEADERS} headers: {fix}");
    Error::new(ErrorKind::Protocol, message)
        .at(Phase::Head)
        .maybe_processed(true)
}

pub(super) fn of_socket(io: &io::Error, place: &Place) -> Error {
    let (origin, setting) = (&place.origin, place.setting());
    let is_https = place.base_url.starts_with("https:");
    let (kind, message) = match io.kind() {
        _ if lacks_descriptors(io) => (
            ErrorKind::Connect,
            format!(
                "no file descriptor left for a connection to {origin}: raise `ulimit -n` or lower Limits(max_connections=…)"
            ),
        ),
        io::ErrorKind::ConnectionRefused => (
            ErrorKind::Connect,
            format!(
                "nothing listens at {origin} (connection refused): is the server running? {setting}"
            ),
        ),
        io::ErrorKind::TimedOut => (
            ErrorKind::ConnectTimeout,
            format!("{origin} does not answer (the system gave up): check {setting}"),
        ),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
            if is_https =>
        {
            let message = format!("{origin} closed the connection during the handshake");
            (ErrorKind::Tls, message)
        }
        // Without TLS the handshake is TCP's own, and the peer closed right after it.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => {
            let message = format!("{origin} closed the connection as soon as it was open ({io})");
            (ErrorKind::ConnectionLost, message)
        }
        _ if host::lacks_zone(origin) => (
            ErrorKind::Connect,
            format!(
                "no connection to {origin} ({io}): a link-local address needs its interface, as in [fe80::1%eth0]: \
                 check {setting}"
            ),
        ),
        _ => (
            ErrorKind::Connect,
            format!("no connection to {origin} ({io}): check {setting}"),
        ),
    };
    Error::new(kind, message).retryable(true)
}

pub(super) fn of_tls_of_origin(tls: &Tls, place: &Place) -> Error {
    of_tls(tls, &place.origin, &place.base_url_name, &place.setting())
}

/// TLS with `peer` failed; `setting` is what names it, `shown` the same with its value.
fn of_tls(tls: &Tls, peer: &str, setting: &str, shown: &str) -> Error {
    let why = tls_words::of_error(tls);
    let message = match tls {
        Tls::InvalidCertificate(why) => {
            format!(
                "the certificate of {peer} {}",
                tls_words::of_certificate(why, shown)
            )
        }
        Tls::AlertReceived(Alert::CertificateRequired) => {
            format!("{peer} requires a client certificate: give client_cert=")
        }
        // What servers of TLS 1.2 say where 1.3 has `CertificateRequired`.
        Tls::AlertReceived(Alert::HandshakeFailure) => format!(
            "{peer} refuses the TLS handshake ({why}): it may require client_cert=, or support only older ciphers"
        ),
        Tls::AlertReceived(alert) if is_refusal(*alert) => {
            format!("{peer} refuses the TLS handshake ({why})")
        }
        Tls::InvalidMessage(_) => format!(
            "{peer} does not speak TLS: does {setting} need http:// instead of https://? Check {shown}"
        ),
        _ => format!("TLS with {peer} failed ({why})"),
    };
    Error::new(ErrorKind::Tls, message)
}

/// Whether a server says by `alert` that it refuses us. Another attempt would get the same answer.
fn is_refusal(alert: Alert) -> bool {
    matches!(
        alert,
        Alert::HandshakeFailure
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::UnrecognisedName
            | Alert::AccessDenied
            | Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
    )
}

/// An error on a connection that was open.
pub(super) fn of_exchange(error: &(dyn StdError + 'static), place: &Place, phase: Phase) -> Error {
    let origin = &place.origin;
    if find::<SpeaksTls>(error).is_some() {
        return Error::new(ErrorKind::Protocol, place.speaks_tls()).at(phase);
    }
    let (kind, message) = if let Some(tls) = find::<Tls>(error) {
        let message = format!("TLS with {origin} failed ({})", tls_words::of_error(tls));
        (ErrorKind::Tls, message)
    } else if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        let why = root_of(error);
        let message = format!("{origin} does not speak valid HTTP/1.1 ({why})");
        (ErrorKind::Protocol, message)
    } else if let Some(io) = root_io(error) {
        match io.kind() {
            // hyper reports a bad chunk size as invalid input and an oversized one as invalid data.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                let message = format!("{origin} does not speak valid HTTP/1.1 ({io})");
                (ErrorKind::Protocol, message)
            }
            _ => {
                let message = format!("the connection to {origin} was lost ({})", reason(io));
                (ErrorKind::ConnectionLost, message)
            }
        }
    } else {
        let message = format!("{origin} closed the connection before its reply was complete");
        (ErrorKind::ConnectionLost, message)
    };
    let was_reset = root_io(error).is_some_and(|io| {
        matches!(
            io.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        )
    });
    Error::new(kind, message)
        .at(phase)
        .retryable(true)
        .maybe_processed(true)
        .with_reset(was_reset)
}

pub(super) fn reason(io: &io::Error) -> String {
    match io.kind() {
        io::ErrorKind::ConnectionReset => "reset by the peer".to_owned(),
        io::ErrorKind::UnexpectedEof => "closed before the reply was complete".to_owned(),
        io::ErrorKind::TimedOut => "the peer no longer answers".to_owned(),
        _ => io.to_string(),
    }
}

/// The links of an error's chain. Neither an `io::Error` nor an error of SOCKS returns the error that it wraps as its
/// source, so this looks inside.
fn links<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |link: &&'a (dyn StdError + 'static)| {
        let link: &'a (dyn StdError + 'static) = *link;
        if let Some(io) = link.downcast_ref::<io::Error>()
            && let Some(inner) = io.get_ref()
        {
            return Some(inner as &(dyn StdError + 'static));
        }
        match link.downcast_ref::<SocksError>() {
            Some(SocksError::Inner(inner)) => return Some(inner),
            Some(SocksError::Io(inner)) => return Some(inner),
            _ => {}
        }
        link.source()
    })
}

pub(super) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    links(error).find_map(|link| link.downcast_ref::<T>())
}

/// The innermost `io::Error`: those around it are of kind `Other`, whatever it is.
pub(super) fn root_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    links(error)
        .filter_map(|link| link.downcast_ref::<io::Error>())
        .last()
}

pub(super) fn root_of(error: &(dyn StdError + 'static)) -> String {
    links(error)
        .last()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string)
}
