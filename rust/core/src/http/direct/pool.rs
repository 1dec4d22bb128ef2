//! The idle connections of a route, and the calls that wait for one.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::Connection;
use crate::http::origin::{CountedIdle, KeepsIdle, Origin};

/// How often idle connections are looked at, at the longest.
const SWEEP: Duration = Duration::from_secs(1);

/// How many idle connections are looked at before other tasks get a turn.
const PER_TURN: usize = 64;

#[derive(Debug)]
pub(super) struct Pool {
    keepalive: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shelves: Vec<Shelf>,
    is_swept: bool,
}

/// The connections to one origin.
#[derive(Debug)]
struct Shelf {
    origin: Arc<Origin>,
    /// The one that was used last is at the end.
    idle: VecDeque<Idle>,
    waiting: VecDeque<oneshot::Sender<Connection>>,
    /// Whether the origin knows of it.
    is_known: bool,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
    _counted: CountedIdle,
}

impl State {
    // There are few origins, and mostly one.
    fn shelf(&mut self, origin: &Origin) -> Option<&mut Shelf> {
        let mut shelves = self.shelves.iter_mut();
        shelves.find(|shelf| std::ptr::eq(Arc::as_ptr(&shelf.origin), origin))
    }

    /// Makes room for connections to an origin.
    fn add_shelf(&mut self, origin: &Arc<Origin>) {
        if self.shelf(origin).is_none() {
            self.shelves.retain(Shelf::is_in_use);
            self.shelves.push(Shelf {
                origin: Arc::clone(origin),
                idle: VecDeque::new(),
                waiting: VecDeque::new(),
                is_known: false,
            });
        }
    }
}

impl Shelf {
    /// Gives a connection to the call that waits longest; returns it if none does.
    fn hand_over(&mut self, connection: Connection) -> Option<Connection> {
        let mut refused = Some(connection);
        while let Some(connection) = refused.take() {
            let Some(waits) = self.waiting.pop_front() else {
                return Some(connection);
            };
            refused = waits.send(connection).err();
        }
        None
    }

    fn is_in_use(&self) -> bool {
        !self.idle.is_empty() || self.waiting.iter().any(|waits| !waits.is_closed())
    }
}

impl Pool {
    pub(super) fn new(keepalive: Duration) -> Arc<Self> {
        Arc::new(Self {
            keepalive,
            state: Mutex::default(),
        })
    }

    /// An idle connection to `origin`: the one that was used last.
    pub(super) fn take(&self, origin: &Arc<Origin>) -> Option<Connection> {
        loop {
            let mut idle = self.state.lock().shelf(origin)?.idle.pop_back()?;
            if idle.since.elapsed() < self.keepalive && idle.connection.is_usable() {
                return Some(idle.connection);
            }
        }
    }

    /// The next connection to `origin` that becomes idle.
    pub(super) fn next(&self, origin: &Arc<Origin>) -> oneshot::Receiver<Connection> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        state.add_shelf(origin);
        if let Some(Shelf { waiting, .. }) = state.shelf(origin) {
            // Calls that got a connection elsewhere no longer wait.
            while waiting.front().is_some_and(oneshot::Sender::is_closed) {
                waiting.pop_front();
            }
            waiting.push_back(sender);
        }
        receiver
    }

    /// Takes a connection that can be used again.
    pub(super) fn put(self: Arc<Self>, connection: Connection) {
        let mut state = self.state.lock();
        state.add_shelf(&connection.origin);
        if let Some(shelf) = state.shelf(&connection.origin)
            && let Some(connection) = shelf.hand_over(connection)
            && !self.keepalive.is_zero()
        {
            if !std::mem::replace(&mut shelf.is_known, true) {
                let keeper: Weak<Self> = Arc::downgrade(&self);
                shelf.origin.add_keeper(keeper);
            }
            shelf.idle.push_back(Idle {
                connection,
                since: Instant::now(),
                _counted: shelf.origin.count_idle(),
            });
            if !std::mem::replace(&mut state.is_swept, true) {
                let every = self.keepalive.min(SWEEP);
                tokio::spawn(sweep(Arc::downgrade(&self), every));
            }
        }
    }

    /// Closes up to so many idle connections that are too old, or that the server has closed, from the `from`th on.
    /// Returns where to go on; `None` at the end.
    fn sweep(&self, from: usize) -> Option<usize> {
        let mut state = self.state.lock();
        let mut seen = 0;
        let mut gone = Vec::new();
        for shelf in &mut state.shelves {
            let mut index = 0;
            while let Some(idle) = shelf.idle.get_mut(index) {
                seen += 1;
                if seen > from + PER_TURN {
                    drop(state);
                    gone.into_iter().for_each(Connection::close);
                    return Some(from + PER_TURN);
                }
                let is_kept = seen <= from
                    || (idle.since.elapsed() < self.keepalive && idle.connection.is_usable());
                if is_kept {
                    index += 1;
                } else if let Some(idle) = shelf.idle.remove(index) {
                    gone.push(idle.connection);
                }
            }
        }
        drop(state);
        gone.into_iter().for_each(Connection::close);
        None
    }

    /// Whether there are no idle connections, so that they need no look any more.
    fn is_empty(&self) -> bool {
        let mut state = self.state.lock();
        let is_empty = state.shelves.iter().all(|shelf| shelf.idle.is_empty());
        state.is_swept = !is_empty;
        is_empty
    }
}

impl KeepsIdle for Pool {
    fn close_one(&self, origin: &Origin) -> bool {
        let idle = self
            .state
            .lock()
            .shelf(origin)
            .and_then(|shelf| shelf.idle.pop_front());
        idle.map(|idle| idle.connection.close()).is_some()
    }
}

/// Looks at the idle connections of a pool as long as there are any.
async fn sweep(pool: Weak<Pool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let mut from = Some(0);
        while let Some(next) = from {
            let Some(pool) = pool.upgrade() else { return };
            from = pool.sweep(next);
            drop(pool);
            tokio::task::yield_now().await;
        }
        if pool.upgrade().is_none_or(|pool| pool.is_empty()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use url::Url;

    use super::super::wire::Wire;
    use super::*;
    use crate::config::Limits;
    use crate::http::dns::Resolver;
    use crate::http::hub::Hub;
    use crate::http::link::Linker;

    /// A server that answers nothing, and connections to it.
    struct Bench {
        listener: TcpListener,
        origin: Arc<Origin>,
        uri: http::Uri,
    }

    impl Bench {
        async fn new() -> Self {
            Self::with(&Limits::default()).await
        }

        async fn with(limits: &Limits) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let origin = Hub::new().origin(&Url::parse(&url).unwrap(), None, limits);
            let uri = url.parse().unwrap();
            Self {
                listener,
                origin,
                uri,
            }
        }

        async fn connection(&self) -> (Connection, tokio::net::TcpStream) {
            let link = Linker::new(Resolver::default(), None, None)
                .open(&self.uri)
                .await;
            let wire = Wire::new(link.unwrap());
            let mut connection = Connection::new(wire, Arc::clone(&self.origin), 64 << 10)
                .await
                .unwrap();
            assert!(connection.is_usable());
            (connection, self.listener.accept().await.unwrap().0)
        }
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_call_that_waits_longest() {
        let bench = Bench::new().await;
        let pool = Pool::new(Duration::from_secs(60));
        let first = pool.next(&bench.origin);
        let gone = pool.next(&bench.origin);
        let third = pool.next(&bench.origin);
        drop(gone);
        let (one, _peer) = bench.connection().await;
        Arc::clone(&pool).put(one);
        let (two, _peer) = bench.connection().await;
        Arc::clone(&pool).put(two);
        assert!(first.await.is_ok() && third.await.is_ok());
        assert!(pool.take(&bench.origin).is_none());
        let (three, _peer) = bench.connection().await;
        Arc::clone(&pool).put(three);
        assert!(pool.take(&bench.origin).is_some());
    }

    #[tokio::test]
    async fn an_idle_connection_makes_room_for_one_elsewhere() {
        let limits = Limits {
            max_connections: Some(2),
            ..Limits::default()
        };
        let bench = Bench::with(&limits).await;
        let pools = [(); 2].map(|()| Pool::new(Duration::from_secs(60)));
        let mut peers = Vec::new();
        for pool in &pools {
            let (connection, peer) = bench.connection().await;
            Arc::clone(pool).put(connection);
            peers.push(peer);
        }
        let left = |pool: &Arc<Pool>| pool.state.lock().shelf(&bench.origin).unwrap().idle.len();
        bench.origin.make_room();
        assert_eq!(pools.each_ref().map(left), [1, 1]);
        let _permits = Arc::clone(&bench.origin.permits)
            .acquire_many_owned(1)
            .await;
        bench.origin.make_room();
        assert_eq!(pools.each_ref().map(left), [0, 1]);
        let _permits = Arc::clone(&bench.origin.permits)
            .acquire_many_owned(1)
            .await;
        bench.origin.make_room();
        assert_eq!(pools.each_ref().map(left), [0, 0]);
        for mut peer in peers {
            assert_eq!(
                tokio::io::AsyncReadExt::read(&mut peer, &mut [0])
                    .await
                    .unwrap(),
                0
            );
        }
    }

    #[tokio::test]
    async fn connections_that_are_old_or_closed_are_swept_however_many_there_are() {
        let bench = Bench::new().await;
        let pool = Pool::new(Duration::from_secs(60));
        let mut peers = Vec::new();
        for _ in 0..PER_TURN + 10 {
            let (connection, peer) = bench.connection().await;
            Arc::clone(&pool).put(connection);
            peers.push(peer);
        }
        // Each third is closed by its server.
        let mut count = 0;
        peers.retain(|_| {
            count += 1;
            count % 3 > 0
        });
        let left = || {
            let state = pool.state.lock();
            state
                .shelves
                .iter()
                .map(|shelf| shelf.idle.len())
                .sum::<usize>()
        };
        while left() > peers.len() {
            tokio::task::yield_now().await;
            let mut from = Some(0);
            while let Some(next) = from {
                from = pool.sweep(next);
            }
        }
        assert_eq!(left(), peers.len());
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        while let Some(next) = pool.sweep(0) {
            assert!(next > 0);
        }
        assert_eq!(left(), 0);
    }
}
