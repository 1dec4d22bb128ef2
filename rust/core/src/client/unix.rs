//! Base URLs that name a unix socket instead of a host.

use super::address::unusable;
use crate::http::UnixSocket;
use crate::http::host::is_quoted;
use crate::http::unix::FORM;

/// Splits a base URL into its unix socket and an http URL with the path and the query of the API; `None` if it names
/// no socket. The error says what is wrong with it.
///
/// The path of the API comes after a colon, as in the `proxy_pass` of nginx. Without it, the API is at
/// the root, as with `http://host`. The form of requests-unixsocket, `http+unix://%2Frun%2Fvllm.sock/v1`, is taken too.
pub(super) fn split(text: &str) -> Result<Option<(UnixSocket, String)>, String> {
    if is_quoted(text) {
        return Ok(None);
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return Ok(None);
    };
    match &*scheme.to_ascii_lowercase() {
        "unix" | "http+unix" => {}
        "https+unix" | "unix+https" => {
            return Err(format!(
                "asks for https on a unix socket, which is not supported: write {FORM}"
            ));
        }
        "unix+http" | "httpunix" | "http-unix" | "unixs" => {
            return Err(format!("begins with {scheme}: write {FORM}"));
        }
        "http" if rest.starts_with("//unix:/") => {
            return Err(format!("begins with http://unix:/: write {FORM}"));
        }
        _ => return Ok(None),
    }
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_encoded = place
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("%2f"));
    let (socket, api) = if is_encoded {
        place.split_at(place.find('/').unwrap_or(place.len()))
    } else {
        match place.split_once(":/") {
            Some((socket, _)) => (socket, place.get(socket.len() + 1..).unwrap_or_default()),
            None => (place, ""),
        }
    };
    let socket = socket.strip_suffix(':').unwrap_or(socket);
    // Only the path of the socket may have spaces.
    let spaces_until = text.len() - rest.len() + socket.len();
    for (position, (at, c)) in text.char_indices().enumerate() {
        let is_allowed = c == ' ' && at < spaces_until;
        if let Some(what) = unusable(c).filter(|_| !is_allowed) {
            return Err(format!("has {what} at position {position}"));
        }
    }
    if socket.contains('#') {
        return Err("has a # in the path of its socket: write it as %23".to_owned());
    }
    let socket = UnixSocket::at(&without_doubled_slashes(socket))?;
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    Ok(Some((socket, format!("http://localhost{api}{query}"))))
}

/// A path that some programs put together with one slash too many.
fn without_doubled_slashes(path: &str) -> String {
    let mut whole = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !whole.ends_with('/') {
            whole.push(c);
        }
    }
    whole
}
