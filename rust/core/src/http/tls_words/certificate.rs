//! Why a certificate is not trusted.

use rustls::{CertificateError as E, ExtendedKeyPurpose, OtherError};
use webpki::Error as W;

use super::tables::OTHER;
use crate::http::verifier::NotForTls;
use crate::redact::one_line;

/// How much of the names in a certificate is shown.
const SHOWN_CHARS: usize = 256;

const NOT_FOR_SERVERS: &str =
    "is not one for servers: its extended key usage must include serverAuth, or be left out";
const ALGORITHM: &str = "is signed by an algorithm that is not supported, such as SHA-1, or for a key that is not, such \
     as P-521: the server needs another one";
const EXPIRED_LIST: &str = "cannot be checked: the list of revoked certificates has expired";
const CANNOT_READ: &str = "cannot be read: it is not encoded as X.509 requires";
const TOO_COMPLEX: &str = "has too many possible paths to a known authority";

/// Why a certificate is not trusted: what follows "the certificate of …". `shown` is the setting with its value.
#[allow(deprecated, reason = "a verifier may still give the older variants")]
pub(in crate::http) fn of_certificate(error: &E, shown: &str) -> String {
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
        E::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "names no host in its subjectAltName, and its common name does not count (RFC 9110): make one by \
             `openssl req -x509 … -addext subjectAltName=DNS:HOST`"
        }
        E::NotValidForNameContext { presented, .. } => {
            let names = names(presented);
            return format!("is for another host (it is for {names}): check {shown}");
        }
        E::BadEncoding => CANNOT_READ,
        E::BadSignature => "is not signed by the authority that it names: check ca_bundle=",
        E::Revoked => "was revoked: the server needs another one",
        E::UnhandledCriticalExtension => "has a critical extension that is not supported",
        E::UnknownRevocationStatus => "cannot be checked: no one says whether it was revoked",
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => EXPIRED_LIST,
        E::InvalidOcspResponse => "came with an OCSP response that is not valid",
        E::ApplicationVerificationFailure => "was refused",
        E::InvalidPurpose => NOT_FOR_SERVERS,
        E::InvalidPurposeContext { required, .. }
            if *required == ExtendedKeyPurpose::ServerAuth =>
        {
            NOT_FOR_SERVERS
        }
        E::InvalidPurposeContext { .. } => "has an extended key usage for another purpose",
        E::UnsupportedSignatureAlgorithm
        | E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => ALGORITHM,
        E::Other(other) => of_other(other),
        _ => return format!("is not valid ({OTHER})"),
    };
    why.to_owned()
}

fn of_other(OtherError(other): &OtherError) -> &'static str {
    if other.is::<NotForTls>() {
        return "is only for signing: its key usage must include digitalSignature, or be left out";
    }
    other.downcast_ref::<W>().map_or("is not valid", of_webpki)
}

/// The reasons of webpki for which rustls has no words. Those about lists of revoked certificates are left out: none is
/// read here.
fn of_webpki(error: &W) -> &'static str {
    match error {
        W::CaUsedAsEndEntity => {
            "is that of an authority, and a server needs one of its own: give this very one as ca_bundle=, or make one \
             by `openssl req -x509 … -addext basicConstraints=critical,CA:FALSE`"
        }
        W::UnsupportedCertVersion => {
            "is of an old version of X.509, and only version 3 is supported: make one by `openssl req -x509 … -addext \
             subjectAltName=DNS:HOST`"
        }
        W::EndEntityUsedAsCa => "is signed by one that is not that of an authority",
        W::PathLenConstraintViolated => "has more authorities above it than one of them allows",
        W::NameConstraintViolation => "is for a name that its authority may not sign for",
        W::MalformedNameConstraint | W::InvalidNetworkMaskConstraint => {
            "is signed by an authority whose limits on names cannot be read"
        }
        W::CertDistrusted => {
            "has a key that is known to be compromised: the server needs another one"
        }
        W::EmptyEkuExtension => NOT_FOR_SERVERS,
        W::SignatureAlgorithmMismatch => "names two different algorithms for its signature",
        W::UnsupportedCriticalExtension => "has a critical extension that is not supported",
        W::UnsupportedNameType | W::MalformedDnsIdentifier => "has a name that cannot be read",
        W::MaximumNameConstraintComparisonsExceeded
        | W::MaximumPathBuildCallsExceeded
        | W::MaximumPathDepthExceeded
        | W::MaximumSignatureChecksExceeded => TOO_COMPLEX,
        W::BadDer
        | W::BadDerTime
        | W::ExtensionValueInvalid
        | W::InvalidSerialNumber
        | W::MalformedExtensions
        | W::TrailingData(_) => CANNOT_READ,
        _ => "is not valid",
    }
}

/// The names in a certificate, in words. They come as `DnsName("a.example")` or `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> String {
    let inside = |name: &String| {
        let name = name.split_once('(').map_or(name.as_str(), |(_, name)| name);
        name.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let names: Vec<_> = presented.iter().map(inside).collect();
    one_line(&names.join(", "), SHOWN_CHARS)
}
