//! A call that a test sends elsewhere: without its key, and with headers that say what it was.

use http::header::{HeaderName, HeaderValue};
use url::Url;

use super::headers::{drop_secrets, random_key};
use super::{Inner, address};
use crate::config::Secret;
use crate::error::Error;
use crate::http::{Outgoing, Place, Route, Target};

/// Carries one id over all attempts of a call.
pub const CALL_HEADER: &str = "x-tokenwire-call";
/// Carries the provider's name.
pub const PROVIDER_HEADER: &str = "x-tokenwire-provider";
/// Carries the URL that the call was made for, without its query; absent where there is none.
pub const URL_HEADER: &str = "x-tokenwire-url";
/// On an error reply: nobody but the test is to blame, and the body is the message.
pub const MISTAKE_HEADER: &str = "x-tokenwire-mistake";

impl Inner {
    /// Sends `outgoing` to `base` instead. `path` is what the call added to its base URL, and
    /// `provider` what the caller calls the provider.
    pub(super) fn divert(
        &self,
        outgoing: &mut Outgoing,
        base: &Url,
        path: &str,
        query: &[(String, String)],
        key: Option<&Secret>,
    ) -> Result<(), Error> {
        let headers = &mut outgoing.headers;
        drop_secrets(headers, self.provider.auth_header, key);
        let mut tell = |name, value: &str| {
            // A name is text that a header can carry, or it is left out.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        tell(CALL_HEADER, &random_key());
        tell(PROVIDER_HEADER, &self.config.provider);
        if self.has_address {
            tell(URL_HEADER, &format!("{}{path}", self.place.base_url));
        }
        let host = base.host_str().unwrap_or_default();
        let port = base.port_or_known_default().unwrap_or_default();
        let https = base.scheme() == "https";
        outgoing.target = Target::new(address::below(base, path, query))?;
        outgoing.origin = self.hub.origin(https, host, port, &self.config.limits);
        outgoing.place = Place {
            origin: outgoing.origin.name().to_owned(),
            base_url: address::shown(base),
            proxy: None,
        }
        .into();
        outgoing.route = Route {
            https,
            tls: None,
            proxy: None,
            keepalive: self.config.limits.keepalive,
        }
        .into();
        Ok(())
    }
}
