//! The rustls configurations: one for each set of TLS settings, made for the first https call. `roots` says where the
//! root certificates are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, Der, PrivateKeyDer, TrustAnchor};
use rustls::{ClientConfig, RootCertStore};

use super::certificates::{certificates, unusable};
use super::flights::{Flights, NoThread};
use super::private_key::private_key;
use super::roots::{RootSetting, THREADS, named_places, read_named, system_roots};
use super::tls_words;
use super::verifier::{Verifier, may_sign};
use crate::config::{ClientCertificate, TlsSettings};
use crate::error::{Error, ErrorKind};

/// TLS settings, including those from the environment. Equal ones share a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsKey {
    /// Files and directories with roots that replace the system's, and the setting that names each. An empty list
    /// means the system's roots.
    roots: Vec<RootSetting>,
    client_cert: Option<ClientCertificate>,
}

impl TlsKey {
    /// `var` reads the environment. It finds nothing if the caller does not trust the environment.
    pub(crate) fn new(settings: &TlsSettings, var: impl Fn(&str) -> Option<String>) -> Self {
        let roots = match &settings.ca_bundle {
            Some(bundle) => vec![("ca_bundle", bundle.clone())],
            None => named_places(var),
        };
        Self {
            roots,
            client_cert: settings.client_cert.clone(),
        }
    }

    /// The settings and files, for messages.
    pub(crate) fn shown(&self) -> String {
        let client_cert = self.client_cert.iter().flat_map(|certificate| {
            let paths = std::iter::once(&certificate.chain).chain(&certificate.key);
            paths.map(|path| ("client_cert", path))
        });
        let roots = self.roots.iter().map(|(setting, path)| (*setting, path));
        let all: Vec<_> = roots
            .chain(client_cert)
            .map(|(setting, path)| format!("{setting} {}", path.display()))
            .collect();
        if all.is_empty() {
            return "the system's certificates".to_owned();
        }
        all.join(", ")
    }
}

type Ready = Arc<Mutex<HashMap<TlsKey, ClientConfig>>>;

/// The configurations so far, and those that are being made. A failure is not kept: the next call reads the files again.
#[derive(Debug)]
pub(crate) struct TlsConfigs {
    ready: Ready,
    reading: Flights<TlsKey, ClientConfig, Error>,
}

impl Default for TlsConfigs {
    fn default() -> Self {
        let ready = Ready::default();
        let configs = Arc::clone(&ready);
        let work = move |key: &TlsKey| {
            let config = build(key)?;
            configs.lock().insert(key.clone(), config.clone());
            Ok(config)
        };
        Self {
            ready,
            reading: Flights::new(THREADS, work),
        }
    }
}

impl TlsConfigs {
    /// A configuration for a route without TLS, for a transport that wants one all the same. It trusts no certificate.
    pub(crate) fn unused() -> Result<ClientConfig, Error> {
        let builder = builder()?.with_root_certificates(RootCertStore::empty());
        Ok(builder.with_no_client_auth())
    }

    /// The configuration for `key`. All copies of it share roots and session tickets. The files are read on another
    /// thread, once for all calls that wait for them.
    pub(crate) async fn get(&self, key: &TlsKey) -> Result<ClientConfig, Error> {
        if let Some(config) = self.ready.lock().get(key) {
            return Ok(config.clone());
        }
        let read = self.reading.get(key, false).await;
        read.unwrap_or_else(|error: NoThread| {
            let message = format!("cannot read {} ({error})", key.shown());
            Err(Error::new(ErrorKind::Engine, message))
        })
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    builder.map_err(|error| not_set_up(&tls_words::of_error(&error)))
}

fn build(key: &TlsKey) -> Result<ClientConfig, Error> {
    let builder = builder()?;
    let verifier = verifier(key, builder.crypto_provider())?;
    // What it trusts beyond rustls itself is in `verifier`.
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &key.client_cert {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let (chain, private_key) = read_client(certificate)?;
            builder
                .with_client_auth_cert(chain, private_key)
                .map_err(|error| {
                    let why = tls_words::of_error(&error);
                    unusable("client_cert", &certificate.chain, &why)
                })?
        }
    };
    // In a burst, each handshake with an origin takes a ticket.
    config.resumption = rustls::client::Resumption::in_memory_sessions(1024);
    Ok(config)
}

/// Whom to trust. The system's certificates are only roots; those that the caller names are also trusted themselves.
fn verifier(
    key: &TlsKey,
    ring: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let trusted = if key.roots.is_empty() {
        system_roots()?.0
    } else {
        read_named(&key.roots)?
    };
    let roots = if key.roots.is_empty() {
        trusted.roots
    } else {
        authorities(&trusted.given)
    };
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(ring));
    let webpki = webpki
        .build()
        .map_err(|_| not_set_up(&"there are no root certificates"))?;
    if key.roots.is_empty() {
        return Ok(webpki);
    }
    Ok(Arc::new(Verifier::new(webpki, trusted.given)))
}

/// Those of the given certificates that may sign others. webpki itself takes every root for an authority.
fn authorities(given: &HashSet<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(given.iter().filter(|given| may_sign(given)).cloned());
    if roots.is_empty() {
        // rustls takes no empty store. This one has no key, so nothing can be signed by it.
        roots.roots.push(TrustAnchor {
            subject: Der::from_slice(&[]),
            subject_public_key_info: Der::from_slice(&[]),
            name_constraints: None,
        });
    }
    roots
}

type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_client(certificate: &ClientCertificate) -> Result<Client, Error> {
    let key_path = certificate.key.as_ref().unwrap_or(&certificate.chain);
    let key = private_key("client_cert", key_path, certificate.password.as_ref())?;
    if any_supported_type(&key).is_err() {
        let why = "its private key is of a kind that is not supported, such as P-521: use RSA of 2,048 to 8,192 bits, \
                   P-256, P-384 or Ed25519";
        return Err(unusable("client_cert", key_path, &why));
    }
    Ok((certificates("client_cert", &certificate.chain)?, key))
}

fn not_set_up(why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("cannot set up TLS: {why}"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[tokio::test]
    async fn a_missing_or_empty_bundle_is_named() {
        let empty = std::env::temp_dir().join(format!("tokenwire-empty-{}", std::process::id()));
        std::fs::write(&empty, "no PEM here").unwrap();
        for path in [PathBuf::from("/nowhere/ca.pem"), empty.clone()] {
            let settings = TlsSettings {
                ca_bundle: Some(path.clone()),
                client_cert: None,
            };
            let error = TlsConfigs::default()
                .get(&TlsKey::new(&settings, |_| None))
                .await
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
        assert_eq!(
            from_env.roots,
            [("SSL_CERT_FILE", PathBuf::from("/env.pem"))]
        );
        let settings = TlsSettings {
            ca_bundle: Some("/mine.pem".into()),
            client_cert: None,
        };
        assert_eq!(
            TlsKey::new(&settings, var).roots,
            [("ca_bundle", PathBuf::from("/mine.pem"))]
        );
    }

    // Elsewhere the system's store is not a file that a setting could name.
    #[cfg(not(any(windows, target_os = "macos")))]
    #[test]
    fn only_what_a_setting_names_is_trusted_itself() {
        use rustls::pki_types::{ServerName, UnixTime};
        let (system, place) = system_roots().unwrap();
        let Some(place) = place else {
            return;
        };
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let why = |key: &TlsKey, root: &CertificateDer<'_>| {
            let name = ServerName::try_from("host.example").unwrap();
            let verifier = verifier(key, &ring).unwrap();
            let result = verifier.verify_server_cert(root, &[], &name, &[], UnixTime::now());
            tls_words::of_error(&result.unwrap_err())
        };
        let settings = TlsSettings {
            ca_bundle: Some(place),
            client_cert: None,
        };
        let key = TlsKey::new(&settings, |_| None);
        let is_authority = |why: &str| why.contains("is that of an authority");
        let root = system.given.iter();
        let mut root = root.filter(|root| is_authority(&why(&TlsKey::default(), root)));
        // Then it is refused for its use or its name.
        assert!(!is_authority(&why(&key, root.next().unwrap())));
    }
}
