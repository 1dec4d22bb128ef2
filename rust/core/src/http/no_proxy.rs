//! Lists of hosts, such as `no_proxy`: which host is in one.
//!
//! Source: curl(1), `--noproxy`, and Go's `golang.org/x/net/http/httpproxy` for networks and ports.

use std::net::IpAddr;

use url::Url;

use super::host;

/// The entries of a list such as `no_proxy`, which commas or white space separate.
pub(super) fn entries(list: &str) -> impl Iterator<Item = &str> {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace());
    entries.filter(|entry| !entry.is_empty())
}

/// Whether the target is in `list`: names with all names below them, addresses, address/bits or `*`. Both sides are
/// compared in the form that [`host::plain`] gives them.
pub(super) fn is_excepted(target: &Url, list: &str) -> bool {
    let host = host::of(target);
    let port = target.port_or_known_default();
    let address = host
        .parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical());
    entries(list).any(|entry| {
        if entry == "*" {
            return true;
        }
        let (entry, only_port) = split_port(entry);
        if only_port.is_some() && only_port != port {
            return false;
        }
        match address {
            Some(address) => names_address(entry, address),
            None => names_host(entry, &host),
        }
    })
}

/// Splits off a `:port`. IPv6 addresses have one only in brackets.
pub(super) fn split_port(entry: &str) -> (&str, Option<u16>) {
    let bracketed = entry
        .strip_prefix('[')
        .and_then(|entry| entry.split_once(']'));
    if let Some((host, rest)) = bracketed.filter(|(_, rest)| !rest.starts_with('/')) {
        return (
            host,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn names_host(entry: &str, host: &str) -> bool {
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    let entry = host::plain(entry.trim_start_matches('.'));
    !entry.is_empty()
        && (host == entry
            || host
                .strip_suffix(&*entry)
                .is_some_and(|rest| rest.ends_with('.')))
}

fn names_address(entry: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = entry.split_once('/') else {
        let named = host::plain(entry).parse();
        return named.is_ok_and(|named: IpAddr| named.to_canonical() == address);
    };
    let network = network.trim_matches(['[', ']']).parse::<IpAddr>();
    let (Ok(network), Ok(bits)) = (network, bits.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let drop = 32 - bits;
            let (a, b) = (u64::from(u32::from(a)), u64::from(u32::from(b)));
            a >> drop == b >> drop
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let shift = |value: u128| value.checked_shr(128 - bits).unwrap_or(0);
            shift(u128::from(a)) == shift(u128::from(b))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_follows_curl() {
        let table = [
            ("http://a.example", "*", true),
            ("http://a.example", "example", true),
            ("http://a.example", ".example", true),
            ("http://a.example", "*.example", true),
            ("http://example", ".example", true),
            ("http://badexample", "example", false),
            ("http://A.Example", "x, a.EXAMPLE", true),
            ("http://a.example:81", "a.example:80", false),
            ("http://a.example:81", "a.example:81", true),
            ("http://10.9.9.9:8000", "10.0.0.0/8", true),
            ("http://11.0.0.1", "10.0.0.0/8", false),
            ("http://10.0.0.1", "0.1", false),
            ("http://10.0.0.1", "10.0.0.0/all", false),
            ("http://a.example:81", "a.example:http", false),
            ("http://[fd00::1]:8000", "fd00:0::1", true),
            ("http://[fd00::1]:8000", "[fd00::1]", true),
            ("http://[fd00::1]:8000", "[FD00::1]:8000", true),
            ("http://[fd00::1]:8000", "[fd00::1]:8001", false),
            ("http://[fd00::1]", "[fd00::]/8", true),
            ("http://[::ffff:10.0.0.1]", "10.0.0.0/8", true),
            ("http://[::ffff:10.0.0.1]", "10.0.0.1", true),
            ("http://10.0.0.1", "::ffff:10.0.0.1", true),
            ("http://[fd00::1]", "fd00::/8", true),
            ("http://10.0.0.1", "0.0.0.0/0", true),
            ("http://a.example", "", false),
            ("http://a.example.", "a.example", true),
            ("http://a.example", "a.example.", true),
            ("http://a.example", ",, \t\n a.example ,", true),
            ("http://a.b.example", "b.example:80", true),
            ("http://a.example", "a.*", false),
            ("http://bücher.example", "BÜCHER.example", true),
            ("http://bücher.example", "bu\u{308}cher.example", true),
            ("http://bücher.example", "xn--BCHER-kva.example", true),
            ("http://xn--bcher-kva.example", "bücher.example:80", true),
            ("http://a.bücher.example", ".bücher.example", true),
            ("http://a.bücher.example", "*.bücher.example", true),
            ("http://a.bücher.example", "bücher.example", true),
            ("http://bucher.example", "bücher.example", false),
        ];
        for (target, list, excepted) in table {
            let target = Url::parse(target).unwrap();
            assert_eq!(is_excepted(&target, list), excepted, "{target} {list}");
        }
    }
}
