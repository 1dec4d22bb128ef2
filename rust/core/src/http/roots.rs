//! Where the root certificates are: in the places that a setting names, in the system's store, or in this library.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::certificates::{Trusted, is_lasting, unusable};
use super::flights::Threads;
use crate::error::{Error, ErrorKind};

const CERT_FILE: &str = "SSL_CERT_FILE";
const CERT_DIR: &str = "SSL_CERT_DIR";
/// What requests and curl read, each a file or a directory.
const OF_OTHERS: [&str; 2] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// A file on a drive that does not answer holds a thread until it does.
pub(super) const THREADS: Threads = Threads {
    name: "tokenwire-tls",
    most: 16,
    reserved: 0,
    stack: 512 << 10,
};

/// How long [`root_places`] waits for a file.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file or directory with certificates, and the setting that names it.
pub(super) type RootSetting = (&'static str, PathBuf);

/// Files and directories that the environment names, and the variable that names each. Those of OpenSSL are used
/// together; of the others, the first.
pub(super) fn named_places(var: impl Fn(&str) -> Option<String>) -> Vec<RootSetting> {
    let file = var(CERT_FILE).unwrap_or_default();
    let directories = var(CERT_DIR).unwrap_or_default();
    let file = (CERT_FILE, PathBuf::from(file));
    // As in OpenSSL, a list like PATH.
    let directories = std::env::split_paths(&directories).map(|path| (CERT_DIR, path));
    let of_openssl = std::iter::once(file).chain(directories);
    let is_named = |(_, path): &RootSetting| !path.as_os_str().is_empty();
    let roots: Vec<_> = of_openssl.filter(is_named).collect();
    if !roots.is_empty() {
        return roots;
    }
    let others = OF_OTHERS.map(|name| (name, PathBuf::from(var(name).unwrap_or_default())));
    others.into_iter().find(is_named).into_iter().collect()
}

/// A place that roots come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPlace {
    /// The variable that names it, `system`, or `bundled` if the system has none.
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
    let places = named_places(var);
    if places.is_empty() {
        return vec![reported("system", None, || {
            let (trusted, path) = system_roots()?;
            Ok((trusted.roots.len(), path))
        })];
    }
    let report = |(setting, path): RootSetting| {
        let shown = Some(path.clone());
        reported(setting, shown.clone(), move || {
            let mut trusted = Trusted::default();
            trusted.add(setting, &path)?;
            Ok((trusted.roots.len(), shown))
        })
    };
    places.into_iter().map(report).collect()
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
        Err(error) => {
            let message = format!("no thread can be started ({error})");
            Err(Error::new(ErrorKind::Config, message))
        }
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

/// Reads all of these places.
pub(super) fn read_named(places: &[RootSetting]) -> Result<Trusted, Error> {
    let mut trusted = Trusted::default();
    let mut useless = None;
    for (setting, path) in places {
        match trusted.add(setting, path) {
            Ok(()) => {}
            // Some directories of a list may be empty or missing, as long as the others have roots.
            Err(error) if *setting == CERT_DIR && is_lasting(&error) => {
                useless = useless.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    match useless {
        Some(error) if trusted.roots.is_empty() => Err(error),
        _ => Ok(trusted),
    }
}

/// The system's roots and where they are, or the bundled ones.
pub(super) fn system_roots() -> Result<(Trusted, Option<PathBuf>), Error> {
    let mut trusted = Trusted::default();
    let place = add_store_roots(&mut trusted)?;
    if trusted.roots.is_empty() {
        // Slim containers have no store; there https uses the bundled roots.
        let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        trusted
            .roots
            .add_parsable_certificates(bundled.iter().cloned());
        return Ok((trusted, None));
    }
    Ok((trusted, Some(place)))
}

/// Adds the roots of the system's store, and returns its name.
#[cfg(any(windows, target_os = "macos"))]
#[allow(clippy::unnecessary_wraps, reason = "other systems read files")]
fn add_store_roots(trusted: &mut Trusted) -> Result<PathBuf, Error> {
    let found = rustls_native_certs::load_native_certs().certs;
    trusted.roots.add_parsable_certificates(found);
    Ok(PathBuf::from("the system's store"))
}

/// Adds the roots of the system's store, and returns its path: one file with all of them, or else a directory.
///
/// `rustls_native_certs` would read `SSL_CERT_FILE` and `SSL_CERT_DIR` here too, even for a caller who does not
/// trust the environment, and would read every root twice, from both places.
#[cfg(not(any(windows, target_os = "macos")))]
fn add_store_roots(trusted: &mut Trusted) -> Result<PathBuf, Error> {
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
        match trusted.add("the system's roots", place) {
            Ok(()) => return Ok(place.to_path_buf()),
            // A place that is missing or empty adds nothing.
            Err(error) if is_lasting(&error) => {}
            // Without this, a moment without descriptors would put the bundled roots in its place for good.
            Err(error) => return Err(error),
        }
    }
    Ok(PathBuf::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_or_the_bundled_roots_are_there() {
        let (trusted, place) = system_roots().unwrap();
        assert!(!trusted.roots.is_empty());
        let reported = root_places(|_| None);
        assert_eq!(reported.len(), 1);
        assert_eq!(reported[0].certificates, trusted.roots.len());
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
