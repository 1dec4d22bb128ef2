//! The headers that all calls of a client share.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{auth, check};
use crate::config::ClientConfig;
use crate::error::Error;
use crate::wire::{Auth, Dialect};

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
        auth::write(&mut headers, key, auth)?;
    }
    for (name, value) in &config.headers {
        let (name, value) = check::header(name, value)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// One random key over all attempts of a call.
pub(super) fn random_key() -> String {
    format!("{:032x}", fastrand::u128(..))
}
