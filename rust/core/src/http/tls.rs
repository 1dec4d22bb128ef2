//! One rustls configuration for each set of TLS settings, made at the first https call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::TlsSettings;
use crate::error::{Error, ErrorKind};

/// TLS settings with the environment's share in them, so that equal ones share a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsKey {
    /// Files and directories whose roots replace the system's; empty takes the system's.
    roots: Vec<PathBuf>,
    client_cert: Option<(PathBuf, Option<PathBuf>)>,
}

impl TlsKey {
    /// `var` looks into the environment; it finds nothing where the caller does not trust it.
    pub(crate) fn new(settings: &TlsSettings, var: impl Fn(&str) -> Option<String>) -> Self {
        let roots = match &settings.ca_bundle {
            Some(bundle) => vec![bundle.clone()],
            None => ["SSL_CERT_FILE", "SSL_CERT_DIR"]
                .into_iter()
                .filter_map(var)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
                .collect(),
        };
        Self {
            roots,
            client_cert: settings.client_cert.clone(),
        }
    }
}

/// The configurations made so far.
#[derive(Debug, Default)]
pub(crate) struct TlsConfigs(Mutex<HashMap<TlsKey, ClientConfig>>);

impl TlsConfigs {
    /// The configuration for `key`. The copy shares roots and session tickets with all others of it.
    pub(crate) fn get(&self, key: &TlsKey) -> Result<ClientConfig, Error> {
        // Held while the files are read: of many first calls one does the work.
        let mut made = self.0.lock();
        if let Some(config) = made.get(key) {
            return Ok(config.clone());
        }
        let config = build(key)?;
        made.insert(key.clone(), config.clone());
        Ok(config)
    }
}

/// What a plain http client is given: reqwest insists on some TLS configuration.
pub(crate) fn without_roots() -> Result<ClientConfig, Error> {
    Ok(builder()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error(format!("cannot set up TLS: {error}")))
}

fn build(key: &TlsKey) -> Result<ClientConfig, Error> {
    let roots = if key.roots.is_empty() {
        system_roots()
    } else {
        let mut roots = RootCertStore::empty();
        for path in &key.roots {
            add_roots(&mut roots, path)?;
        }
        roots
    };
    let builder = builder()?.with_root_certificates(roots);
    let mut config = match &key.client_cert {
        None => builder.with_no_client_auth(),
        Some((chain, private_key)) => {
            let key_path = private_key.as_ref().unwrap_or(chain);
            builder
                .with_client_auth_cert(certificates(chain)?, read_key(key_path)?)
                .map_err(|error| unusable("client_cert", chain, &error))?
        }
    };
    // A burst of handshakes to one origin takes a ticket each.
    config.resumption = rustls::client::Resumption::in_memory_sessions(1024);
    Ok(config)
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        // Slim containers have no store; the bundled roots let https work there all the same.
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        roots.add_parsable_certificates(bundled.iter().cloned());
    }
    roots
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    if !path.is_dir() {
        let (added, _) = roots.add_parsable_certificates(certificates(path)?);
        if added == 0 {
            return Err(unusable(
                "ca_bundle",
                path,
                &"it holds no usable certificate",
            ));
        }
        return Ok(());
    }
    let files = std::fs::read_dir(path).map_err(|error| unusable("ca_bundle", path, &error))?;
    let before = roots.len();
    for file in files.flatten().map(|entry| entry.path()) {
        // A certificate directory holds other files too (links by hash, READMEs): they are passed over.
        if file.is_file()
            && let Ok(found) = certificates(&file)
        {
            roots.add_parsable_certificates(found);
        }
    }
    if roots.len() == before {
        return Err(unusable(
            "ca_bundle",
            path,
            &"no file in it holds a usable certificate",
        ));
    }
    Ok(())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |error: &dyn std::fmt::Display| unusable("certificate file", path, error);
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(&error))?;
    if found.is_empty() {
        return Err(unusable(&"it holds no certificate in PEM form"));
    }
    Ok(found)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unusable("client_cert", path, &error))
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
        assert_eq!(from_env.roots, [PathBuf::from("/env.pem")]);
        let settings = TlsSettings {
            ca_bundle: Some("/mine.pem".into()),
            client_cert: None,
        };
        assert_eq!(
            TlsKey::new(&settings, var).roots,
            [PathBuf::from("/mine.pem")]
        );
    }

    #[test]
    fn the_system_or_the_bundled_roots_are_there() {
        assert!(!system_roots().is_empty());
    }
}
