//! Reads a private key, which may be encrypted, from a PEM file.
//!
//! Of encrypted keys, PKCS #8 with PBES2 (RFC 8018) is read: what OpenSSL writes since version 1.1. For an older form,
//! the error names the command that converts it.

use std::path::Path;

use memchr::memmem;
use pkcs8::der::Decode;
use pkcs8::pkcs5::pbes2::{Kdf, Pbkdf2Prf};
use pkcs8::pkcs5::{EncryptionScheme, Error as Pkcs5};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificates::{damage, form, read, unusable};
use crate::error::Error;
use crate::redact::Secret;

/// How often PBKDF2 may hash the password. OpenSSL's default is 2,048, and OWASP recommends 600,000; so many take a few
/// seconds.
const MOST_ITERATIONS: u32 = 5_000_000;

/// How much work scrypt may do: the product of its parameters N, r and p. OpenSSL's default is 2^17. It also bounds the
/// memory, to 128 bytes for each: 256 MiB.
const MOST_SCRYPT: u64 = 1 << 21;

const BEGIN: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END: &[u8] = b"-----END ENCRYPTED PRIVATE KEY-----";

/// The private key in a file. May take seconds if it is encrypted.
pub(super) fn private_key(
    setting: &str,
    path: &Path,
    password: Option<&Secret>,
) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes = read(setting, path)?;
    let refused = |why: &str| unusable(setting, path, &why);
    let plain = PrivateKeyDer::from_pem_slice(&bytes);
    let encrypted = memmem::find(&bytes, BEGIN).and_then(|begin| bytes.get(begin..));
    // A file may have both.
    if let Some(section) = encrypted
        && (password.is_some() || plain.is_err())
    {
        return decrypted(section, password).map_err(|why| refused(&why.text(path, setting)));
    }
    match plain {
        Ok(_) if password.is_some() => Err(refused(&format!(
            "its private key is not encrypted: leave the password out of {setting}"
        ))),
        Ok(key) => Ok(key),
        // OpenSSL's own older form has its cipher in lines that are not base64 (RFC 1421).
        Err(_) if memmem::find(&bytes, b"Proc-Type: 4,ENCRYPTED").is_some() => {
            Err(refused(&Refusal::Form.text(path, setting)))
        }
        Err(pem::Error::NoItemsFound) => {
            let form = form(path, &bytes, "pkey");
            Err(refused(&format!("it has no private key in PEM form{form}")))
        }
        Err(error) => Err(refused(&damage(&error))),
    }
}

/// Why an encrypted key cannot be used.
enum Refusal {
    /// It is damaged, in words.
    Damage(String),
    /// It is encrypted in a form that is not supported.
    Form,
    /// Its parameters would take too much time or memory.
    Work,
    /// There is no password.
    NoPassword,
    /// The password is another one.
    Password,
}

impl Refusal {
    fn text(&self, path: &Path, setting: &str) -> String {
        let again = format!("openssl pkcs8 -topk8 -in {} -out FILE", path.display());
        match self {
            Self::Damage(why) => why.clone(),
            Self::Form => format!(
                "its private key is encrypted in a form that is not supported: convert it by `{again}`, and give that \
                 file"
            ),
            Self::Work => format!(
                "the encryption of its private key takes too much work: write it again by `{again}`, and give that file"
            ),
            Self::NoPassword => format!(
                "its private key is encrypted: give its password, as in {setting}=(certificate, key, password)"
            ),
            Self::Password => format!(
                "its private key cannot be decrypted: check the password, the third value of {setting}"
            ),
        }
    }
}

/// The key in a section of PEM.
fn decrypted(section: &[u8], password: Option<&Secret>) -> Result<PrivateKeyDer<'static>, Refusal> {
    let Some(end) = memmem::find(section, END) else {
        let line = String::from_utf8_lossy(END);
        return Err(Refusal::Damage(format!("it ends before the line {line}")));
    };
    let text = section.get(BEGIN.len()..end).unwrap_or_default();
    // The reader of PEM knows this name.
    let text = [
        b"-----BEGIN PRIVATE KEY-----",
        text,
        b"-----END PRIVATE KEY-----\n",
    ]
    .concat();
    let info = PrivatePkcs8KeyDer::from_pem_slice(&text);
    let info = info.map_err(|error| Refusal::Damage(damage(&error)))?;
    let info = EncryptedPrivateKeyInfoRef::from_der(info.secret_pkcs8_der());
    let info = info.map_err(|_| Refusal::Form)?;
    check_scheme(&info.encryption_algorithm)?;
    let password = password.ok_or(Refusal::NoPassword)?;
    let key = match info.decrypt(password.expose()) {
        Ok(key) => key,
        Err(pkcs8::Error::EncryptedPrivateKey(
            Pkcs5::NoPbes1CryptSupport
            | Pkcs5::UnsupportedAlgorithm { .. }
            | Pkcs5::AlgorithmParametersInvalid { .. },
        )) => return Err(Refusal::Form),
        Err(_) => return Err(Refusal::Password),
    };
    // A wrong password may leave what looks like padding, once in 256 times.
    PrivateKeyInfoRef::from_der(key.as_bytes()).map_err(|_| Refusal::Password)?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// Refuses what is not supported, and what would take a thread for minutes, or all memory.
fn check_scheme(scheme: &EncryptionScheme) -> Result<(), Refusal> {
    let fits = match scheme.pbes2().map(|parameters| &parameters.kdf) {
        Some(Kdf::Pbkdf2(parameters)) if parameters.prf == Pbkdf2Prf::HmacWithSha1 => {
            return Err(Refusal::Form);
        }
        Some(Kdf::Pbkdf2(parameters)) => parameters.iteration_count <= MOST_ITERATIONS,
        Some(Kdf::Scrypt(parameters)) => {
            let (blocks, lanes) = (parameters.block_size, parameters.parallelization);
            let work = parameters.cost_parameter.checked_mul(blocks.into());
            work.and_then(|work| work.checked_mul(lanes.into()))
                .is_some_and(|work| work <= MOST_SCRYPT)
        }
        _ => return Err(Refusal::Form),
    };
    if fits { Ok(()) } else { Err(Refusal::Work) }
}
