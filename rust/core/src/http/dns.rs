//! Looks names up: getaddrinfo on a few threads, one lookup at a time for each name, and a short cache.
//!
//! The threads belong to no runtime. So a lookup that hangs (getaddrinfo cannot be stopped) delays neither the
//! shutdown of a runtime nor its other blocking work, and a lookup that a sync runtime began still fills the cache
//! when nothing drives that runtime any more.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::Mutex;
use tokio::sync::watch;
use tower_service::Service;

/// How long an answer is cached.
const KEEP: Duration = Duration::from_secs(45);

/// How many threads may wait in getaddrinfo at a time.
const THREADS: usize = 16;

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
type Flight = watch::Receiver<Option<Answer>>;
type Lookup = fn(&str) -> Answer;

/// The resolver of the process.
#[derive(Debug, Clone)]
pub(crate) struct Resolver(Arc<Lookups>);

#[derive(Debug)]
struct Lookups {
    names: Mutex<Names>,
    lookup: Lookup,
}

#[derive(Debug, Default)]
struct Names {
    known: HashMap<String, Known>,
    flights: HashMap<String, Flight>,
    waiting: VecDeque<(String, watch::Sender<Option<Answer>>)>,
    threads: usize,
}

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
    fn with(lookup: Lookup) -> Self {
        Self(Arc::new(Lookups {
            names: Mutex::default(),
            lookup,
        }))
    }

    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, LookupFailed> {
        let mut flight = match self.known_or_flight(name) {
            Ok(addresses) => return Ok(addresses),
            Err(flight) => flight,
        };
        let answer = flight.wait_for(Option::is_some).await;
        match answer.ok().and_then(|answer| answer.clone()) {
            Some(answer) => answer.map(|addresses| addresses.to_vec()),
            None => Err(LookupFailed {
                reason: "the lookup was abandoned".to_owned(),
                transient: true,
            }),
        }
    }

    fn known_or_flight(&self, name: &str) -> Result<Vec<SocketAddr>, Flight> {
        let mut names = self.0.names.lock();
        if let Some(known) = names.known.get_mut(name)
            && known.until > Instant::now()
        {
            known.uses += 1;
            return Ok(rotated(&known.addresses, known.uses));
        }
        if let Some(flight) = names.flights.get(name) {
            return Err(flight.clone());
        }
        let (sender, flight) = watch::channel(None);
        names.flights.insert(name.to_owned(), flight.clone());
        names.waiting.push_back((name.to_owned(), sender));
        if names.threads < THREADS {
            let lookups = Arc::clone(&self.0);
            let spawned = std::thread::Builder::new()
                .name("tokenwire-dns".to_owned())
                .stack_size(256 << 10)
                .spawn(move || lookups.work());
            // If there is no new thread, the lookup waits for a running one, up to the `connect` timeout.
            if spawned.is_ok() {
                names.threads += 1;
            }
        }
        Err(flight)
    }
}

impl Lookups {
    /// What a thread does: it looks up names until none is waiting.
    fn work(&self) {
        loop {
            let (name, sender) = {
                let mut names = self.names.lock();
                let Some(next) = names.waiting.pop_front() else {
                    names.threads -= 1;
                    return;
                };
                next
            };
            let answer = (self.lookup)(&name);
            let mut names = self.names.lock();
            names.flights.remove(&name);
            if let Ok(addresses) = &answer {
                let known = Known {
                    addresses: Arc::clone(addresses),
                    until: Instant::now() + KEEP,
                    uses: 0,
                };
                names.known.insert(name, known);
            }
            drop(names);
            sender.send_replace(Some(answer));
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = LookupFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, LookupFailed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookupFailed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.addresses(name.as_str()).await?.into_iter()) })
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
        assert!(!failed.unwrap_err().reason.is_empty());
    }
}
