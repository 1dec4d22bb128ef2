use std::io;

use rustls::{AlertDescription as Alert, CertificateError as E};

use url::Url;

use super::direct::SpeaksTls;
use super::fault::{Place, of_exchange, of_socket, of_tls_of_origin, reason};
use super::origin::Origins;
use crate::error::{ErrorKind, Phase};
use crate::log::LogSink;

fn place(scheme: &str) -> Place {
    Place {
        origin: "host:1".to_owned(),
        base_url: format!("{scheme}://host:1/v1"),
        base_url_name: "base_url".into(),
        proxy: None,
    }
}

#[test]
fn an_error_of_a_socket_becomes_a_kind_and_a_hint() {
    use io::ErrorKind as I;
    for (io, scheme, kind, part) in [
        (
            I::ConnectionRefused.into(),
            "http",
            ErrorKind::Connect,
            "is the server running?",
        ),
        (
            I::TimedOut.into(),
            "http",
            ErrorKind::ConnectTimeout,
            "the system gave up",
        ),
        (
            I::BrokenPipe.into(),
            "https",
            ErrorKind::Tls,
            "during the handshake",
        ),
        (
            I::ConnectionReset.into(),
            "http",
            ErrorKind::ConnectionLost,
            "as soon as it was open",
        ),
        (
            I::NetworkUnreachable.into(),
            "http",
            ErrorKind::Connect,
            "base_url=http://host:1/v1",
        ),
        #[cfg(unix)]
        (
            io::Error::from_raw_os_error(24),
            "http",
            ErrorKind::Connect,
            "ulimit -n",
        ),
    ] {
        let error = of_socket(&io, &place(scheme));
        assert_eq!((error.kind(), error.is_retryable()), (kind, true), "{io:?}");
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn an_error_of_tls_becomes_a_hint() {
    let certificate = rustls::Error::InvalidCertificate;
    let alert = rustls::Error::AlertReceived;
    for (tls, part) in [
        (certificate(E::UnknownIssuer), "ca_bundle="),
        (certificate(E::Expired), "has expired"),
        (certificate(E::NotValidYet), "this machine's clock"),
        (certificate(E::NotValidForName), "for another host"),
        (certificate(E::Revoked), "was revoked"),
        (alert(Alert::CertificateRequired), "give client_cert="),
        (alert(Alert::HandshakeFailure), "older ciphers"),
        (alert(Alert::ProtocolVersion), "refuses the TLS handshake"),
        (alert(Alert::InternalError), "failed (internal error)"),
    ] {
        let error = of_tls_of_origin(&tls, &place("https"));
        assert_eq!(error.kind(), ErrorKind::Tls);
        assert!(error.message().contains(part), "{error}");
        assert!(error.message().contains("host:1"), "{error}");
    }
}

#[test]
fn an_alert_of_tls_over_plain_http_is_final() {
    let io = io::Error::new(io::ErrorKind::InvalidData, SpeaksTls);
    let error = of_exchange(&io, &place("http"), Phase::Head);
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(!error.is_retryable() && !error.is_maybe_processed());
    assert!(
        error.message().contains("does base_url need https://"),
        "{error}"
    );
}

#[test]
fn the_reason_for_a_lost_connection_is_in_plain_words() {
    use io::ErrorKind as I;
    assert_eq!(reason(&I::ConnectionReset.into()), "reset by the peer");
    assert_eq!(
        reason(&I::UnexpectedEof.into()),
        "closed before the reply was complete"
    );
    assert_eq!(reason(&I::TimedOut.into()), "the peer no longer answers");
    assert_eq!(reason(&I::BrokenPipe.into()), "broken pipe");
}

#[tokio::test]
async fn origins_that_nobody_needs_are_forgotten_and_the_others_are_not() {
    let origins = Origins::default();
    let get = |number: usize| {
        let url = Url::parse(&format!("http://host{number}.example/")).unwrap();
        origins.get(&url, None, 3)
    };
    let (held, in_use) = (get(0), get(1));
    let log = LogSink::default();
    let permit = in_use.permit(None, &log).await;
    drop(in_use);
    for number in 2..10_000 {
        get(number);
    }
    assert!(origins.count() < 100, "{}", origins.count());
    assert!(std::sync::Arc::ptr_eq(&held, &get(0)));
    assert_eq!(get(1).permits.available_permits(), 2);
    drop(permit);
}
