//! One request: its head's parts and its body.

use std::ops::Range;

use bytes::Bytes;

/// A request that has been read in full.
#[derive(Debug, Default)]
pub(crate) struct Request {
    head: String,
    method: Range<usize>,
    target: Range<usize>,
    headers: Vec<(Range<usize>, Range<usize>)>,
    /// The body without its chunk marks.
    pub(crate) body: Bytes,
    /// The client wants the connection closed after the answer.
    pub(crate) close: bool,
}

impl Request {
    /// Takes a head apart, from its first byte to its blank line; `None` when it is malformed.
    pub(crate) fn parse(head: &[u8]) -> Option<Self> {
        let head = String::from_utf8_lossy(head).into_owned();
        let mut lines = Lines { text: &head, at: 0 };
        let first = lines.next()?;
        let line = head.get(first.clone())?;
        let mut words = line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || method.is_empty() || !target.starts_with('/') {
            return None;
        }
        let http10 = match version {
            "HTTP/1.1" => false,
            "HTTP/1.0" => true,
            _ => return None,
        };
        let method_end = first.start + method.len();
        let target = method_end + 1..method_end + 1 + target.len();
        let mut headers = Vec::with_capacity(12);
        for line in lines {
            let text = head.get(line.clone())?;
            if text.is_empty() {
                break;
            }
            let colon = text.find(':')?;
            let name = text.get(..colon)?;
            if name.is_empty() || name.bytes().any(|b| b <= b' ') {
                return None;
            }
            let value = text.get(colon + 1..)?;
            let lead = value.len() - value.trim_start().len();
            let start = line.start + colon + 1 + lead;
            headers.push((
                line.start..line.start + colon,
                start..start + value.trim().len(),
            ));
        }
        let mut request = Self {
            method: first.start..method_end,
            target,
            headers,
            head,
            ..Self::default()
        };
        request.close = match request.header("connection") {
            Some(value) if value.eq_ignore_ascii_case("close") => true,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => false,
            _ => http10,
        };
        Some(request)
    }

    pub(crate) fn method(&self) -> &str {
        self.head.get(self.method.clone()).unwrap_or_default()
    }

    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.head.get(self.target.clone()).unwrap_or_default()
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The query, without its question mark.
    pub(crate) fn query(&self) -> &str {
        self.target().split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of one parameter of the query, as it stands.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query().split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }

    /// The first header of this name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All headers in their order.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| {
            Some((self.head.get(name.clone())?, self.head.get(value.clone())?))
        })
    }
}

/// The ranges of lines that end with CR LF or LF.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..)?;
        let end = memchr::memchr(b'\n', rest.as_bytes())?;
        let start = self.at;
        self.at += end + 1;
        let line = rest.get(..end)?;
        Some(start..start + line.strip_suffix('\r').unwrap_or(line).len())
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn head_comes_apart() {
        let head =
            b"POST /v1/x?a=1&b=2 HTTP/1.1\r\nHost: h:1\r\nX-Empty:\r\nConnection: Close\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.path(), "/v1/x");
        assert_eq!(request.parameter("b"), Some("2"));
        assert_eq!(request.header("HOST"), Some("h:1"));
        assert_eq!(request.header("x-empty"), Some(""));
        assert_eq!(request.header("absent"), None);
        assert!(request.close);
    }

    #[test]
    fn malformed_heads_are_refused() {
        for head in [
            "",
            "\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET x HTTP/1.1\r\n\r\n",
        ] {
            assert!(Request::parse(head.as_bytes()).is_none(), "{head:?}");
        }
        assert!(Request::parse(b"GET / HTTP/1.1\r\nbad header: x\r\n\r\n").is_none());
    }
}
