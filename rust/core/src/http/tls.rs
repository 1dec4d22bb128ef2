//! The rustls configurations: one for each set of TLS settings, made for the first https call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::TlsSettings;
use crate::error::{Error, ErrorKind};

const CERT_FILE: &str = "SSL_CERT_FILE";
const CERT_DIR: &str = "SSL_CERT_DIR";

/// TLS settings, including those from the environment. Equal ones share a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsKey {
    /// Files and directories with roots that replace the system's, and the setting that names each. An empty list
    /// means the system's roots.
    roots: Vec<(&'static str, PathBuf)>,
    client_cert: Option<(PathBuf, Option<PathBuf>)>,
}

impl TlsKey {
    /// `var` reads the environment. It finds nothing if the caller does not trust the environment.
    pub(crate) fn new(settings: &TlsSettings, var: impl Fn(&str) -> Option<String>) -> Self {
        let roots = if let Some(bundle) = &settings.ca_bundle {
            vec![("ca_bundle", bundle.clone())]
        } else {
            let file = var(CERT_FILE).unwrap_or_default();
            let directories = var(CERT_DIR).unwrap_or_default();
            let file = (CERT_FILE, PathBuf::from(file));
            // As in OpenSSL, a list like PATH.
            let directories = std::env::split_paths(&directories).map(|path| (CERT_DIR, path));
            std::iter::once(file)
                .chain(directories)
                .filter(|(_, path)| !path.as_os_str().is_empty())
                .collect()
        };
        Self {
            roots,
            client_cert: settings.client_cert.clone(),
        }
    }
}

/// A place that roots come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPlace {
    /// `SSL_CERT_FILE`, `SSL_CERT_DIR`, `system`, or `bundled` if the system has none.
    pub setting: &'static str,
    /// The file or directory, if there is one.
    pub path: Option<PathBuf>,
    /// How many usable certificates it has.
    pub certificates: usize,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// Where https takes its roots from. Reads the files; `var` reads the environment.
pub fn root_places(var: impl Fn(&str) -> Option<String>) -> Vec<RootPlace> {
    let key = TlsKey::new(&TlsSettings::default(), var);
    if key.roots.is_empty() {
        let (roots, path) = system_roots();
        return vec![RootPlace {
            setting: if path.is_some() { "system" } else { "bundled" },
            path,
            certificates: roots.len(),
            problem: None,
        }];
    }
    let report = |(setting, path): (&'static str, PathBuf)| {
        let mut roots = RootCertStore::empty();
        let added = add_roots(&mut roots, setting, &path);
        RootPlace {
            setting,
            path: Some(path),
            certificates: roots.len(),
            problem: added.err().map(|error| error.message().to_owned()),
        }
    };
    key.roots.into_iter().map(report).collect()
}

/// The configurations so far.
#[derive(Debug, Default)]
pub(crate) struct TlsConfigs(Mutex<HashMap<TlsKey, ClientConfig>>);

impl TlsConfigs {
    /// The configuration for `key`. All copies of it share roots and session tickets.
    pub(crate) fn get(&self, key: &TlsKey) -> Result<ClientConfig, Error> {
        // The lock is held while the files are read, so that only one of many first calls does the work.
        let mut configs = self.0.lock();
        if let Some(config) = configs.get(key) {
            return Ok(config.clone());
        }
        let config = build(key)?;
        configs.insert(key.clone(), config.clone());
        Ok(config)
    }
}

fn build(key: &TlsKey) -> Result<ClientConfig, Error> {
    let roots = if key.roots.is_empty() {
        system_roots().0
    } else {
        custom_roots(&key.roots)?
    };
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error(format!("cannot set up TLS: {error}")))?
        .with_root_certificates(roots);
    let mut config = match &key.client_cert {
        None => builder.with_no_client_auth(),
        Some((chain, private_key)) => {
            let key_path = private_key.as_ref().unwrap_or(chain);
            let private_key = PrivateKeyDer::from_pem_file(key_path)
                .map_err(|error| unusable("client_cert", key_path, &error))?;
            builder
                .with_client_auth_cert(certificates("client_cert", chain)?, private_key)
                .map_err(|error| unusable("client_cert", chain, &error))?
        }
    };
    // In a burst, each handshake with an origin takes a ticket.
    config.resumption = rustls::client::Resumption::in_memory_sessions(1024);
    Ok(config)
}

fn custom_roots(places: &[(&'static str, PathBuf)]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let mut useless = None;
    for (setting, path) in places {
        match add_roots(&mut roots, setting, path) {
            Ok(()) => {}
            // Some directories of a list may be empty or missing, as long as the others have roots.
            Err(error) if *setting == CERT_DIR => useless = useless.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    match useless {
        Some(error) if roots.is_empty() => Err(error),
        _ => Ok(roots),
    }
}

/// The system's roots and where they are, or the bundled ones.
fn system_roots() -> (RootCertStore, Option<PathBuf>) {
    let mut roots = RootCertStore::empty();
    let place = add_store_roots(&mut roots);
    if roots.is_empty() {
        // Slim containers have no store; there https uses the bundled roots.
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        roots.add_parsable_certificates(bundled.iter().cloned());
        return (roots, None);
    }
    (roots, Some(place))
}

/// Adds the roots of the system's store, and returns its name.
#[cfg(any(windows, target_os = "macos"))]
fn add_store_roots(roots: &mut RootCertStore) -> PathBuf {
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    PathBuf::from("the system's store")
}

/// Adds the roots of the system's store, and returns its path: one file with all of them, or else a directory.
///
/// `rustls_native_certs` would read `SSL_CERT_FILE` and `SSL_CERT_DIR` here too, even for a caller who does not
/// trust the environment, and would read every root twice, from both places.
#[cfg(not(any(windows, target_os = "macos")))]
fn add_store_roots(roots: &mut RootCertStore) -> PathBuf {
    const PLACES: [&str; 10] = [
        // Debian, Ubuntu, Arch; Fedora and RHEL; openSUSE; Alpine and OpenBSD; FreeBSD; NetBSD.
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/usr/local/etc/ssl/cert.pem",
        "/etc/openssl/certs/ca-certificates.crt",
        // Stores without such a file.
        "/etc/ssl/certs",
        "/etc/pki/tls/certs",
        "/usr/local/share/certs",
    ];
    let found = PLACES.iter().map(Path::new).find(|place| {
        // A place that is missing or empty adds nothing.
        add_roots(roots, "the system's roots", place).is_ok()
    });
    found.map(Path::to_path_buf).unwrap_or_default()
}

fn add_roots(roots: &mut RootCertStore, setting: &str, path: &Path) -> Result<(), Error> {
    if !path.is_dir() {
        let (added, _) = roots.add_parsable_certificates(certificates(setting, path)?);
        if added == 0 {
            return Err(unusable(setting, path, &"it has no usable certificate"));
        }
        return Ok(());
    }
    let files = std::fs::read_dir(path).map_err(|error| unusable(setting, path, &error))?;
    let before = roots.len();
    for file in files.flatten().map(|entry| entry.path()) {
        // A certificate directory has other files too (links by hash, READMEs). They are ignored.
        if file.is_file()
            && let Ok(found) = certificates(setting, &file)
        {
            roots.add_parsable_certificates(found);
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

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |error: &dyn std::fmt::Display| unusable(setting, path, error);
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(&error))?;
    if found.is_empty() {
        return Err(unusable(&"it has no certificate in PEM form"));
    }
    Ok(found)
}

fn unusable(what: &str, path: &Path, why: &dyn std::fmt::Display) -> Error {
    tls_error(format!("cannot use {what} {}: {why}", path.display()))
}

fn tls_error(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_bundle_is_named() {
        let empty = std::env::temp_dir().join(format!("tokenwire-empty-{}", std::process::id()));
        std::fs::write(&empty, "no PEM here").unwrap();
        for path in [PathBuf::from("/nowhere/ca.pem"), empty.clone()] {
            let settings = TlsSettings {
                ca_bundle: Some(path.clone()),
                client_cert: None,
            };
            let error = TlsConfigs::default()
                .get(&TlsKey::new(&settings, |_| None))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(path.to_str().unwrap()), "{error}");
        }
        std::fs::remove_file(empty).unwrap();
    }

    #[test]
    fn a_bundle_argument_wins_over_the_environment() {
        let var = |name: &str| (name == "SSL_CERT_FILE").then(|| "/env.pem".to_owned());
        let from_env = TlsKey::new(&TlsSettings::default(), var);
        assert_eq!(from_env.roots, [(CERT_FILE, PathBuf::from("/env.pem"))]);
        let settings = TlsSettings {
            ca_bundle: Some("/mine.pem".into()),
            client_cert: None,
        };
        assert_eq!(
            TlsKey::new(&settings, var).roots,
            [("ca_bundle", PathBuf::from("/mine.pem"))]
        );
    }

    #[test]
    fn the_system_or_the_bundled_roots_are_there() {
        let (roots, place) = system_roots();
        assert!(!roots.is_empty());
        let reported = root_places(|_| None);
        assert_eq!(reported.len(), 1);
        assert_eq!(reported[0].certificates, roots.len());
        assert_eq!(reported[0].path, place);
    }

    #[test]
    fn a_report_names_each_place_and_what_is_wrong_with_it() {
        let folder = std::env::temp_dir().join(format!("tokenwire-roots-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("README"), "no PEM here").unwrap();
        let list = std::env::join_paths([folder.as_path(), Path::new("/nowhere")]).unwrap();
        let list = list.into_string().unwrap();
        let places = root_places(|name| (name == CERT_DIR).then(|| list.clone()));
        std::fs::remove_dir_all(&folder).unwrap();
        let found: Vec<_> = places
            .iter()
            .map(|place| (place.setting, place.certificates))
            .collect();
        assert_eq!(found, [(CERT_DIR, 0), (CERT_DIR, 0)]);
        let problems: Vec<_> = places
            .iter()
            .filter_map(|place| place.problem.as_deref())
            .collect();
        assert!(
            problems[0].contains("no file in it has a usable certificate"),
            "{problems:?}"
        );
        assert!(problems[1].contains("/nowhere"), "{problems:?}");
    }
}
