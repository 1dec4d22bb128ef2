//! Reads certificates and keys from files. A file may be anything that the caller names, so only regular files of a
//! sensible size are read. All of this may block: `tls` calls it on a thread of its own.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, ErrorKind};

/// The largest file, and the most that is read from one directory. The roots of a system have less than 1 MiB.
const MOST_BYTES: u64 = 16 << 20;

/// Adds the roots in a file or directory.
pub(super) fn add_roots(
    roots: &mut RootCertStore,
    setting: &str,
    path: &Path,
) -> Result<(), Error> {
    if !path.is_dir() {
        let (added, _) = roots.add_parsable_certificates(certificates(setting, path)?);
        if added == 0 {
            return Err(unusable(setting, path, &"it has no usable certificate"));
        }
        return Ok(());
    }
    let before = roots.len();
    let mut room = MOST_BYTES;
    for entry in fs::read_dir(path).map_err(|error| unreadable(setting, path, &error))? {
        let file = entry.map_err(|error| unreadable(setting, path, &error))?;
        let file = file.path();
        match read(setting, &file, MOST_BYTES) {
            Ok(bytes) => {
                let left = room.checked_sub(bytes.len() as u64);
                room = left.ok_or_else(|| unusable(setting, path, &too_large()))?;
                if let Ok(found) = parse(setting, &file, &bytes) {
                    roots.add_parsable_certificates(found);
                }
            }
            // A certificate directory has other things too (links by hash, READMEs). They are ignored.
            Err(error) if is_lasting(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if roots.len() == before {
        return Err(unusable(
            setting,
            path,
            &"no file in it has a usable certificate",
        ));
    }
    Ok(())
}

/// The certificates in a file.
pub(super) fn certificates(
    setting: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    parse(setting, path, &read(setting, path, MOST_BYTES)?)
}

/// The private key in a file.
pub(super) fn private_key(setting: &str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let bytes = read(setting, path, MOST_BYTES)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| unusable(setting, path, &error))
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
    let unusable = |error: &dyn std::fmt::Display| unusable(setting, path, error);
    let found: Vec<_> = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(&error))?;
    if found.is_empty() {
        return Err(unusable(&"it has no certificate in PEM form"));
    }
    Ok(found)
}

/// Reads a regular file of at most `most` bytes.
fn read(setting: &str, path: &Path, most: u64) -> Result<Vec<u8>, Error> {
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
    let read = file.take(most + 1).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(unusable(setting, path, &too_large()));
    }
    Ok(bytes)
}

fn too_large() -> String {
    format!("it has over {} MiB", MOST_BYTES >> 20)
}

/// The error of a file that the system does not read: `Config` if this will not change by itself.
fn unreadable(setting: &str, path: &Path, error: &io::Error) -> Error {
    use io::ErrorKind as I;
    match error.kind() {
        I::NotFound
        | I::PermissionDenied
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
            // EMFILE and ENFILE have no `ErrorKind`; their numbers are the same on every Unix.
            let no_file = cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24));
            let fix = if no_file { ": raise `ulimit -n`" } else { "" };
            let message = format!("cannot read {setting} {} ({error}){fix}", path.display());
            Error::new(ErrorKind::Connect, message).retryable(true)
        }
    }
}
