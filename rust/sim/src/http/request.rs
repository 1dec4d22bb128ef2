//! One request: what its head says, and its body.

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Error, Status};

/// The most fields in a head.
const MAX_HEADERS: usize = 100;

/// A request that has been read in full.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// In their order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its chunk framing.
    pub(crate) body: Bytes,
    /// Whether the client wants the connection closed after the answer.
    pub(crate) close: bool,
}

impl Request {
    /// Parses a head. Returns how long it is, and the request without its body.
    pub(crate) fn parse(bytes: &[u8]) -> httparse::Result<(usize, Self)> {
        let mut fields = [EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut fields);
        let Status::Complete(used) = head.parse(bytes)? else {
            return Ok(Status::Partial);
        };
        let (Some(method), Some(target)) = (head.method, head.path) else {
            return Err(Error::Token);
        };
        if !target.starts_with('/') {
            return Err(Error::Token);
        }
        let headers = head.headers.iter().map(|field| {
            let value = String::from_utf8_lossy(field.value).into_owned();
            (field.name.to_ascii_lowercase(), value)
        });
        let mut request = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.collect(),
            body: Bytes::new(),
            close: false,
        };
        request.close = match request.header("connection") {
            Some(value) if value.eq_ignore_ascii_case("close") => true,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => false,
            _ => head.version == Some(0),
        };
        Ok(Status::Complete((used, request)))
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, without its question mark.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of one parameter of the query, not decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query().split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }

    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name);
        header.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use httparse::Status;

    use super::Request;

    #[test]
    fn a_head_is_taken_apart() {
        let head =
            b"POST /v1/x?a=1&b=2 HTTP/1.1\r\nHost: h:1\r\nX-Empty:\r\nConnection: Close\r\n\r\n";
        let Ok(Status::Complete((used, request))) = Request::parse(head) else {
            panic!("not parsed");
        };
        assert_eq!(used, head.len());
        assert_eq!(request.method, "POST");
        assert_eq!(request.path(), "/v1/x");
        assert_eq!(request.parameter("b"), Some("2"));
        assert_eq!(request.header("host"), Some("h:1"));
        assert_eq!(request.header("x-empty"), Some(""));
        assert_eq!(request.header("absent"), None);
        assert!(request.close);
    }

    #[test]
    fn malformed_heads_are_refused() {
        for head in [
            "GET\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET x HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nbad header: x\r\n\r\n",
            "\0\r\n",
        ] {
            assert!(Request::parse(head.as_bytes()).is_err(), "{head:?}");
        }
    }

    #[test]
    fn a_head_without_its_end_is_incomplete() {
        for head in ["", "\r\n", "GET / HT", "GET / HTTP/1.1\r\nhost: h\r\n"] {
            let parsed = Request::parse(head.as_bytes());
            assert!(matches!(parsed, Ok(Status::Partial)), "{head:?}");
        }
    }
}
