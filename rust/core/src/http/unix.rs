//! Unix sockets: a server of this machine that has a path instead of a host and a port.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

#[cfg(unix)]
use super::link::Stream;
use crate::redact;

/// How a base URL with a unix socket is written.
pub(crate) const FORM: &str = "unix:///run/vllm.sock:/v1";

/// How many characters of a path are shown. Control characters triple its length.
const SHOWN_CHARS: usize = 400;

/// The longest path of a socket in bytes: `sun_path` of unix(7) without the zero at its end, and that of the BSDs.
pub(crate) const MAX_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// What is written with a percent sign in the path of a socket, because it means something in a base URL.
const SPECIAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'\'')
    .add(b'?')
    .add(b'\\')
    .add(b'`');

/// A unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct UnixSocket {
    path: PathBuf,
    /// The path as a base URL has it.
    written: String,
}

/// The name of the origin in messages: `unix:/run/vllm.sock`.
impl fmt::Display for UnixSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.written)
    }
}

impl UnixSocket {
    /// The socket at a path, in which some characters may be percent-encoded. The error says what is wrong with it.
    pub(crate) fn at(written: &str) -> Result<Self, String> {
        if !cfg!(unix) {
            return Err(
                "names a unix socket, which tokenwire cannot use on this system: write http://host:port/v1"
                    .to_owned(),
            );
        }
        let bytes: Vec<u8> = percent_decode_str(written).collect();
        let why = match bytes.as_slice() {
            [] | [b'/'] => "names no socket: write the path of one",
            [b'@' | 0, ..] => {
                "names an abstract socket, which is not supported: let the server listen at a path"
            }
            [b'~', ..] => {
                "has a path that begins with ~, which is not expanded: write the whole path"
            }
            [first, ..] if *first != b'/' => {
                "has no whole path of a socket: write it after three slashes"
            }
            [.., b'/'] => "ends with a slash: write the path of the socket itself",
            _ if written.contains('$') => {
                "has the name of a variable in its path instead of the value (write a dollar sign as %24): write the path"
            }
            _ if bytes.contains(&0) => "has a zero byte in the path of its socket: leave it out",
            long if long.len() > MAX_BYTES => {
                return Err(format!(
                    "has a socket path of {} bytes, and the system takes at most {MAX_BYTES}: link it from a shorter one",
                    long.len()
                ));
            }
            _ => {
                let path = path_of(&bytes);
                return Ok(Self {
                    path,
                    written: written_as(&bytes),
                });
            }
        };
        Err(format!("{why}, as in {FORM}"))
    }

    /// The socket at a path as the system has it.
    pub(crate) fn of(path: &Path) -> Result<Self, String> {
        Self::at(&written_as(path.as_os_str().as_encoded_bytes()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The base URL of the API at `path`, which is `/` or empty if it has none.
    pub(crate) fn url(&self, path: &str) -> String {
        match path {
            "" | "/" => format!("unix://{}", self.written),
            path => format!("unix://{}:{path}", self.written),
        }
    }

    /// Connects to it.
    #[cfg(unix)]
    pub(super) async fn connect(&self) -> io::Result<Stream> {
        use std::time::Duration;

        use tokio::net::UnixStream;

        // Where the queue of a TCP port makes the client wait, that of a unix socket refuses it: EAGAIN of connect(2) on
        // Linux. Elsewhere it is ECONNREFUSED, as if nothing listened.
        let mut wait = Duration::from_millis(1);
        loop {
            match UnixStream::connect(&self.path).await {
                Err(full) if full.kind() == io::ErrorKind::WouldBlock => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_millis(50));
                }
                connected => return connected.map(Stream::Unix),
            }
        }
    }

    /// What is wrong with it, and whether that may pass; for the error of a connection to it.
    pub(super) fn problem(&self, error: &io::Error) -> (String, bool) {
        use io::ErrorKind as K;
        let path = redact::one_line(&self.path.to_string_lossy(), SHOWN_CHARS);
        let what = match error.kind() {
            K::NotFound if self.written.starts_with("/~") => {
                format!("there is no {path}: ~ is not expanded")
            }
            K::NotFound => return (format!("there is no {path}: is the server running?"), true),
            K::NotADirectory => {
                format!(
                    "{path} is below a file: a colon separates the path of the API, as in {FORM}"
                )
            }
            K::PermissionDenied => {
                format!(
                    "there is no permission to connect to {path}: it takes write permission for the socket, and search \
                     permission for its folders"
                )
            }
            // A path of anything else refuses connections on Linux, and is ENOTSOCK on macOS.
            _ if is_something_else(&self.path) => format!("{path} is not a socket"),
            K::ConnectionRefused => {
                return (
                    format!(
                        "nothing listens at {path} (connection refused): is the server running?"
                    ),
                    true,
                );
            }
            _ => return (format!("no connection to {path} ({error})"), true),
        };
        (what, false)
    }
}

/// The path as a base URL has it. A colon before a slash would begin the path of the API.
fn written_as(path: &[u8]) -> String {
    let mut written = percent_encode(path, SPECIAL)
        .to_string()
        .replace(":/", "%3A/");
    if written.ends_with(':') {
        written.truncate(written.len() - 1);
        written.push_str("%3A");
    }
    written
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Whether there is something at the path that is not a socket.
#[cfg(unix)]
fn is_something_else(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|found| !found.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_something_else(_path: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn the_error_of_a_connection_says_what_is_at_the_path() {
        let folder = std::env::temp_dir().join(format!("tw-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let dead = UnixListener::bind(folder.join("dead")).unwrap();
        drop(dead);
        std::fs::write(folder.join("file"), "").unwrap();
        for (name, problem, may_pass) in [
            ("none", "is the server running?", true),
            ("dead", "nothing listens at", true),
            ("file", "file is not a socket", false),
            ("", "is not a socket", false),
            ("dead/v1", "a colon separates the path of the API", false),
            ("a\nb", "b: is the server running?", true),
        ] {
            let path = folder.join(name);
            let written = written_as(path.to_str().unwrap().trim_end_matches('/').as_bytes());
            let socket = UnixSocket::at(&written).unwrap();
            let error = socket.connect().await.unwrap_err();
            let (found, passes) = socket.problem(&error);
            assert!(found.contains(problem), "{found}");
            assert!(!found.contains('\n'), "{found}");
            assert_eq!(passes, may_pass, "{found}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let home = UnixSocket::at("/~/a.sock").unwrap();
        let error = home.connect().await.unwrap_err();
        assert!(home.problem(&error).0.contains("~ is not expanded"));
        let denied = io::ErrorKind::PermissionDenied.into();
        assert!(home.problem(&denied).0.contains("write permission"));
        // As macOS says it.
        let file = UnixSocket::at(std::env::current_exe().unwrap().to_str().unwrap()).unwrap();
        let (problem, may_pass) = file.problem(&io::Error::from_raw_os_error(38));
        assert!(problem.ends_with("is not a socket") && !may_pass);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_queue_of_a_socket_makes_the_client_wait() {
        let path = std::env::temp_dir().join(format!("tw-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let socket = UnixSocket::at(path.to_str().unwrap()).unwrap();
        let mut queued = Vec::new();
        // Until the queue is full: 4,096 at most, as the system's default limit is.
        let full = loop {
            match tokio::net::UnixStream::connect(&path).await {
                Ok(stream) => queued.push(stream),
                Err(full) => break full,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        let mut connecting = std::pin::pin!(socket.connect());
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(connecting.as_mut().poll(cx)))
                .await
                .is_pending()
        );
        drop(listener.accept().unwrap());
        connecting.await.unwrap();
        std::fs::remove_file(&path).unwrap();
    }
}
