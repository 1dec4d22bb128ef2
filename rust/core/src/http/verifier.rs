//! Whether a server is trusted, where the caller names the certificates to trust.
//!
//! A private server often has a certificate of its own, made by `openssl req -x509`, which marks it as that of an
//! authority; or one that an authority signed whose root no one has. webpki takes neither as the certificate of a
//! server. OpenSSL takes both (`X509_V_FLAG_PARTIAL_CHAIN`), if the caller has given exactly this certificate.

use std::collections::HashSet;
use std::sync::Arc;

use pkcs8::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use pkcs8::der::{self, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error as Tls, OtherError, SignatureScheme};

// RFC 5280, sections 4.2.1.9, 4.2.1.3 and 4.2.1.12.
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// `digitalSignature`, `keyEncipherment` and `keyAgreement`, of which OpenSSL requires one in a server's certificate.
const USAGES_OF_TLS: u8 = 0b1010_1000;
/// `keyCertSign`.
const USAGE_OF_AUTHORITIES: u8 = 0b0000_0100;

/// A certificate may be used to sign others, and for nothing else.
#[derive(Debug, thiserror::Error)]
#[error("the key usage does not allow TLS")]
pub(super) struct NotForTls;

/// webpki, and the certificates that the caller has given.
#[derive(Debug)]
pub(super) struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    given: HashSet<CertificateDer<'static>>,
}

impl Verifier {
    pub(super) fn new(
        webpki: Arc<WebPkiServerVerifier>,
        given: HashSet<CertificateDer<'static>>,
    ) -> Self {
        Self { webpki, given }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Tls> {
        let verify = |intermediates: &[CertificateDer<'_>]| {
            self.webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )
        };
        let verified = verify(intermediates);
        if verified.is_ok() || !self.given.contains(end_entity) {
            return verified;
        }
        // Without what else the server sent: its faults are not those of the certificate that is trusted.
        match verify(&[]) {
            // webpki looks at the dates first, then at the mark of an authority, then at the extended key usage, and
            // at the issuer and the name last.
            Err(error) if is_about_its_place_in_a_chain(&error) => {
                check_usages(end_entity)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Whether a certificate is that of an authority, which may sign others; as OpenSSL's `X509_check_ca`, so that who has
/// the key of one server cannot sign for the names of all others. Older versions of X.509 have no such mark.
pub(super) fn may_sign(certificate: &[u8]) -> bool {
    usages(certificate).map_or(true, |usages| {
        usages.authority.unwrap_or(usages.signs || !usages.has_any)
    })
}

fn is_about_its_place_in_a_chain(error: &Tls) -> bool {
    match error {
        Tls::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        Tls::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
            let reason = other.downcast_ref::<webpki::Error>();
            reason.is_some_and(|reason| *reason == webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

/// Checks that both kinds of key usage allow a server, each if there is one.
fn check_usages(certificate: &CertificateDer<'_>) -> Result<(), Tls> {
    let usages = usages(certificate).map_err(|_| CertificateError::BadEncoding)?;
    if usages.extended.is_some_and(|allows| !allows) {
        return Err(CertificateError::InvalidPurpose.into());
    }
    if usages.plain.is_some_and(|allows| !allows) {
        return Err(CertificateError::Other(OtherError(Arc::new(NotForTls))).into());
    }
    Ok(())
}

/// What a certificate may be used for.
#[derive(Default)]
struct Usages {
    /// Whether this usage allows a server; `None` if the certificate does not have it.
    plain: Option<bool>,
    extended: Option<bool>,
    /// Whether the basic constraints mark it as that of an authority; `None` without them.
    authority: Option<bool>,
    /// Whether the key usage allows to sign certificates.
    signs: bool,
    /// Whether it has any extension.
    has_any: bool,
}

/// Reads the usages in a certificate, which webpki has already found to be well formed.
fn usages(certificate: &[u8]) -> der::Result<Usages> {
    const EXTENSIONS: Tag = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(3),
    };
    let mut usages = Usages::default();
    let signed = fields(AnyRef::from_der(certificate)?)?;
    let fields_of_it = fields(signed.first().copied().unwrap_or(AnyRef::NULL))?;
    let holder = fields_of_it.iter().find(|field| field.tag() == EXTENSIONS);
    let Some(holder) = holder else {
        return Ok(usages);
    };
    usages.has_any = true;
    for extension in fields(AnyRef::from_der(holder.value())?)? {
        // Its name, perhaps whether it is critical, and its value.
        let [name, .., value] = fields(extension)?[..] else {
            continue;
        };
        match name.decode_as::<ObjectIdentifier>()? {
            BASIC_CONSTRAINTS => {
                let values = fields(AnyRef::from_der(value.value())?)?;
                let mark = values.first().filter(|mark| mark.tag() == Tag::Boolean);
                usages.authority = Some(mark.is_some_and(|mark| mark.value() != [0]));
            }
            KEY_USAGE => {
                let bits = BitStringRef::from_der(value.value())?;
                let first = bits.raw_bytes().first().copied().unwrap_or_default();
                usages.plain = Some(first & USAGES_OF_TLS != 0);
                usages.signs = first & USAGE_OF_AUTHORITIES != 0;
            }
            EXTENDED_KEY_USAGE => {
                let purposes = fields(AnyRef::from_der(value.value())?)?;
                let mut purposes = purposes.into_iter();
                let is_server = |purpose: AnyRef<'_>| {
                    let purpose = purpose.decode_as::<ObjectIdentifier>();
                    purpose.is_ok_and(|purpose| purpose == SERVER_AUTH)
                };
                usages.extended = Some(purposes.any(is_server));
            }
            _ => {}
        }
    }
    Ok(usages)
}

/// The values in a sequence.
fn fields(sequence: AnyRef<'_>) -> der::Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(sequence.value())?;
    let mut fields = Vec::new();
    while !reader.is_finished() {
        fields.push(reader.decode()?);
    }
    Ok(fields)
}
