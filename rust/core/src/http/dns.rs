//! Looks names up: getaddrinfo on a few threads, one lookup at a time for each name, and a short cache.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::Mutex;
use tower_service::Service;

use super::exchange::BoxError;
use super::flights::{Flights, Threads};
use super::host;

/// How long an answer is cached.
const KEEP: Duration = Duration::from_secs(45);

/// A reader of the hosts file.
const HOSTS_THREADS: Threads = Threads {
    name: "tokenwire-hosts",
    most: 1,
    reserved: 0,
    stack: 256 << 10,
};

/// The hosts file of Unix systems: hosts(5).
const HOSTS: &str = "/etc/hosts";

/// How many names are remembered.
const NAMES: usize = 1_024;

/// A resolver that does not answer holds a thread for each name for 10 to 20 s, and often longer. Names that resolved
/// before keep a few threads for themselves, so others that hang never stop them.
const THREADS: Threads = Threads {
    name: "tokenwire-dns",
    most: 128,
    reserved: 16,
    stack: 256 << 10,
};

/// A name that did not resolve.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct LookupFailed {
    /// What the system says.
    pub(crate) reason: String,
    /// Whether the resolver itself failed, so that a retry may help.
    pub(crate) transient: bool,
}

type Answer = Result<Arc<[SocketAddr]>, LookupFailed>;

/// The resolver of the process, or a view of it that looks up one address with a zone.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    lookups: Arc<Lookups>,
    zoned: Option<Arc<str>>,
}

#[derive(Debug)]
struct Lookups {
    known: Arc<Mutex<HashMap<String, Known>>>,
    flights: Flights<String, Arc<[SocketAddr]>, LookupFailed>,
    /// Finds names of this machine while all threads hang in lookups.
    hosts: Flights<String, Arc<[SocketAddr]>, LookupFailed>,
}

/// The last answer for a name. It stays when it is out of date, because it shows that the name resolved before.
#[derive(Debug)]
struct Known {
    addresses: Arc<[SocketAddr]>,
    until: Instant,
    uses: usize,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::with(system_lookup)
    }
}

impl Resolver {
    fn with(lookup: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let known: Arc<Mutex<HashMap<String, Known>>> = Arc::default();
        let answers = Arc::clone(&known);
        // The thread fills the cache, even if the caller has given up.
        let work = move |name: &String| {
            let answer = lookup(name);
            if let Ok(addresses) = &answer {
                remember(&mut answers.lock(), name, addresses);
            }
            answer
        };
        let lookups = Lookups {
            known,
            flights: Flights::new(THREADS, work),
            hosts: Flights::new(HOSTS_THREADS, |name: &String| {
                in_hosts(name, &std::fs::read_to_string(HOSTS).unwrap_or_default())
            }),
        };
        Self {
            lookups: Arc::new(lookups),
            zoned: None,
        }
    }

    /// A resolver for one address with a zone, as in `fe80::1%eth0`. The system knows the number of the interface, so
    /// the address is looked up as a name is. A URI cannot hold it, so connections are made to [`host::ZONED`].
    pub(super) fn only(&self, address: &str) -> Self {
        Self {
            lookups: Arc::clone(&self.lookups),
            zoned: Some(address.into()),
        }
    }

    /// Whether it is for one address with a zone.
    pub(super) fn is_zoned(&self) -> bool {
        self.zoned.is_some()
    }

    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, BoxError> {
        let name = match &self.zoned {
            Some(address) if name == host::ZONED => address,
            // No name server is asked where a name under `localhost` is.
            _ if host::is_localhost(name) => "localhost",
            _ => name,
        };
        // An address needs no lookup.
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, 0)]);
        }
        let usual = match self.lookups.known.lock().get_mut(name) {
            Some(known) if known.until > Instant::now() => {
                known.uses += 1;
                return Ok(rotated(&known.addresses, known.uses));
            }
            known => known.is_some(),
        };
        let name = name.to_owned();
        if cfg!(unix)
            && self.lookups.flights.is_crowded(usual)
            && let Ok(addresses) = self.lookups.hosts.get(&name, false).await?
        {
            return Ok(addresses.to_vec());
        }
        let answer = self.lookups.flights.get(&name, usual).await?;
        Ok(answer?.to_vec())
    }
}

/// The addresses of `name` in the text of a hosts file.
fn in_hosts(name: &str, hosts: &str) -> Answer {
    let addresses: Arc<[_]> = hosts
        .lines()
        .filter_map(|line| {
            let (entry, _) = line.split_once('#').unwrap_or((line, ""));
            let mut words = entry.split_whitespace();
            let address: IpAddr = words.next()?.parse().ok()?;
            let found = words.any(|word| word.eq_ignore_ascii_case(name));
            found.then_some(SocketAddr::new(address, 0))
        })
        .collect();
    if addresses.is_empty() {
        return Err(LookupFailed {
            reason: "it is not in the hosts file".to_owned(),
            transient: false,
        });
    }
    Ok(addresses)
}

fn remember(known: &mut HashMap<String, Known>, name: &str, addresses: &Arc<[SocketAddr]>) {
    let now = Instant::now();
    if known.len() >= NAMES && !known.contains_key(name) {
        known.retain(|_, known| known.until > now);
        if known.len() >= NAMES {
            known.clear();
        }
    }
    let answer = Known {
        addresses: Arc::clone(addresses),
        until: now + KEEP,
        uses: 0,
    };
    known.insert(name.to_owned(), answer);
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.addresses(name.as_str()).await?.into_iter()) })
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            // For SOCKS, reqwest has addresses looked up too, with the brackets that they have in a URL.
            let name = name.as_str().trim_matches(['[', ']']);
            let addresses = resolver.addresses(name).await?;
            Ok::<reqwest::dns::Addrs, _>(Box::new(addresses.into_iter()))
        })
    }
}

fn system_lookup(name: &str) -> Answer {
    match (name, 0).to_socket_addrs() {
        Ok(addresses) if addresses.len() == 0 => Err(LookupFailed {
            reason: "the name has no address".to_owned(),
            transient: false,
        }),
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(LookupFailed {
            // std hides getaddrinfo's code, so EAI_AGAIN is only in the text.
            transient: error.to_string().contains("Temporary failure"),
            reason: error
                .to_string()
                .replace("failed to lookup address information: ", ""),
        }),
    }
}

/// The addresses, rotated within each family. This spreads the load, and the family that the system prefers stays
/// first.
fn rotated(addresses: &[SocketAddr], by: usize) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut preferred, mut rest): (Vec<_>, Vec<_>) = addresses
        .iter()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let (a, b) = (by % preferred.len(), by.checked_rem(rest.len()));
    preferred.rotate_left(a);
    rest.rotate_left(b.unwrap_or(0));
    preferred.append(&mut rest);
    preferred
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

    #[allow(clippy::unnecessary_wraps, reason = "a lookup may fail")]
    fn counted(_: &str) -> Answer {
        LOOKUPS.fetch_add(1, Ordering::SeqCst);
        Ok(["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"]
            .iter()
            .map(|address| address.parse().unwrap())
            .collect())
    }

    #[tokio::test]
    async fn callers_of_one_name_share_a_lookup_and_its_answer_rotates() {
        let resolver = Resolver::with(counted);
        let (a, b) = tokio::join!(resolver.addresses("x"), resolver.addresses("x"));
        assert_eq!(a.unwrap().len(), 3);
        assert_eq!(b.unwrap().len(), 3);
        let first = resolver.addresses("x").await.unwrap();
        let second = resolver.addresses("x").await.unwrap();
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
        assert_ne!(first[0], second[0]);
        assert!(first[2].is_ipv6() && second[2].is_ipv6());
    }

    #[tokio::test]
    async fn a_name_under_invalid_does_not_resolve() {
        // RFC 6761 reserves `.invalid`: it never resolves.
        let failed = Resolver::default().addresses("nothing.invalid").await;
        let failed = failed.unwrap_err();
        assert!(
            !failed
                .downcast_ref::<LookupFailed>()
                .unwrap()
                .reason
                .is_empty()
        );
    }

    #[tokio::test]
    async fn an_address_is_not_looked_up() {
        let resolver = Resolver::with(|name| panic!("{name} was looked up"));
        for (name, address) in [("127.0.0.1", "127.0.0.1:0"), ("::1", "[::1]:0")] {
            let found = resolver.addresses(name).await.unwrap();
            assert_eq!(found, [address.parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn a_name_under_localhost_is_this_machine_whatever_name_servers_say() {
        let resolver = Resolver::with(|name| {
            assert_eq!(name, "localhost");
            Ok(["127.0.0.1:0".parse().unwrap()].into())
        });
        for name in ["localhost", "Localhost.", "a.b.localhost"] {
            assert_eq!(resolver.addresses(name).await.unwrap().len(), 1, "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_keeps_its_zone() {
        // Interface 1 is the loopback interface of Linux.
        let resolver = Resolver::default().only("fe80::1%lo");
        let found = resolver.addresses(host::ZONED).await.unwrap();
        assert_eq!(found, ["[fe80::1%1]:0".parse().unwrap()]);
        let resolver = resolver.only("fe80::1%nothing");
        assert!(resolver.addresses(host::ZONED).await.is_err());
    }

    #[test]
    fn a_hosts_file_has_addresses_and_their_names() {
        let hosts = "# 10.0.0.9 a\n10.0.0.1\tA b # c\nnothing a\n\n::1 a\n10.0.0.2";
        let found = |name| {
            let found = in_hosts(name, hosts).map(|found| found.to_vec());
            found.unwrap_or_default()
        };
        let [first, second] = ["10.0.0.1:0", "[::1]:0"].map(|address| address.parse().unwrap());
        assert_eq!(found("a"), [first, second]);
        assert_eq!(found("B"), [first]);
        assert_eq!(found("c"), []);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_found_while_every_thread_hangs() {
        let (may_end, end) = std::sync::mpsc::channel::<()>();
        let end = Mutex::new(end);
        let resolver = Resolver::with(move |_| {
            let _ = end.lock().recv();
            Err(LookupFailed {
                reason: "the test is over".to_owned(),
                transient: true,
            })
        });
        let flights = &resolver.lookups.flights;
        let hang = async {
            let names = (0..THREADS.most * 2).map(|number| format!("hang{number}.example"));
            let mut calls = Vec::new();
            for name in names {
                let resolver = resolver.clone();
                calls.push(tokio::spawn(async move { resolver.addresses(&name).await }));
            }
            while !flights.is_crowded(false) {
                tokio::task::yield_now().await;
            }
            calls
        };
        let calls = hang.await;
        assert!(!resolver.addresses("localhost").await.unwrap().is_empty());
        for call in calls {
            call.abort();
        }
        drop(may_end);
    }

    #[test]
    fn the_number_of_names_that_are_remembered_is_bounded() {
        let mut known = HashMap::new();
        for number in 0..NAMES * 3 {
            remember(&mut known, &number.to_string(), &Arc::default());
            assert!(known.len() <= NAMES);
        }
        assert!(known.contains_key(&(NAMES * 3 - 1).to_string()));
    }
}
