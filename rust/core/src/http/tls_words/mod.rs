//! What an error of rustls says, in plain words.
//!
//! `certificate` says why a certificate is not trusted, and `tables` have the other reasons of a peer. No text of rustls
//! is passed on: most are the names of its variants.

mod certificate;
mod tables;

use rustls::{AlertDescription as Alert, Error as Tls, InconsistentKeys};

pub(super) use certificate::of_certificate;
use tables::{OTHER, of_incompatible, of_message, of_misbehaviour};

/// What failed, in words that fit in brackets.
pub(super) fn of_error(error: &Tls) -> String {
    let why = match error {
        Tls::AlertReceived(Alert::Unknown(code)) => return format!("alert {code}"),
        Tls::AlertReceived(alert) => tables::of_alert(alert),
        Tls::PeerIncompatible(why) => of_incompatible(why),
        Tls::PeerMisbehaved(why) => {
            return format!("it breaks the rules of TLS: {}", of_misbehaviour(why));
        }
        Tls::InappropriateMessage { .. } | Tls::InappropriateHandshakeMessage { .. } => {
            "it breaks the rules of TLS: unexpected message"
        }
        Tls::InvalidMessage(why) => {
            return format!("it sent a message that is damaged: {}", of_message(why));
        }
        Tls::PeerSentOversizedRecord => "it sent a message that is damaged: it is too long",
        Tls::InvalidCertificate(error) => {
            return format!("the certificate {}", of_certificate(error, "the files"));
        }
        Tls::NoCertificatesPresented => "it sent no certificate",
        Tls::UnsupportedNameType => "its name is of a kind that no certificate has",
        Tls::DecryptError => "it sent what cannot be decrypted",
        Tls::EncryptError => "a message could not be encrypted",
        Tls::NoApplicationProtocol => "it does not speak HTTP/1.1",
        Tls::FailedToGetCurrentTime => "this machine does not know the time",
        Tls::FailedToGetRandomBytes => "this machine has no random numbers",
        Tls::HandshakeNotComplete => "the handshake is not complete",
        Tls::BadMaxFragmentSize => "the largest fragment has a size that is not allowed",
        Tls::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "the key is that of another certificate"
        }
        Tls::InconsistentKeys(_) => "the key may not belong to the certificate",
        Tls::InvalidCertRevocationList(_) => "its list of revoked certificates is not valid",
        Tls::InvalidEncryptedClientHello(_) => "its encrypted hello is not valid",
        _ => OTHER,
    };
    why.to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{
        CertificateError as E, InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved,
    };

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
    const KNOWN: [&str; 5] = [
        "subjectAltName",
        "digitalSignature",
        "serverAuth",
        "basicConstraints",
        "OpenSSL",
    ];

    fn other(error: impl std::error::Error + Send + Sync + 'static) -> E {
        E::Other(OtherError(Arc::new(error)))
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
            (E::UnknownRevocationStatus, "whether it was revoked"),
            (E::ExpiredRevocationList, "has expired"),
            (E::InvalidPurpose, "serverAuth"),
            (E::InvalidOcspResponse, "OCSP response"),
            (E::ApplicationVerificationFailure, "was refused"),
            (
                other(webpki::Error::CaUsedAsEndEntity),
                "openssl req -x509 … -addext basicConstraints",
            ),
            (other(webpki::Error::UnsupportedCertVersion), "version 3"),
            (
                other(webpki::Error::PathLenConstraintViolated),
                "more authorities above it",
            ),
            (
                other(webpki::Error::TrailingData(webpki::DerTypeId::Time)),
                "cannot be read",
            ),
            (other(crate::http::verifier::NotForTls), "digitalSignature"),
            (other(std::fmt::Error), "is not valid"),
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
            (Tls::General("{NoSuchKey}".to_owned()), OTHER),
            (Tls::DecryptError, "cannot be decrypted"),
        ] {
            let text = of_error(&error);
            assert!(text.contains(words), "{text}");
            assert!(!is_debug_print(&text), "{text}");
        }
    }

    #[test]
    fn the_words_of_each_table_are_plain() {
        assert!(tables::WORDS.len() > 160);
        for words in tables::WORDS {
            assert!(!words.is_empty() && !is_debug_print(words), "{words}");
        }
        for code in 0..=u8::MAX {
            let text = of_error(&Tls::AlertReceived(Alert::from(code)));
            assert!(text != OTHER && !is_debug_print(&text), "{text}");
        }
    }
}
