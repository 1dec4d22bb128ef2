//! The rustls configurations: one for each set of TLS settings, made for the first https call.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};

use super::certificates::{add_roots, certificates, is_lasting, private_key, unusable};
use super::flights::{Flights, NoThread, Threads};
use super::tls_words;
use crate::config::TlsSettings;
use crate::error::{Error, ErrorKind};

const CERT_FILE: &str = "SSL_CERT_FILE";
const CERT_DIR: &str = "SSL_CERT_DIR";

/// A file on a drive that does not answer holds a thread until it does.
const THREADS: Threads = Threads {
    name: "tokenwire-tls",
    most: 16,
    reserved: 0,
    stack: 512 << 10,
};

/// How long [`root_places`] waits for a file.
const PATIENCE: Duration = Duration::from_secs(10);

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

    /// The settings and files, for messages.
    pub(crate) fn shown(&self) -> String {
        let client_cert = self.client_cert.iter().flat_map(|(chain, private_key)| {
            let paths = std::iter::once(chain).chain(private_key);
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

/// Where https takes its roots from. Reads the files, for at most 10 s each; `var` reads the environment.
pub fn root_places(var: impl Fn(&str) -> Option<String>) -> Vec<RootPlace> {
    let key = TlsKey::new(&TlsSettings::default(), var);
    if key.roots.is_empty() {
        return vec![reported("system", None, || {
            let (roots, path) = system_roots()?;
            Ok((roots.len(), path))
        })];
    }
    let report = |(setting, path): (&'static str, PathBuf)| {
        let shown = Some(path.clone());
        reported(setting, shown.clone(), move || {
            let mut roots = RootCertStore::empty();
            add_roots(&mut roots, setting, &path)?;
            Ok((roots.len(), shown))
        })
    };
    key.roots.into_iter().map(report).collect()
}

/// What `count` says about a place: how many certificates it has, and where.
fn reported(
    setting: &'static str,
    path: Option<PathBuf>,
    count: impl FnOnce() -> Result<(usize, Option<PathBuf>), Error> + Send + 'static,
) -> RootPlace {
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let started = THREADS.start(move || {
        let _ = answer.send(count());
    });
    let found = match started {
        Ok(()) => answered.recv_timeout(PATIENCE).map_err(|_| {
            let path = path.as_deref().unwrap_or(Path::new(""));
            unusable(setting, path, &"it could not be read within 10 s")
        }),
        Err(error) => Err(tls_error(format!("no thread can be started ({error})"))),
    };
    let (certificates, path, problem) = match found.and_then(|found| found) {
        Ok((certificates, path)) => (certificates, path, None),
        Err(error) => (0, path, Some(error.message().to_owned())),
    };
    RootPlace {
        setting: match setting {
            "system" if path.is_none() && problem.is_none() => "bundled",
            setting => setting,
        },
        path,
        certificates,
        problem,
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
    /// A configuration for a route without TLS, for a transport that wants one all the same. It trusts nobody.
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
    builder.map_err(|error| {
        tls_error(format!(
            "cannot set up TLS: {}",
            tls_words::of_error(&error)
        ))
    })
}

fn build(key: &TlsKey) -> Result<ClientConfig, Error> {
    let roots = if key.roots.is_empty() {
        system_roots()?.0
    } else {
        custom_roots(&key.roots)?
    };
    let builder = builder()?.with_root_certificates(roots);
    let mut config = match &key.client_cert {
        None => builder.with_no_client_auth(),
        Some((chain, private_key)) => {
            let key_path = private_key.as_ref().unwrap_or(chain);
            let private_key = self::private_key("client_cert", key_path)?;
            builder
                .with_client_auth_cert(certificates("client_cert", chain)?, private_key)
                .map_err(|error| unusable("client_cert", chain, &tls_words::of_error(&error)))?
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
            Err(error) if *setting == CERT_DIR && is_lasting(&error) => {
                useless = useless.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    match useless {
        Some(error) if roots.is_empty() => Err(error),
        _ => Ok(roots),
    }
}

/// The system's roots and where they are, or the bundled ones.
fn system_roots() -> Result<(RootCertStore, Option<PathBuf>), Error> {
    let mut roots = RootCertStore::empty();
    let place = add_store_roots(&mut roots)?;
    if roots.is_empty() {
        // Slim containers have no store; there https uses the bundled roots.
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        roots.add_parsable_certificates(bundled.iter().cloned());
        return Ok((roots, None));
    }
    Ok((roots, Some(place)))
}

/// Adds the roots of the system's store, and returns its name.
#[cfg(any(windows, target_os = "macos"))]
#[allow(clippy::unnecessary_wraps, reason = "other systems read files")]
fn add_store_roots(roots: &mut RootCertStore) -> Result<PathBuf, Error> {
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Ok(PathBuf::from("the system's store"))
}

/// Adds the roots of the system's store, and returns its path: one file with all of them, or else a directory.
///
/// `rustls_native_certs` would read `SSL_CERT_FILE` and `SSL_CERT_DIR` here too, even for a caller who does not
/// trust the environment, and would read every root twice, from both places.
#[cfg(not(any(windows, target_os = "macos")))]
fn add_store_roots(roots: &mut RootCertStore) -> Result<PathBuf, Error> {
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
    for place in PLACES.map(Path::new) {
        match add_roots(roots, "the system's roots", place) {
            Ok(()) => return Ok(place.to_path_buf()),
            // A place that is missing or empty adds nothing.
            Err(error) if is_lasting(&error) => {}
            // Without this, a moment without descriptors would put the bundled roots in its place for good.
            Err(error) => return Err(error),
        }
    }
    Ok(PathBuf::new())
}

fn tls_error(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
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
        let (roots, place) = system_roots().unwrap();
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
