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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::http::unix::MAX_BYTES;

    /// The socket and the URL of the API, as messages show both.
    fn found(text: &str) -> Result<Option<(String, String)>, String> {
        let found = split(text)?;
        Ok(found.map(|(socket, url)| (socket.to_string(), url)))
    }

    #[test]
    fn a_socket_and_the_path_of_its_api_are_told_apart() {
        for (text, socket, url) in [
            ("unix:///run/a.sock:/v1", "/run/a.sock", "/v1"),
            ("unix:///run/a.sock", "/run/a.sock", ""),
            ("unix:///run/a.sock:", "/run/a.sock", ""),
            ("unix:///run/a.sock:/", "/run/a.sock", "/"),
            ("unix:///run/a.sock:/v1/", "/run/a.sock", "/v1/"),
            ("unix:/run/a.sock:/v1", "/run/a.sock", "/v1"),
            ("UNIX:///run//a.sock:/v1", "/run/a.sock", "/v1"),
            ("unix:////run/a.sock", "/run/a.sock", ""),
            ("unix:///run/a.sock:/v1?k=a:/b", "/run/a.sock", "/v1?k=a:/b"),
            ("unix:///run/a.sock?k=v", "/run/a.sock", "?k=v"),
            ("unix:///run/a:b.sock:/v1:x", "/run/a:b.sock", "/v1:x"),
            ("unix:///run/a%3A/b.sock:/v1", "/run/a%3A/b.sock", "/v1"),
            ("unix:///run/a b.sock:/v1", "/run/a%20b.sock", "/v1"),
            ("unix:///run/a%20b.sock", "/run/a%20b.sock", ""),
            ("unix:///run/50%.sock", "/run/50%25.sock", ""),
            ("unix:///run/a@b.sock", "/run/a@b.sock", ""),
            ("unix:///run/\u{fc}.sock", "/run/%C3%BC.sock", ""),
            ("unix:///run/%FF.sock", "/run/%FF.sock", ""),
            ("unix://%2Frun%2Fa.sock/v1", "/run/a.sock", "/v1"),
            (
                "http+unix://%2frun%2Fa.sock/v1?k=v",
                "/run/a.sock",
                "/v1?k=v",
            ),
            ("http+unix://%2Frun%2Fa.sock", "/run/a.sock", ""),
            ("http+unix:///run/a.sock:/v1", "/run/a.sock", "/v1"),
        ] {
            let expected = (format!("unix:{socket}"), format!("http://localhost{url}"));
            assert_eq!(found(text), Ok(Some(expected)), "{text}");
            // What messages show means the same socket.
            let shown = found(&format!("unix://{socket}")).unwrap().unwrap();
            assert_eq!(shown.0, format!("unix:{socket}"), "{text}");
        }
        for other in [
            "http://a/v1",
            "https://unix/v1",
            "http://unix:80/",
            "file:///a",
            "a",
            "",
        ] {
            assert_eq!(found(other), Ok(None), "{other}");
        }
    }

    #[test]
    fn what_names_no_socket_is_refused_with_the_right_form() {
        let of_bytes = |count: usize| format!("unix:///{}", "x".repeat(count - 1));
        let too_many = format!("a socket path of {} bytes", MAX_BYTES + 1);
        for (text, why) in [
            ("unix:", "names no socket"),
            ("unix://", "names no socket"),
            ("unix:///", "names no socket"),
            ("unix:///:/v1", "names no socket"),
            ("unix:?k=v", "names no socket"),
            ("http+unix://", "names no socket"),
            ("unix://run/a.sock:/v1", "three slashes"),
            ("unix:run/a.sock", "three slashes"),
            ("http+unix://run%2Fa.sock/v1", "three slashes"),
            ("unix://localhost/run/a.sock", "three slashes"),
            ("unix://@name", "an abstract socket"),
            ("unix:@name:/v1", "an abstract socket"),
            ("unix://%00name", "an abstract socket"),
            ("unix://~/a.sock:/v1", "~, which is not expanded"),
            ("unix:///run/:/v1", "ends with a slash"),
            ("unix:///run/$UID/a.sock", "the name of a variable"),
            ("unix:///run/a%00b.sock", "a zero byte"),
            ("unix:///run/a.sock#x", "%23"),
            ("unix:///run/a.sock:/v1\n", "a line break at position 22"),
            ("unix:///run/a.sock:/v 1", "a space at position 21"),
            ("unix:///run\\a.sock", "a backslash at position 11"),
            ("https+unix://%2Frun%2Fa.sock", "https on a unix socket"),
            ("httpunix:///run/a.sock", "begins with httpunix"),
            ("http://unix:/run/a.sock:/v1", "begins with http://unix:/"),
            (&of_bytes(MAX_BYTES + 1), &too_many),
        ] {
            let refused = found(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
            assert!(!refused.contains(['\n', '\\']), "{refused}");
        }
        assert!(found(&of_bytes(MAX_BYTES)).is_ok());
    }
}
