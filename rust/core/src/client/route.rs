//! How a client reaches its server: directly or through a proxy, with which certificates.

use std::sync::Arc;

use super::address::{self, Base};
use super::check::refused;
use crate::config::{ClientConfig, TransportSetting, variable};
use crate::error::Error;
use crate::http::host::with_zone;
use crate::http::{
    Hub, Origin, PROXY_ARGUMENT, Place, Proxy, Road, Route, TlsKey, proxy_from_environment,
};

/// The route to `base`, its origin, and what messages say about both.
pub(super) fn of(
    hub: &Hub,
    base: &Base,
    config: &ClientConfig,
) -> Result<(Route, Arc<Origin>, Place), Error> {
    let zone = base.zone.as_deref();
    let origin = hub.origin(&base.url, zone, &config.limits);
    let https = origin.https;
    let trust_env = config.trust_env;
    let var = move |name: &str| trust_env.then(|| variable(name)).flatten();
    let proxy = match &config.proxy {
        Some(_) if zone.is_some() => {
            return Err(refused(
                "proxy= cannot be used with a base_url whose IPv6 address has a zone: a zone is an interface of this \
                 machine",
            ));
        }
        Some(proxy) => Some(Proxy::parse(proxy.expose(), PROXY_ARGUMENT)?),
        None if zone.is_some() => None,
        None => proxy_from_environment(&base.url, var)?,
    };
    let road = match transport(config, var)? {
        TransportSetting::Auto if proxy.is_some() => Road::General,
        TransportSetting::Auto | TransportSetting::Direct => Road::Direct,
        TransportSetting::General => Road::General,
    };
    let speaks_tls = https || proxy.as_ref().is_some_and(Proxy::is_https);
    let place = Place {
        origin: origin.name.clone(),
        base_url: address::shown(&base.url, zone),
        base_url_name: config.base_url_name.clone(),
        proxy: proxy
            .as_ref()
            .map(|proxy| (proxy.shown(), proxy.name().to_owned())),
    };
    let host = base.url.host_str().unwrap_or_default();
    let route = Route {
        https,
        tls: speaks_tls.then(|| TlsKey::new(&config.tls, var)),
        proxy,
        zoned: zone.map(|_| with_zone(host, zone).trim_matches(['[', ']']).to_owned()),
        road,
        keepalive: config.limits.keepalive,
    };
    Ok((route, origin, place))
}

/// The variable that chooses the transport of all clients that do not choose one.
const TRANSPORT: &str = "TOKENWIRE_TRANSPORT";

/// The transport that the client or the environment asks for.
fn transport(
    config: &ClientConfig,
    var: impl Fn(&str) -> Option<String>,
) -> Result<TransportSetting, Error> {
    let asked = match config.transport {
        Some(transport) => return Ok(transport),
        None => var(TRANSPORT).filter(|value| !value.trim().is_empty()),
    };
    let Some(asked) = asked else {
        return Ok(TransportSetting::Auto);
    };
    asked.trim().parse().map_err(|_| {
        refused(format!(
            "environment variable {TRANSPORT} must be auto, direct or general, not {asked:?}"
        ))
    })
}
