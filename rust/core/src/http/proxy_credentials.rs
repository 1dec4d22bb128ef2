//! User name and password of a proxy.

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use url::Url;

use super::proxy::Proxy;
use crate::redact::Secrets;

/// Why the user name or the password cannot be sent to the proxy.
pub(super) fn problem(url: &Url) -> Option<&'static str> {
    let (name, password) = (url.username(), url.password());
    if url.scheme().starts_with("socks4") && !(name.is_empty() && password.is_none()) {
        return Some("has credentials, but SOCKS 4 has no passwords: use socks5h://");
    }
    for part in [name, password.unwrap_or_default()] {
        match percent_decode_str(part).decode_utf8() {
            Err(_) => return Some("has a user name or password that is not UTF-8"),
            // RFC 1929, section 2.
            Ok(part) if part.len() > 255 && url.scheme().starts_with("socks") => {
                return Some("has a user name or password of over 255 bytes, the most in SOCKS 5");
            }
            Ok(_) => {}
        }
    }
    None
}

impl Proxy {
    /// The `proxy-authorization` header for the credentials of an HTTP proxy, as reqwest sends it: RFC 7617.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let matcher = Matcher::builder().all(self.url().as_str()).build();
        // A proxy for all is the proxy of any target.
        let found = matcher.intercept(&Uri::from_static("http://target.invalid"))?;
        found.basic_auth().cloned()
    }

    /// Adds the user name, the password, and both as HTTP sends them.
    pub(crate) fn add_secrets(&self, secrets: &mut Secrets) {
        if let Some(sent) = self.authorization()
            && let Ok(sent) = sent.to_str()
        {
            secrets.add_value("proxy-authorization", sent);
        }
        for part in [Some(self.url().username()), self.url().password()]
            .into_iter()
            .flatten()
        {
            secrets.add_value("credentials", part);
            let plain = percent_decode_str(part).decode_utf8_lossy();
            secrets.add_value("credentials", &plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::proxy::ARGUMENT;

    #[test]
    fn credentials_of_an_http_proxy_are_decoded_and_others_are_not_for_a_header() {
        for (value, sent) in [
            // `me:a/b` and `me:`.
            ("http://me:a%2Fb@p", Some("Basic bWU6YS9i")),
            ("me@p:1", Some("Basic bWU6")),
            ("http://p", None),
            ("socks5://me:a@p", None),
        ] {
            let sent_now = Proxy::parse(value, ARGUMENT).unwrap().authorization();
            assert_eq!(sent_now, sent.map(HeaderValue::from_static), "{value}");
        }
    }

    #[test]
    fn credentials_are_secret_as_they_are_written_and_as_they_are_sent() {
        let proxy = Proxy::parse("http://user:hunter%402+@p", ARGUMENT).unwrap();
        let mut secrets = Secrets::default();
        proxy.add_secrets(&mut secrets);
        let mask = secrets.mask();
        for text in ["hunter%402+", "hunter@2+"] {
            assert!(!mask.text(text).contains("hunter"), "{text}");
        }
    }
}
