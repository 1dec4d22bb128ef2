//! What an error of rustls says, in plain words. Most of its reasons are known by the names of its variants only.

use rustls::{AlertDescription as Alert, CertificateError as E, Error as Tls, InconsistentKeys};
use rustls::{ExtendedKeyPurpose, PeerIncompatible};

use crate::redact::one_line;

/// How much of the names in a certificate is shown.
const SHOWN_CHARS: usize = 256;

/// Why a certificate is not trusted: what follows "the certificate of …". `shown` is the setting with its value.
pub(super) fn of_certificate(error: &E, shown: &str) -> String {
    let why = match error {
        E::UnknownIssuer => {
            "is not signed by a known authority: give its root as ca_bundle= or SSL_CERT_FILE"
        }
        E::Expired | E::ExpiredContext { .. } => {
            "has expired: renew it, or check this machine's clock"
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "is not valid yet: check this machine's clock"
        }
        E::NotValidForName => return format!("is for another host: check {shown}"),
        E::NotValidForNameContext { presented, .. } => {
            let names = names(presented);
            return format!("is for another host ({names}): check {shown}");
        }
        E::BadEncoding => "cannot be read: it is not encoded as X.509 requires",
        E::BadSignature => "is not signed by the authority that it names: check ca_bundle=",
        E::Revoked => "was revoked: the server needs another one",
        E::UnhandledCriticalExtension => "has a critical extension that is not supported",
        E::InvalidPurpose => NO_SERVER,
        E::InvalidPurposeContext { required, .. }
            if *required == ExtendedKeyPurpose::ServerAuth =>
        {
            NO_SERVER
        }
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "is signed by an algorithm that is not supported, such as SHA-1: the server needs another one"
        }
        E::Other(other) => return of_other(&other.to_string()),
        other => return format!("is not valid ({})", words_of(&format!("{other:?}"))),
    };
    why.to_owned()
}

const NO_SERVER: &str =
    "is not one for servers: its extended key usage must include serverAuth, or be left out";

/// The reasons of the verifier itself, by the names of its variants.
fn of_other(name: &str) -> String {
    let (what, made_by) = match name {
        "CaUsedAsEndEntity" => (
            "is that of an authority, and a server needs one of its own",
            "-addext basicConstraints=critical,CA:FALSE",
        ),
        "UnsupportedCertVersion" => (
            "is of an old version of X.509, and only version 3 is supported",
            "-addext subjectAltName=DNS:HOST",
        ),
        _ => return format!("is not valid ({})", words_of(name)),
    };
    format!("{what}: make one by `openssl req -x509 … {made_by}`")
}

/// The names in a certificate, in words. They come as `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let inside = |name: &String| {
        let name = name.split_once('(').map_or(name.as_str(), |(_, name)| name);
        name.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let names: Vec<_> = presented.iter().map(inside).collect();
    if names.is_empty() {
        return "it names none in its subjectAltName".to_owned();
    }
    format!("it is for {}", one_line(&names.join(", "), SHOWN_CHARS))
}

/// What failed, in words that fit in brackets.
pub(super) fn of_error(error: &Tls) -> String {
    match error {
        Tls::AlertReceived(alert) => of_alert(*alert),
        Tls::PeerIncompatible(why) => match why {
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOfferedOrEnabled => {
                "it supports neither TLS 1.2 nor TLS 1.3".to_owned()
            }
            why => format!(
                "the two sides are incompatible: {}",
                words_of(&format!("{why:?}"))
            ),
        },
        Tls::PeerMisbehaved(why) => {
            format!(
                "it breaks the rules of TLS: {}",
                words_of(&format!("{why:?}"))
            )
        }
        Tls::InappropriateMessage { .. } | Tls::InappropriateHandshakeMessage { .. } => {
            "it breaks the rules of TLS: unexpected message".to_owned()
        }
        Tls::InvalidMessage(why) => {
            let why = words_of(&format!("{why:?}"));
            format!("it sent a message that is damaged: {why}")
        }
        Tls::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the key is that of another certificate".to_owned()
        }
        Tls::InvalidCertificate(error) => {
            format!("the certificate {}", of_certificate(error, "the files"))
        }
        Tls::InconsistentKeys(_) => "the key may not belong to the certificate".to_owned(),
        Tls::General(text) => text.clone(),
        Tls::InvalidCertRevocationList(_) => {
            "its list of revoked certificates is not valid".to_owned()
        }
        Tls::InvalidEncryptedClientHello(_) => "its encrypted hello is not valid".to_owned(),
        other => other.to_string(),
    }
}

/// An alert in words: those of RFC 8446, section 6.
fn of_alert(alert: Alert) -> String {
    match alert {
        Alert::UnknownCA => "unknown authority".to_owned(),
        Alert::UnknownPSKIdentity => "unknown pre-shared key".to_owned(),
        Alert::UnrecognisedName => "unrecognised name".to_owned(),
        Alert::Unknown(code) => format!("alert {code}"),
        alert => words_of(&format!("{alert:?}")),
    }
}

/// The name of a variant as words: `NoCipherSuitesInCommon` is "no cipher suites in common". What the variant holds is
/// left out.
fn words_of(variant: &str) -> String {
    let end = variant.find(|c: char| !c.is_ascii_alphanumeric());
    let name = variant
        .get(..end.unwrap_or(variant.len()))
        .unwrap_or_default();
    let mut words = String::with_capacity(name.len() + 8);
    let mut previous = 'A';
    for c in name.chars() {
        if c.is_ascii_uppercase() && !previous.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
        previous = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{InvalidMessage, OtherError, PeerMisbehaved};

    use super::*;

    /// Whether a text looks as if it came from `{:?}`.
    fn is_debug_print(text: &str) -> bool {
        let has_variant = text.split(|c: char| !c.is_alphanumeric()).any(|word| {
            let inner = word.chars().skip(1).filter(|c| c.is_uppercase()).count();
            inner > 0 && word.chars().any(char::is_lowercase) && !KNOWN.contains(&word)
        });
        has_variant || text.contains(['{', '"', '\\'])
    }

    // Words of X.509 and of OpenSSL.
    const KNOWN: [&str; 4] = [
        "subjectAltName",
        "serverAuth",
        "basicConstraints",
        "OpenSSL",
    ];

    fn other(name: &str) -> E {
        #[derive(Debug)]
        struct Reason(String);
        impl std::fmt::Display for Reason {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::error::Error for Reason {}
        E::Other(OtherError(Arc::new(Reason(name.to_owned()))))
    }

    #[test]
    fn every_reason_about_a_certificate_is_in_plain_words() {
        let host = "me.example".to_owned().try_into().unwrap();
        let named = E::NotValidForNameContext {
            expected: host,
            presented: vec![
                "DnsName(\"a.example\")".into(),
                "IpAddress(10.0.0.1)".into(),
            ],
        };
        for (error, words) in [
            (
                named,
                "is for another host (it is for a.example, 10.0.0.1): check base_url=x",
            ),
            (E::NotValidForName, "another host"),
            (E::UnknownIssuer, "ca_bundle="),
            (E::Expired, "has expired"),
            (E::NotValidYet, "not valid yet"),
            (E::BadEncoding, "cannot be read"),
            (E::BadSignature, "not signed by"),
            (E::Revoked, "revoked"),
            (E::UnhandledCriticalExtension, "critical extension"),
            (E::UnknownRevocationStatus, "unknown revocation status"),
            (E::ExpiredRevocationList, "expired revocation list"),
            (E::InvalidPurpose, "serverAuth"),
            (E::InvalidOcspResponse, "invalid ocsp response"),
            (
                E::ApplicationVerificationFailure,
                "application verification failure",
            ),
            (
                other("CaUsedAsEndEntity"),
                "openssl req -x509 … -addext basicConstraints",
            ),
            (other("UnsupportedCertVersion"), "version 3"),
            (
                other("PathLenConstraintViolated"),
                "path len constraint violated",
            ),
            (other("TrailingData(Time)"), "trailing data"),
        ] {
            let text = of_certificate(&error, "base_url=x");
            assert!(text.contains(words), "{text}");
            assert!(!is_debug_print(&text), "{text}");
        }
    }

    #[test]
    fn every_other_reason_is_in_plain_words() {
        for (error, words) in [
            (
                Tls::AlertReceived(Alert::HandshakeFailure),
                "handshake failure",
            ),
            (Tls::AlertReceived(Alert::UnknownCA), "unknown authority"),
            (Tls::AlertReceived(Alert::Unknown(200)), "alert 200"),
            (
                Tls::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "neither TLS 1.2 nor TLS 1.3",
            ),
            (
                Tls::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "no cipher suites in common",
            ),
            (
                Tls::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
                "too many empty fragments",
            ),
            (
                Tls::InvalidMessage(InvalidMessage::InvalidContentType),
                "invalid content type",
            ),
            (
                Tls::InvalidMessage(InvalidMessage::TrailingData("x")),
                "trailing data",
            ),
            (
                Tls::InconsistentKeys(InconsistentKeys::KeyMismatch),
                "another certificate",
            ),
            (Tls::InvalidCertificate(E::BadEncoding), "cannot be read"),
            (Tls::General("no such key".to_owned()), "no such key"),
            (Tls::DecryptError, "cannot decrypt"),
        ] {
            let text = of_error(&error);
            assert!(text.contains(words), "{text}");
            assert!(!is_debug_print(&text), "{text}");
        }
    }
}
