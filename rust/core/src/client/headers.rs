//! The headers of a call: those that all calls of a client share, and how the key is written, found and removed.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::{Inner, check};
use crate::config::{ClientConfig, Secret};
use crate::error::Error;
use crate::http::encoding::ASKED as CODINGS;
use crate::redact::Mask;
use crate::wire::{Auth, Dialect, Encoded, Provider};

/// The headers that all calls of a client share. Those of the caller win over those of the provider.
pub(super) fn of_client(config: &ClientConfig, provider: &Provider) -> Result<HeaderMap, Error> {
    let auth = &provider.auth;
    let more = provider.headers.len() + config.headers.len();
    let mut headers = HeaderMap::with_capacity(8 + more);
    let fixed = [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        (
            "user-agent",
            concat!("tokenwire/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    for (name, value) in &fixed {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    for (name, value) in &provider.headers {
        let (name, value) = check::header(name, value.expose())?;
        headers.insert(name, value);
    }
    if let Some(key) = &config.api_key
        && !carry_key(&config.headers, auth)
    {
        write_key(&mut headers, key, &config.key_name, auth)?;
    }
    for (name, value) in &config.headers {
        let (name, value) = check::header(name, value.expose())?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Headers whose values are lists: what a request needs joins what the caller gave.
const LISTS: [&str; 1] = ["anthropic-beta"];

/// Adds the headers that the dialect and this request need, unless the caller gave them.
pub(super) fn add_needed(
    headers: &mut HeaderMap,
    dialect: &dyn Dialect,
    encoded: &Encoded,
) -> Result<(), Error> {
    let fixed = dialect.headers().iter().copied();
    let own = encoded.headers.iter();
    let own = own.map(|(name, value)| (&**name, &**value));
    for (name, value) in fixed.chain(own) {
        let given = headers.get(name).and_then(|given| given.to_str().ok());
        if let Some(given) = given.filter(|_| LISTS.contains(&name)) {
            if given.split(',').all(|one| one.trim() != value) {
                let (name, value) = check::header(name, &format!("{given},{value}"))?;
                headers.insert(name, value);
            }
            continue;
        }
        let (name, value) = check::header(name, value)?;
        headers.entry(name).or_insert(value);
    }
    Ok(())
}

/// Asks for a compressed reply, if it `is_wanted`. For a stream it never is: compressed events arrive late, because
/// encoders wait for more.
pub(super) fn ask_for_compression(headers: &mut HeaderMap, is_wanted: bool) {
    if is_wanted {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(CODINGS));
    }
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

/// What messages call the key of a call.
pub(super) const API_KEY: &str = "api_key";

/// Headers in which some provider takes the key. A test's server does not even get their names.
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Refuses a header that cannot carry a key, and a provider whose own headers carry one: it would be hidden from all that
/// looks for a key.
pub(super) fn check_auth(provider: &Provider) -> Result<(), Error> {
    let carries = |name: &str| provider.auth.headers().any(|carrier| carrier == name);
    if let Some((name, _)) = provider.headers.iter().find(|(name, _)| carries(name)) {
        return Err(check::refused(format!(
            "headers of provider {}: {name} carries the key; give that as api_key= or in one of key_vars",
            provider.name
        )));
    }
    let Auth::Header(name) = &provider.auth else {
        return Ok(());
    };
    match HeaderName::from_lowercase(name.as_bytes()) {
        Ok(name) if !check::is_owned(&name) && name != header::CONTENT_TYPE => Ok(()),
        _ => Err(check::refused(format!(
            "auth_header: {name:?} is not a header that can carry a key; give one in lower case, such as \"x-api-key\""
        ))),
    }
}

/// Whether the caller's headers carry a key, which then replaces ours.
pub(super) fn carry_key(headers: &[(String, Secret)], auth: &Auth) -> bool {
    !headers.is_empty() && auth.headers().any(|name| names(headers, name))
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
        if carry_key(&self.config.headers, &self.provider.auth) {
            return check::key(key, API_KEY);
        }
        write_key(headers, key, API_KEY, &self.provider.auth)
    }
}

/// Writes a key, which messages call `name`, into the headers of a call.
pub(super) fn write_key(
    headers: &mut HeaderMap,
    key: &Secret,
    name: &str,
    auth: &Auth,
) -> Result<(), Error> {
    check::key(key, name)?;
    let (header, text) = auth.carried(key.expose(), name);
    let header = HeaderName::from_lowercase(header.as_bytes());
    let (Ok(header), Ok(mut value)) = (header, HeaderValue::try_from(text)) else {
        return Err(check::refused(format!("{name} cannot be sent in a header")));
    };
    value.set_sensitive(true);
    remove_key(headers, auth);
    headers.insert(header, value);
    Ok(())
}

/// Removes the key, in whichever header it is.
pub(super) fn remove_key(headers: &mut HeaderMap, auth: &Auth) {
    for name in auth.headers() {
        headers.remove(name);
    }
}

/// Refuses a call without the key that its provider requires.
pub(super) fn check_key(
    headers: &HeaderMap,
    provider: &Provider,
    config: &ClientConfig,
) -> Result<(), Error> {
    let mut carriers = provider.auth.headers();
    if !provider.key_required || carriers.any(|name| headers.contains_key(name)) {
        return Ok(());
    }
    let named = || missing_key(&provider.name, &provider.key_vars);
    Err(check::refused(config.no_key.clone().unwrap_or_else(named)))
}

/// The message for a missing key, which `variables` may hold.
#[must_use]
pub fn missing_key(provider: &str, variables: &[impl AsRef<str>]) -> String {
    let variables: Vec<&str> = variables.iter().map(AsRef::as_ref).collect();
    let set = match &*variables {
        [] => String::new(),
        names => format!("set {} or ", names.join(" or ")),
    };
    format!("no API key for {provider}: {set}give api_key=")
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
    use crate::config::Family;
    use crate::redact::Secrets;
    use crate::wire::{KeyOrToken, providers};

    fn secret() -> Secret {
        Secret::new("sk-canary".to_owned())
    }

    fn key_or_token(
        header: &'static str,
        prefixes: &'static [&'static str],
        token_vars: &'static [&'static str],
    ) -> Auth {
        Auth::KeyOrToken(KeyOrToken {
            header: header.into(),
            prefixes,
            token_vars,
        })
    }

    #[test]
    fn a_key_is_written_and_removed_as_the_provider_says() {
        for (auth, name, value) in [
            (Auth::Bearer, "authorization", "Bearer sk-canary"),
            (key_or_token("api-key", &[], &[]), "api-key", "sk-canary"),
            (Auth::Header("x-key".into()), "x-key", "sk-canary"),
        ] {
            let mut headers = HeaderMap::new();
            write_key(&mut headers, &secret(), API_KEY, &auth).unwrap();
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
    fn a_token_is_a_bearer_token_and_anything_else_a_key() {
        let azure = providers::find("azure").unwrap().auth.clone();
        let messages = key_or_token("x-api-key", &["sk-ant-oat"], &["ANTHROPIC_AUTH_TOKEN"]);
        let gemini = key_or_token("x-goog-api-key", &["ya29."], &["GOOGLE_ACCESS_TOKEN"]);
        let bearer = |auth, source, key| (auth, source, key, None);
        for (auth, source, key, header) in [
            bearer(&azure, API_KEY, "eyJh.eyJp.c2ln"),
            bearer(&azure, "AZURE_OPENAI_AD_TOKEN", "opaque"),
            (&azure, "AZURE_OPENAI_API_KEY", "0123abcd", Some("api-key")),
            (&azure, API_KEY, "eyJh.not-three", Some("api-key")),
            (
                &messages,
                "ANTHROPIC_API_KEY",
                "sk-ant-api03-x",
                Some("x-api-key"),
            ),
            // A gateway's token, which looks like any key.
            bearer(&messages, "ANTHROPIC_AUTH_TOKEN", "sk-1234"),
            bearer(&messages, API_KEY, "sk-ant-oat01-x"),
            (&gemini, "GEMINI_API_KEY", "AIzaSy", Some("x-goog-api-key")),
            bearer(&gemini, API_KEY, "ya29.a0x"),
            bearer(&gemini, "GOOGLE_ACCESS_TOKEN", "opaque"),
        ] {
            let mut headers = HeaderMap::new();
            let old = Secret::new("old".to_owned());
            write_key(&mut headers, &old, API_KEY, auth).unwrap();
            write_key(&mut headers, &Secret::new(key.to_owned()), source, auth).unwrap();
            assert_eq!(headers.len(), 1, "the key before it is gone");
            match header {
                Some(header) => assert_eq!(headers[header], key),
                None => assert_eq!(headers["authorization"], format!("Bearer {key}")),
            }
        }
    }

    #[test]
    fn the_caller_s_headers_win_over_the_provider_s_which_cannot_carry_the_key() {
        let row = |name: &'static str| Provider {
            headers: vec![(name.into(), Secret::new("of-the-row".to_owned()))],
            ..(*providers::find("azure").unwrap()).clone()
        };
        let mut config = ClientConfig::new("m".to_owned(), Family::Chat);
        let headers = of_client(&config, &row("x-version")).unwrap();
        assert_eq!(headers["x-version"], "of-the-row");
        config.headers = vec![("X-Version".to_owned(), Secret::new("mine".to_owned()))];
        let headers = of_client(&config, &row("x-version")).unwrap();
        assert_eq!(headers["x-version"], "mine");
        for name in ["api-key", "authorization"] {
            let error = check_auth(&row(name)).unwrap_err();
            let message = error.message();
            assert!(
                message.starts_with("headers of provider azure: "),
                "{message}"
            );
            assert!(!message.contains("of-the-row"), "{message}");
        }
    }

    #[test]
    fn a_key_of_the_environment_is_sent_by_the_rule_of_its_variable() {
        let row = Provider {
            auth: key_or_token("x-api-key", &[], &["ACME_AUTH_TOKEN"]),
            ..(*providers::find("openai-compatible").unwrap()).clone()
        };
        for (variable, header, value) in [
            ("ACME_API_KEY", "x-api-key", "sk-canary"),
            ("ACME_AUTH_TOKEN", "authorization", "Bearer sk-canary"),
        ] {
            let config = ClientConfig {
                api_key: Some(secret()),
                key_name: variable.into(),
                ..ClientConfig::new("m".to_owned(), Family::Chat)
            };
            let headers = of_client(&config, &row).unwrap();
            let carriers = ["x-api-key", "authorization"].map(|name| headers.get(name));
            assert_eq!(carriers.iter().flatten().count(), 1, "{variable}");
            assert_eq!(headers[header], value);
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
        let row = |header: &'static str| Provider {
            auth: Auth::in_header(header.into()),
            ..(*providers::find("openai").unwrap()).clone()
        };
        for name in ["X-Key", "host", "content-type", "a b", ""] {
            let error = check_auth(&row(name)).unwrap_err();
            assert!(error.message().starts_with("auth_header: "), "{error}");
        }
        for name in ["authorization", "x-key"] {
            check_auth(&row(name)).unwrap();
        }
    }
}
