//! The headers of a client's calls, and the key among them.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::check;
use crate::config::{ClientConfig, Secret};
use crate::error::Error;
use crate::wire::providers::Provider;

/// Headers that carry a key.
const KEY_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// The headers that all calls of a client share.
pub(super) fn of_client(config: &ClientConfig, provider: &Provider) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(8 + config.headers.len());
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json.clone());
    headers.insert(header::ACCEPT, json);
    // Compressed event streams arrive late: encoders wait for more.
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    let agent = concat!("tokenwire/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    if let Some(key) = &config.api_key {
        let (name, value) = key_header(key, provider)?;
        headers.insert(name, value);
    }
    for (name, value) in &config.headers {
        let (name, value) = check::header(name, value)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// A key that came as a header of the caller's: it is kept out of errors like any other.
pub(super) fn key_in(headers: &HeaderMap, provider: &Provider) -> Option<Secret> {
    [provider.auth_header]
        .iter()
        .chain(&KEY_HEADERS)
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .map(|value| Secret::new(value.rsplit(' ').next().unwrap_or(value).to_owned()))
}

pub(super) fn key_header(
    key: &Secret,
    provider: &Provider,
) -> Result<(HeaderName, HeaderValue), Error> {
    check::key(key)?;
    let name = HeaderName::from_static(provider.auth_header);
    let value = if name == header::AUTHORIZATION {
        HeaderValue::try_from(format!("Bearer {}", key.expose()))
    } else {
        HeaderValue::from_str(key.expose())
    };
    let mut value = value.map_err(|_| check::refused("api_key is no header value"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// One random key over all attempts of a call.
pub(super) fn random_key() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Takes the key out, and what else only the provider may see.
pub(super) fn drop_secrets(
    headers: &mut HeaderMap,
    auth_header: &'static str,
    key: Option<&Secret>,
) {
    for name in KEY_HEADERS.into_iter().chain([auth_header, "cookie"]) {
        headers.remove(name);
    }
    let Some(key) = key else { return };
    // Gateways take the key under names of their own.
    let telling: Vec<_> = headers
        .iter()
        .filter(|(_, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.contains(key.expose())
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in telling {
        headers.remove(name);
    }
}
