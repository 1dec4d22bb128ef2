//! How a client reaches its server: directly or through a proxy, with which certificates, and by which transport.

use std::path::Path;
use std::sync::Arc;

use url::{Host, Url};

use super::address::{self, Base};
use super::check::refused;
use super::{Call, Client, Inner};
use crate::config::{ClientConfig, TransportSetting, variable};
use crate::error::Error;
use crate::http::host::with_zone;
use crate::http::{
    Hub, Origin, PROXY_ARGUMENT, Place, Proxy, Road, Route, TlsKey, UnixSocket,
    proxy_from_environment,
};

/// How calls reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way<'a> {
    /// The transport, which is never `Auto`.
    pub transport: TransportSetting,
    /// The proxy without its credentials, and the argument or the variable that it is from.
    pub proxy: Option<(&'a str, &'a str)>,
    /// The unix socket.
    pub socket: Option<&'a Path>,
}

impl Client {
    /// How calls reach its server.
    #[must_use]
    pub fn way(&self) -> Way<'_> {
        let Inner { route, place, .. } = &*self.0;
        let proxy = place.proxy.as_ref();
        Way {
            transport: route.road.into(),
            proxy: proxy.map(|(proxy, name)| (proxy.as_str(), name.as_str())),
            socket: route.socket.as_ref().map(UnixSocket::path),
        }
    }
}

impl Call {
    /// The transport that carries it, which is never `Auto`.
    #[must_use]
    pub fn transport(&self) -> TransportSetting {
        self.outgoing.route.road.into()
    }
}

impl From<Road> for TransportSetting {
    fn from(road: Road) -> Self {
        match road {
            Road::Direct => Self::Direct,
            Road::General => Self::General,
        }
    }
}

/// The route to any `url`, or to a socket, its origin, and what messages say about both.
pub(crate) fn to(
    hub: &Hub,
    url: Url,
    socket: Option<UnixSocket>,
    config: &ClientConfig,
) -> Result<(Route, Arc<Origin>, Place), Error> {
    let base = Base {
        url,
        zone: None,
        socket,
    };
    of(hub, &base, config)
}

/// The route to `base`, its origin, and what messages say about both.
pub(super) fn of(
    hub: &Hub,
    base: &Base,
    config: &ClientConfig,
) -> Result<(Route, Arc<Origin>, Place), Error> {
    let zone = base.zone.as_deref();
    let origin = match &base.socket {
        Some(socket) => hub.origin_at(socket, &config.limits),
        None => hub.origin(&base.url, zone, &config.limits),
    };
    let https = origin.https;
    let trust_env = config.trust_env;
    let var = move |name: &str| trust_env.then(|| variable(name)).flatten();
    let proxy = match (&config.proxy, only_direct(base)) {
        (Some(_), Some(why)) => {
            return Err(refused(format!("proxy= cannot be used with a {why}")));
        }
        (Some(proxy), None) => Some(Proxy::parse(proxy.expose(), PROXY_ARGUMENT)?),
        (None, Some(_)) => None,
        (None, None) => proxy_from_environment(&base.url, var)?,
    };
    let road = road(&Asked::read(config, var)?, base, proxy.as_ref())?;
    if let Some(proxy) = &proxy
        && let (true, Some(Host::Ipv6(_))) = (https, base.url.host())
    {
        return Err(refused(format!(
            "{} cannot be used with https to an IPv6 address: write the name of the server in {}",
            proxy.source(),
            config.base_url_name
        )));
    }
    let speaks_tls = https || proxy.as_ref().is_some_and(Proxy::is_https);
    let host = base.url.host_str().unwrap_or_default();
    let route = Route {
        https,
        tls: speaks_tls.then(|| TlsKey::new(&config.tls, var)),
        proxy,
        zoned: zone.map(|_| with_zone(host, zone).trim_matches(['[', ']']).to_owned()),
        socket: base.socket.clone(),
        road,
        keepalive: config.limits.keepalive,
        max_head_bytes: config.limits.max_head_bytes,
    };
    let place = Place {
        origin: origin.name.clone(),
        base_url: address::shown_by(&route, &base.url),
        base_url_name: config.base_url_name.clone(),
        proxy: route
            .proxy
            .as_ref()
            .map(|proxy| (proxy.shown(), proxy.name().to_owned())),
    };
    Ok((route, origin, place))
}

/// What only the direct transport reaches, and no proxy; `None` if this is not such an address.
fn only_direct(base: &Base) -> Option<&'static str> {
    if base.socket.is_some() {
        return Some("unix socket, which is a server of this machine");
    }
    let zone = "base_url whose IPv6 address has a zone: a zone is an interface of this machine";
    base.zone.is_some().then_some(zone)
}

/// The variable that chooses the transport of all clients that do not choose one.
const TRANSPORT: &str = "TOKENWIRE_TRANSPORT";

/// The transport that the client or the environment asks for.
struct Asked {
    transport: TransportSetting,
    /// How it was asked for, as messages show it.
    by: String,
    /// Whether the environment asks, for all clients.
    for_all: bool,
}

impl Asked {
    fn read(config: &ClientConfig, var: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        if let Some(transport) = config.transport {
            let by = format!("transport={:?}", transport.as_str());
            return Ok(Self {
                transport,
                by,
                for_all: false,
            });
        }
        let value = var(TRANSPORT).unwrap_or_default();
        let word = value.trim();
        let transport = match word {
            "" => Ok(TransportSetting::Auto),
            word => word.parse(),
        };
        let transport = transport.map_err(|_| {
            refused(format!(
                "environment variable {TRANSPORT} must be auto, direct or general, not {word:?}"
            ))
        })?;
        Ok(Self {
            transport,
            by: format!("{TRANSPORT}={word}"),
            for_all: true,
        })
    }
}

/// Which transport carries the calls. One that a client asks for by name, and that cannot do what is needed, is an error:
/// calls must not go around a proxy that is set. What the environment asks for all clients holds where there is a choice.
fn road(asked: &Asked, base: &Base, proxy: Option<&Proxy>) -> Result<Road, Error> {
    let by = &asked.by;
    match (asked.transport, proxy) {
        (TransportSetting::Auto, Some(_)) => Ok(Road::General),
        (TransportSetting::Auto | TransportSetting::Direct, None) => Ok(Road::Direct),
        (TransportSetting::Direct, Some(_)) if asked.for_all => Ok(Road::General),
        (TransportSetting::Direct, Some(proxy)) if proxy.name() == PROXY_ARGUMENT => Err(refused(
            format!("{by} uses no proxy: leave out proxy=, or take the transport auto or general"),
        )),
        (TransportSetting::Direct, Some(proxy)) => Err(refused(format!(
            "{by} uses no proxy, and {} names one for this base_url: take the transport auto or general, or add the \
             host to NO_PROXY",
            proxy.name()
        ))),
        (TransportSetting::General, _) => match only_direct(base) {
            Some(_) if asked.for_all => Ok(Road::Direct),
            Some(what) => Err(refused(format!(
                "{by} cannot reach a {what}: take the transport auto or direct"
            ))),
            None => Ok(Road::General),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(base_url: &str, transport: &str, proxy: Option<&str>) -> Result<Road, String> {
        let row = crate::wire::providers::find("openai").unwrap();
        let base = address::base_url(base_url, "base_url", &row).unwrap();
        let asked = Asked {
            transport: transport.parse().unwrap(),
            by: "BY".to_owned(),
            for_all: false,
        };
        let proxy = proxy.map(|name| Proxy::parse("http://p:1", name).unwrap());
        road(&asked, &base, proxy.as_ref()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_direct_transport_is_for_origins_and_the_general_one_for_proxies() {
        for (url, transport, proxy, road) in [
            ("http://a", "auto", None, Road::Direct),
            ("https://a", "auto", None, Road::Direct),
            ("https://a", "auto", Some("proxy"), Road::General),
            ("https://a", "auto", Some("ALL_PROXY"), Road::General),
            ("https://a", "direct", None, Road::Direct),
            ("https://a", "general", None, Road::General),
            ("https://a", "general", Some("ALL_PROXY"), Road::General),
            ("http://[fe80::1%eth0]", "auto", None, Road::Direct),
            ("http://[fe80::1%eth0]", "direct", None, Road::Direct),
            #[cfg(unix)]
            ("unix:///a", "auto", None, Road::Direct),
            #[cfg(unix)]
            ("unix:///a", "direct", None, Road::Direct),
        ] {
            let found = chosen(url, transport, proxy);
            assert_eq!(found, Ok(road), "{url} {transport} {proxy:?}");
        }
    }

    #[test]
    fn what_the_environment_asks_for_holds_where_there_is_a_choice() {
        let row = crate::wire::providers::find("openai").unwrap();
        let taken = |base_url: &str, transport, proxy: Option<&Proxy>| {
            let base = address::base_url(base_url, "base_url", &row).unwrap();
            let asked = Asked {
                transport,
                by: String::new(),
                for_all: true,
            };
            road(&asked, &base, proxy).unwrap()
        };
        let proxy = Proxy::parse("http://p:1", "ALL_PROXY").unwrap();
        let (direct, general) = (TransportSetting::Direct, TransportSetting::General);
        assert_eq!(taken("http://a", direct, Some(&proxy)), Road::General);
        assert_eq!(taken("http://a", direct, None), Road::Direct);
        assert_eq!(taken("http://a", general, None), Road::General);
        let zoned = "http://[fe80::1%eth0]";
        assert_eq!(taken(zoned, general, None), Road::Direct);
    }

    #[test]
    fn a_transport_that_cannot_do_what_is_needed_is_refused_with_the_fix() {
        for (url, transport, proxy, parts) in [
            (
                "https://a",
                "direct",
                Some("proxy"),
                ["proxy=", "auto or general"],
            ),
            (
                "https://a",
                "direct",
                Some("ALL_PROXY"),
                ["ALL_PROXY names one", "NO_PROXY"],
            ),
            (
                "http://[fe80::1%eth0]",
                "general",
                None,
                ["zone", "auto or direct"],
            ),
            #[cfg(unix)]
            (
                "unix:///a",
                "general",
                None,
                ["unix socket", "auto or direct"],
            ),
        ] {
            let refused = chosen(url, transport, proxy).unwrap_err();
            assert!(refused.starts_with("BY "), "{refused}");
            for part in parts {
                assert!(refused.contains(part), "{refused}");
            }
        }
    }
}
