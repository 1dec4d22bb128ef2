//! What the host of a URL means, as far as it says so itself. Nothing is looked up.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

/// The name under which each connection to an address with a zone is asked for; see [`super::dns::Resolver::only`].
/// RFC 6761 reserves `.invalid`, so no server has this name.
pub(super) const ZONED: &str = "zoned.invalid";

/// A host as base URLs have it: in lower case, in punycode, without brackets and without a dot at its end.
pub(super) fn plain(host: &str) -> String {
    let bare = host.trim_matches(['[', ']']);
    let form = match bare.parse::<Ipv6Addr>() {
        Ok(address) => address.to_string(),
        // A host that no URL can have is compared as it is.
        Err(_) => {
            Host::parse(bare).map_or_else(|_| bare.to_ascii_lowercase(), |host| host.to_string())
        }
    };
    form.trim_end_matches('.').to_owned()
}

/// The host of a URL in that form.
pub(super) fn of(url: &Url) -> String {
    plain(url.host_str().unwrap_or_default())
}

/// Whether a value is in quotes, which a shell would have taken off.
pub(crate) fn is_quoted(text: &str) -> bool {
    const QUOTES: [char; 3] = ['"', '\'', '`'];
    text.starts_with(QUOTES) || text.ends_with(QUOTES)
}

/// Whether a name means this machine: `localhost` and every name under it.
///
/// Source: RFC 6761, section 6.3. It also says that no such name is asked of a name server.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// The address that a URL has as its host. In a URL of SOCKS it is a name to [`Url`].
fn address(url: &Url) -> Option<IpAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain(name) => name.parse().ok()?,
    };
    Some(address.to_canonical())
}

/// Whether a URL leads to this machine: a loopback address, a name under `localhost`, or an unspecified address, which
/// servers print when they listen on all interfaces.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match address(url) {
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => url.host_str().is_some_and(is_localhost),
    }
}

/// Whether a URL leads to this machine or into a private network, where plain http with a key is common.
///
/// Names without a dot are those of a private network, and so are the names under `.local` (RFC 6762), `.internal`
/// (reserved by ICANN for private use) and `.home.arpa` (RFC 8375).
pub(crate) fn is_private(url: &Url) -> bool {
    if is_this_machine(url) {
        return true;
    }
    match address(url) {
        Some(IpAddr::V4(v4)) => {
            // 100.64.0.0/10 is shared address space (RFC 6598), where mesh networks live.
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_link_local() || shared
        }
        Some(IpAddr::V6(v6)) => v6.is_unique_local() || v6.is_unicast_link_local(),
        None => {
            let name = url.host_str().unwrap_or_default().trim_end_matches('.');
            let mut suffixes = [".local", ".internal", ".home.arpa"].into_iter();
            !name.contains('.') || suffixes.any(|suffix| name.ends_with(suffix))
        }
    }
}

/// Whether an origin, as in `[fe80::1]:8000`, has a link-local address without the zone that connecting to it needs.
pub(super) fn lacks_zone(origin: &str) -> bool {
    let inside = origin
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let address = inside.and_then(|(address, _)| address.parse::<Ipv6Addr>().ok());
    address.is_some_and(|address| address.is_unicast_link_local())
}

/// `text` with the zone of its IPv6 address, which a [`Url`] cannot hold.
pub(crate) fn with_zone(text: &str, zone: Option<&str>) -> String {
    match zone {
        Some(zone) => text.replacen(']', &format!("%{zone}]"), 1),
        None => text.to_owned(),
    }
}

/// Splits the zone off the IPv6 address of a URL. It is written `[fe80::1%eth0]`, or `[fe80::1%25eth0]` as RFC 6874
/// demanded before RFC 9844 replaced it.
///
/// The error says what is wrong with the zone.
pub(crate) fn split_zone(text: &str) -> Result<(Cow<'_, str>, Option<String>), String> {
    let begin = text.find("://").map_or(0, |at| at + 3);
    let rest = text.get(begin..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (open, close) = (authority.rfind('['), authority.rfind(']'));
    let (Some(open), Some(close)) = (open, close) else {
        return Ok((Cow::Borrowed(text), None));
    };
    let inside = authority.get(open + 1..close).unwrap_or_default();
    let Some((address, zone)) = inside.split_once('%') else {
        return Ok((Cow::Borrowed(text), None));
    };
    let zone = zone
        .strip_prefix("25")
        .filter(|rest| !rest.is_empty())
        .unwrap_or(zone);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if zone.is_empty() || !zone.chars().all(is_name) {
        let form =
            "write the name of the interface after the %, as in http://[fe80::1%eth0]:8000/v1";
        return Err(format!("has an IPv6 address with an unusable zone: {form}"));
    }
    let (head, tail) = (text.get(..begin + open + 1), text.get(begin + close..));
    let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
    Ok((
        Cow::Owned(format!("{head}{address}{tail}")),
        Some(zone.to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        Url::parse(&format!("http://{host}/v1")).unwrap()
    }

    #[test]
    fn a_host_has_one_form_however_it_is_written() {
        for (host, form) in [
            ("BÜCHER.example.", "xn--bcher-kva.example"),
            ("xn--BCHER-kva.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("ｅxample。com", "example.com"),
            ("[::1]", "::1"),
            ("0:0::1", "::1"),
            ("127.1", "127.0.0.1"),
            ("a_b.example", "a_b.example"),
            ("*.A.example", "*.a.example"),
        ] {
            assert_eq!(plain(host), form, "{host}");
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        for host in [
            "127.0.0.1",
            "127.9.9.9",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
            "[::ffff:0.0.0.0]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "a.b.localhost.",
        ] {
            assert!(is_this_machine(&url(host)), "{host}");
            assert!(is_private(&url(host)), "{host}");
        }
        for host in [
            "128.0.0.1",
            "10.0.0.1",
            "[fe80::1]",
            "localhost.example",
            "notlocalhost",
            "localhost.localdomain",
            "host.docker.internal",
        ] {
            assert!(!is_this_machine(&url(host)), "{host}");
        }
    }

    #[test]
    fn private_networks_are_known() {
        for host in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.9",
            "169.254.1.1",
            "100.64.0.1",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "vllm",
            "gpu.local",
            "db.internal",
            "host.docker.internal",
            "nas.home.arpa.",
        ] {
            assert!(is_private(&url(host)), "{host}");
        }
        for host in [
            "8.8.8.8",
            "172.32.0.1",
            "example.com",
            "[2001:db8::1]",
            "[::ffff:8.8.8.8]",
            "local.example",
            "100.128.0.1",
        ] {
            assert!(!is_private(&url(host)), "{host}");
        }
    }

    #[test]
    fn a_zone_is_split_off_an_ipv6_address_and_off_nothing_else() {
        for (text, rest, zone) in [
            (
                "http://[fe80::1%25eth0]:1/v1",
                "http://[fe80::1]:1/v1",
                Some("eth0"),
            ),
            (
                "http://[fe80::1%eth0.5]/v1",
                "http://[fe80::1]/v1",
                Some("eth0.5"),
            ),
            (
                "http://u:p@[fe80::1%en-0]",
                "http://u:p@[fe80::1]",
                Some("en-0"),
            ),
            ("http://[fe80::1%2512]", "http://[fe80::1]", Some("12")),
            ("http://[fe80::1%25]", "http://[fe80::1]", Some("25")),
            ("http://[fe80::1]:1/v1", "http://[fe80::1]:1/v1", None),
            ("http://a.example/[x%25y]", "http://a.example/[x%25y]", None),
            ("http://a.example?[x%25y]", "http://a.example?[x%25y]", None),
        ] {
            let (found, found_zone) = split_zone(text).unwrap();
            assert_eq!((&*found, found_zone.as_deref()), (rest, zone), "{text}");
        }
        for bad in [
            "http://[fe80::1%]",
            "http://[fe80::1%25a%20b]",
            "http://[fe80::1%a b]",
        ] {
            assert!(split_zone(bad).unwrap_err().contains("zone"), "{bad}");
        }
    }
}
