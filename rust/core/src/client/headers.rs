//! The headers of a call: those that all calls of a client share, and how the key is written, found and removed.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::{Inner, check};
use crate::config::{ClientConfig, Secret};
use crate::error::Error;
use crate::redact::Mask;
use crate::wire::{Auth, Dialect, Provider};

/// The headers that all calls of a client share.
pub(super) fn of_client(
    config: &ClientConfig,
    auth: &Auth,
    dialect: &dyn Dialect,
) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(8 + config.headers.len());
    let fixed = [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        // Compressed event streams arrive late: encoders wait for more.
        ("accept-encoding", "identity"),
        (
            "user-agent",
            concat!("tokenwire/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    for (name, value) in fixed.iter().chain(dialect.headers()) {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if let Some(key) = &config.api_key {
        write_key(&mut headers, key, auth)?;
    }
    for (name, value) in &config.headers {
        let (name, value) = check::header(name, value.expose())?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Adds the headers of the caller's trace, unless one of them is there already: those of two traces do not go
/// together. What cannot be sent is left out, because a trace must not change the outcome of a call.
pub(super) fn add_trace(headers: &mut HeaderMap, trace: &[(String, String)]) {
    let has = |(name, _): &(String, String)| headers.contains_key(name.as_str());
    if trace.iter().any(has) {
        return;
    }
    for (name, value) in trace {
        if let Ok((name, value)) = check::header(name, value) {
            headers.insert(name, value);
        }
    }
}

/// One random key over all attempts of a call.
pub(super) fn random_key() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Headers in which some provider takes the key. A test's server does not even get their names.
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Refuses a header that cannot carry a key.
pub(super) fn check_auth(auth: &Auth) -> Result<(), Error> {
    let Auth::Header(name) = auth else {
        return Ok(());
    };
    match HeaderName::from_lowercase(name.as_bytes()) {
        Ok(name) if !check::is_owned(&name) && name != header::CONTENT_TYPE => Ok(()),
        _ => Err(check::refused(format!(
            "auth_header: {name:?} is not a header that can carry a key; give one in lower case, such as \"x-api-key\""
        ))),
    }
}

/// Whether the caller's headers have this one.
pub(super) fn names(headers: &[(String, Secret)], name: &str) -> bool {
    let mut given = headers.iter();
    given.any(|(given, _)| given.eq_ignore_ascii_case(name))
}

impl Inner {
    /// Whether the caller gave all calls this header.
    pub(super) fn has_header(&self, name: &str) -> bool {
        names(&self.config.headers, name)
    }

    /// Writes the key of a call, unless a header of the client has another one: a header of the caller's wins.
    pub(super) fn write_key(&self, headers: &mut HeaderMap, key: &Secret) -> Result<(), Error> {
        if self.has_header(self.provider.auth.header()) {
            return check::key(key);
        }
        write_key(headers, key, &self.provider.auth)
    }
}

/// Writes a key into the headers of a call.
pub(super) fn write_key(headers: &mut HeaderMap, key: &Secret, auth: &Auth) -> Result<(), Error> {
    check::key(key)?;
    let text = match auth {
        Auth::Bearer => format!("Bearer {}", key.expose()),
        Auth::Header(_) => key.expose().to_owned(),
    };
    let name = HeaderName::from_lowercase(auth.header().as_bytes());
    let (Ok(name), Ok(mut value)) = (name, HeaderValue::try_from(text)) else {
        return Err(check::refused("api_key cannot be sent in a header"));
    };
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

/// Refuses a call without the key that its provider requires.
pub(super) fn check_key(headers: &HeaderMap, provider: &Provider) -> Result<(), Error> {
    if !provider.key_required || headers.contains_key(provider.auth.header()) {
        return Ok(());
    }
    let message = missing_key(&provider.name, &provider.key_vars);
    Err(check::refused(message))
}

/// The message for a missing key, which `variables` may hold.
#[must_use]
pub fn missing_key(provider: &str, variables: &[impl AsRef<str>]) -> String {
    let variables: Vec<&str> = variables.iter().map(AsRef::as_ref).collect();
    let variables = variables.join(" or ");
    format!("no API key for {provider}: set {variables} or give api_key=")
}

/// Removes the key, and masks the other secrets, which only the provider may see.
pub(super) fn hide_secrets(headers: &mut HeaderMap, auth: &Auth, mask: &Mask) {
    for name in KEY_HEADERS.into_iter().chain([auth.header(), "cookie"]) {
        headers.remove(name);
    }
    for value in headers.values_mut() {
        let text = String::from_utf8_lossy(value.as_bytes());
        if let Cow::Owned(masked) = mask.text(&text)
            && let Ok(masked) = HeaderValue::from_str(&masked)
        {
            *value = masked;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secrets;

    fn secret() -> Secret {
        Secret::new("sk-canary".to_owned())
    }

    #[test]
    fn a_key_is_written_and_removed_as_the_provider_says() {
        for (auth, name, value) in [
            (Auth::Bearer, "authorization", "Bearer sk-canary"),
            (Auth::Header("x-key".into()), "x-key", "sk-canary"),
        ] {
            let mut headers = HeaderMap::new();
            write_key(&mut headers, &secret(), &auth).unwrap();
            assert_eq!(headers[name], value);
            assert!(headers[name].is_sensitive());
            headers.insert("x-copy", HeaderValue::from_static("of sk-canary"));
            headers.insert("x-other", HeaderValue::from_static("kept"));
            let mut secrets = Secrets::default();
            secrets.add(secret().expose());
            hide_secrets(&mut headers, &auth, &secrets.mask());
            assert_eq!(headers.len(), 2);
            assert_eq!(headers["x-copy"], "of [key]");
            assert_eq!(headers["x-other"], "kept");
        }
    }

    #[test]
    fn the_headers_of_two_traces_are_not_mixed() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let trace = [
            pair("Traceparent", "00-1"),
            pair("tracestate", "a=b"),
            pair("host", "evil"),
            pair("x y", "z"),
            pair("x-y", "a\r\nb"),
        ];
        let mut headers = HeaderMap::new();
        add_trace(&mut headers, &trace);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["traceparent"], "00-1");
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static("00-2"));
        add_trace(&mut headers, &trace);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["traceparent"], "00-2");
    }

    #[test]
    fn a_header_that_cannot_carry_a_key_is_refused() {
        for name in ["X-Key", "host", "content-type", "a b", ""] {
            let error = check_auth(&Auth::in_header(name.into())).unwrap_err();
            assert!(error.message().starts_with("auth_header: "), "{error}");
        }
        for name in ["authorization", "x-key"] {
            check_auth(&Auth::in_header(name.into())).unwrap();
        }
    }
}
