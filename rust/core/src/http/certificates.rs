//! Reads certificates from files. A file may be anything that the caller names, so only regular files of a sensible size
//! are read. All of this may block: `tls` calls it on a thread of its own.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use memchr::memmem;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use super::fault::lacks_descriptors;
use super::host::is_quoted;
use crate::error::{Error, ErrorKind};
use crate::redact::one_line;

/// The largest file, and the most that is read from one directory. The roots of a system have less than 1 MiB.
const MOST_BYTES: u64 = 16 << 20;

/// Certificates that are trusted.
#[derive(Debug)]
pub(super) struct Trusted {
    /// What may sign the certificate of a server.
    pub(super) roots: RootCertStore,
    /// All of them, as they are in the files.
    pub(super) given: HashSet<CertificateDer<'static>>,
}

impl Default for Trusted {
    fn default() -> Self {
        Self {
            roots: RootCertStore::empty(),
            given: HashSet::new(),
        }
    }
}

impl Trusted {
    /// Adds the certificates in a file or directory.
    pub(super) fn add(&mut self, setting: &str, path: &Path) -> Result<(), Error> {
        if !path.is_dir() {
            if self.add_all(certificates(setting, path)?) == 0 {
                return Err(unusable(setting, path, &"it has no usable certificate"));
            }
            return Ok(());
        }
        let before = self.roots.len();
        let mut room = MOST_BYTES;
        for entry in fs::read_dir(path).map_err(|error| unreadable(setting, path, &error))? {
            let file = entry.map_err(|error| unreadable(setting, path, &error))?;
            let file = file.path();
            match read(setting, &file) {
                Ok(bytes) => {
                    let left = room.checked_sub(bytes.len() as u64);
                    room = left.ok_or_else(|| unusable(setting, path, &too_large()))?;
                    if let Ok(found) = parse(setting, &file, &bytes) {
                        self.add_all(found);
                    }
                }
                // A certificate directory has other things too (links by hash, READMEs). They are ignored.
                Err(error) if is_lasting(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if self.roots.len() == before {
            return Err(unusable(
                setting,
                path,
                &"no file in it has a usable certificate",
            ));
        }
        Ok(())
    }

    /// Returns how many of them are usable.
    fn add_all(&mut self, found: Vec<CertificateDer<'static>>) -> usize {
        let (usable, _) = self.roots.add_parsable_certificates(found.iter().cloned());
        self.given.extend(found);
        usable
    }
}

/// The certificates in a file.
pub(super) fn certificates(
    setting: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    parse(setting, path, &read(setting, path)?)
}

/// Whether the file itself is the problem. Otherwise the system could not read it at the moment.
pub(super) fn is_lasting(error: &Error) -> bool {
    error.kind() == ErrorKind::Config
}

/// The error of a file that cannot be used as it is.
pub(super) fn unusable(setting: &str, path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("cannot use {setting} {}: {why}", path.display()),
    )
}

fn parse(setting: &str, path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |why: &str| unusable(setting, path, &why);
    let found: Vec<_> = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(&damage(&error)))?;
    if found.is_empty() {
        let form = form(path, bytes, "x509");
        return Err(unusable(&format!(
            "it has no certificate in PEM form{form}"
        )));
    }
    Ok(found)
}

fn has(bytes: &[u8], text: &str) -> bool {
    memmem::find(bytes, text.as_bytes()).is_some()
}

/// What is wrong with a PEM file, in words.
pub(super) fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            let label = String::from_utf8_lossy(end_marker);
            format!(
                "it ends before the line -----END {}-----",
                one_line(&label, 64)
            )
        }
        pem::Error::IllegalSectionStart { .. } => {
            "it has a line that begins with ----- and does not end so".to_owned()
        }
        pem::Error::Base64Decode(_) => {
            "it is damaged: there is no base64 between its lines".to_owned()
        }
        pem::Error::SectionTooLarge => "one of its parts is too large".to_owned(),
        pem::Error::NoItemsFound => "it has none of what was asked of it".to_owned(),
        _ => "it cannot be read as PEM".to_owned(),
    }
}

/// The form of a file without PEM, and the command that makes PEM of it; empty for an unknown one. `command` is that of
/// OpenSSL for what is wanted.
pub(super) fn form(path: &Path, bytes: &[u8], command: &str) -> String {
    let by = |what: &str, command: &str| {
        format!(
            ", but {what}: convert it by `openssl {command} -in {} -out FILE`",
            path.display()
        )
    };
    // ITU-T X.690: both begin with a sequence of two bytes of length. Then PKCS #12 (RFC 7292) has the version 3.
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ", but is UTF-16 text: save it as UTF-8".to_owned(),
        [0x30, 0x82, _, _, 2, 1, 3, ..] => by("is a PKCS #12 file", "pkcs12 -nodes"),
        [0x30, 0x82, ..] => by("is in DER form", &format!("{command} -inform der")),
        _ if has(bytes, "BEGIN CERTIFICATE REQUEST") => {
            ", but has a request for one, which an authority has to sign".to_owned()
        }
        _ if has(bytes, "BEGIN PKCS7") => by("has PKCS #7", "pkcs7 -print_certs"),
        _ if has(bytes, "BEGIN TRUSTED CERTIFICATE") => by("has one of OpenSSL's own form", "x509"),
        _ => String::new(),
    }
}

/// Reads a regular file of at most [`MOST_BYTES`].
pub(super) fn read(setting: &str, path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |error: io::Error| unreadable(setting, path, &error);
    // Opening a FIFO waits for its writer, and reading a device may never end.
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        let why = if about.is_dir() {
            "it is a directory"
        } else {
            "it is not a regular file"
        };
        return Err(unusable(setting, path, &why));
    }
    let mut bytes = Vec::new();
    // Some files are longer than the system says, and others grow.
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(unusable(setting, path, &too_large()));
    }
    without_marks(&mut bytes);
    Ok(bytes)
}

/// Removes each UTF-8 byte order mark, which some editors put before the text. In a bundle that was made of several
/// files it hides the line that it is in front of. PEM has no such bytes.
fn without_marks(bytes: &mut Vec<u8>) {
    const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    if !bytes.windows(MARK.len()).any(|window| window == MARK) {
        return;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = &**bytes;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(&MARK) {
            rest = after;
        } else {
            kept.push(*first);
            rest = after;
        }
    }
    *bytes = kept;
}

fn too_large() -> String {
    format!("it has over {} MiB", MOST_BYTES >> 20)
}

/// The error of a file that the system does not read: `Config` if this will not change by itself.
fn unreadable(setting: &str, path: &Path, error: &io::Error) -> Error {
    use io::ErrorKind as I;
    match error.kind() {
        I::NotFound => {
            let text = path.to_string_lossy();
            let fix = if is_quoted(&text) {
                ": it is in quotes: leave them out"
            } else if text.trim() != text {
                ": it has a space or a line end around it: leave that out"
            } else {
                ""
            };
            unusable(setting, path, &format!("{error}{fix}"))
        }
        I::PermissionDenied
        | I::NotADirectory
        | I::IsADirectory
        | I::InvalidInput
        | I::InvalidFilename
        | I::Unsupported => unusable(setting, path, error),
        // ELOOP has no stable `ErrorKind`. Its number is that of Linux and macOS.
        _ if cfg!(unix) && matches!(error.raw_os_error(), Some(40 | 62)) => {
            unusable(setting, path, error)
        }
        _ => {
            let fix = if lacks_descriptors(error) {
                ": raise `ulimit -n`"
            } else {
                ""
            };
            let message = format!("cannot read {setting} {} ({error}){fix}", path.display());
            Error::new(ErrorKind::Connect, message).retryable(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_are_removed_wherever_they_are() {
        let mut bytes = "\u{feff}a\u{feff}\u{feff}b\u{fe00}".as_bytes().to_vec();
        without_marks(&mut bytes);
        assert_eq!(bytes, "ab\u{fe00}".as_bytes());
    }

    #[test]
    fn a_file_in_another_form_is_converted_by_the_line_that_is_named() {
        let path = Path::new("x.der");
        for (bytes, words) in [
            (&b"\xff\xfe-\0"[..], "UTF-16"),
            (
                b"\x30\x82\x01\x01\x02\x01\x03\x30",
                "openssl pkcs12 -nodes -in x.der",
            ),
            (
                b"\x30\x82\x01\x01\x30\x82",
                "openssl x509 -inform der -in x.der",
            ),
            (
                b"-----BEGIN PKCS7-----\nMIIC\n-----END PKCS7-----\n",
                "openssl pkcs7 -print_certs",
            ),
            (
                b"-----BEGIN TRUSTED CERTIFICATE-----\nMIIC\n-----END TRUSTED CERTIFICATE-----\n",
                "openssl x509 -in",
            ),
        ] {
            let error = parse("ca_bundle", path, bytes).unwrap_err();
            assert!(error.message().contains(words), "{error}");
        }
        let request =
            b"-----BEGIN CERTIFICATE REQUEST-----\nMIIC\n-----END CERTIFICATE REQUEST-----\n";
        let error = parse("ca_bundle", path, request).unwrap_err();
        assert!(
            error.message().contains("an authority has to sign"),
            "{error}"
        );
        let error = parse("ca_bundle", path, b"nothing").unwrap_err();
        assert!(
            error.message().ends_with("no certificate in PEM form"),
            "{error}"
        );
    }

    #[test]
    fn damage_is_named_in_words() {
        let path = Path::new("x.pem");
        for (text, words) in [
            (
                "-----BEGIN CERTIFICATE-----\nMIIC\n",
                "ends before the line -----END CERTIFICATE",
            ),
            ("-----BEGIN CERTIFICATE\nMIIC\n", "begins with -----"),
            (
                "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
                "no base64",
            ),
        ] {
            let error = parse("ca_bundle", path, text.as_bytes()).unwrap_err();
            assert!(error.message().contains(words), "{error}");
        }
    }
}
