//! Where the APIs of Vertex are.
//!
//! A model is at `https://{host}/{version}/projects/{project}/locations/{location}/publishers/{publisher}/models/{model}`, and
//! the location decides about the host. Source: Anthropic's SDK, `lib/vertex`, and Google's, `_api_client.py`.

use url::Url;

use super::check;
use crate::config::ClientConfig;
use crate::error::Error;
use crate::wire::{Dialect, Provider};

const HOST: &str = "aiplatform.googleapis.com";

/// Gives a base URL of Vertex the host of its location: the row names that of a region.
pub(super) fn settle_host(base: &mut Url, provider: &Provider) {
    let host = base.host_str().unwrap_or_default();
    let location = host
        .strip_suffix(HOST)
        .and_then(|rest| rest.strip_suffix('-'));
    let host = match location.filter(|_| provider.is_vertex) {
        Some("global") => HOST.to_owned(),
        Some(location @ ("us" | "eu")) => format!("aiplatform.{location}.rep.googleapis.com"),
        _ => return,
    };
    // It fails for no host of an http URL.
    let _ = base.set_host(Some(&host));
}

/// The base URL of calls with a key of the console and without a location: Google's models only.
const EXPRESS: &str = "https://aiplatform.googleapis.com/v1";

/// The address of a client that has none, because no project and location were given: with a key that is not a token, the
/// one that finds the project by the key.
pub(super) fn express(config: &ClientConfig, provider: &Provider) -> Option<&'static str> {
    let key = config.api_key.as_ref().filter(|_| provider.is_vertex)?;
    let (header, _) = provider.auth.carried(key.expose(), &config.key_name);
    (header != "authorization").then_some(EXPRESS)
}

/// Refuses what is not at the address of [`express`].
pub(super) fn check_express(
    base: &Url,
    dialect: &dyn Dialect,
    config: &ClientConfig,
) -> Result<(), Error> {
    let is_express = config.base_url.is_none() && is_host(base);
    if !is_express || dialect.name() == "gemini" {
        return Ok(());
    }
    let missing = config.no_address.clone();
    let missing = missing.unwrap_or_else(|| "give project= and region=".to_owned());
    Err(check::refused(format!(
        "model: Vertex serves it only in a project: {missing}"
    )))
}

/// Gives `base`, which is at a host of Vertex, the version of an API, such as `/v1beta1`.
pub(super) fn set_version(base: &mut Url, version: &str) {
    let path = base.path().trim_start_matches('/');
    let below = path.find('/').and_then(|slash| path.get(slash..));
    let path = format!("{version}{}", below.unwrap_or_default());
    base.set_path(&path);
}

/// Whether `base` is at a host of Vertex.
pub(super) fn is_host(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let of_region = host
        .strip_suffix(HOST)
        .is_some_and(|rest| rest.is_empty() || (rest.ends_with('-') && !rest.contains('.')));
    let of_continent = host
        .strip_prefix("aiplatform.")
        .and_then(|rest| rest.strip_suffix(".rep.googleapis.com"))
        .is_some_and(|place| !place.is_empty() && !place.contains('.'));
    base.scheme() == "https"
        && base.port_or_known_default() == Some(443)
        && (of_region || of_continent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::providers;

    #[test]
    fn a_location_has_a_host() {
        for (location, host) in [
            ("europe-west1", "europe-west1-aiplatform.googleapis.com"),
            ("us-east5", "us-east5-aiplatform.googleapis.com"),
            ("global", "aiplatform.googleapis.com"),
            ("us", "aiplatform.us.rep.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
        ] {
            let path = format!("/v1/projects/p/locations/{location}");
            let text = format!("https://{location}-{HOST}{path}");
            let mut base = Url::parse(&text).unwrap();
            settle_host(&mut base, &providers::find("vertex").unwrap());
            assert_eq!(base.as_str(), format!("https://{host}{path}"));
            assert!(is_host(&base));
            let mut other = Url::parse(&text).unwrap();
            settle_host(&mut other, &providers::find("openai").unwrap());
            assert_eq!(other.as_str(), text);
        }
    }

    #[test]
    fn the_version_is_before_the_project() {
        for (path, expected) in [
            (
                "/v1/projects/p/locations/l",
                "/v1beta1/projects/p/locations/l",
            ),
            (
                "/v1beta1/projects/p/locations/l",
                "/v1beta1/projects/p/locations/l",
            ),
            ("/v1", "/v1beta1"),
            ("/", "/v1beta1"),
        ] {
            let mut base = Url::parse(&format!("https://{HOST}{path}?a=b")).unwrap();
            set_version(&mut base, "/v1beta1");
            assert_eq!(base.as_str(), format!("https://{HOST}{expected}?a=b"));
        }
    }

    #[test]
    fn no_other_host_is_one_of_vertex() {
        for url in [
            "http://aiplatform.googleapis.com",
            "https://aiplatform.googleapis.com:8443",
            "https://evilaiplatform.googleapis.com",
            "https://a.us-aiplatform.googleapis.com.evil.example",
            "https://evil.example-aiplatform.googleapis.com",
            "https://aiplatform.evil.rep.googleapis.com.example",
            "https://generativelanguage.googleapis.com",
        ] {
            assert!(!is_host(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
