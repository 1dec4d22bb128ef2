//! Work that waits for the operating system, such as a lookup or reading a file: it runs on a few threads, once for
//! all callers who want the same result.
//!
//! getaddrinfo and `open` may hang, and cannot be stopped. Therefore
//!
//! - the threads belong to no runtime: what hangs delays neither the shutdown of a runtime nor its other work;
//! - a result that no caller waits for any more leaves the line, and the newest in the line comes first;
//! - some threads are reserved for what has worked before;
//! - work that hangs is started again, because what it hangs on may be gone by then;
//! - if no thread can be started, the caller gets an error at once, and the next caller tries again.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

/// Work that has taken so long is started again if a caller still wants its result.
const STALE: Duration = Duration::from_secs(5);

/// How often a caller who waits looks whether that is so.
const LOOK: Duration = Duration::from_secs(1);

/// How often the same work may run at a time.
const RUNS: usize = 4;

/// The threads that do the work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Threads {
    pub(super) name: &'static str,
    /// How many there may be.
    pub(super) most: usize,
    /// How many of them are kept for work that has succeeded before.
    pub(super) reserved: usize,
    /// The size of their stacks, in bytes.
    pub(super) stack: usize,
}

/// There is no thread that does the work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoThread {
    #[error("no thread can be started: {0}")]
    NotStarted(io::Error),
    #[error("its thread panicked")]
    Panicked,
}

type Work<K, T, E> = Box<dyn Fn(&K) -> Result<T, E> + Send + Sync>;
type Answer<T, E> = Option<Result<T, E>>;

/// The work under way and in line.
pub(super) struct Flights<K, T, E>(Arc<Shared<K, T, E>>);

struct Shared<K, T, E> {
    work: Work<K, T, E>,
    threads: Threads,
    state: Mutex<State<K, T, E>>,
}

struct State<K, T, E> {
    flights: HashMap<K, Flight<T, E>>,
    /// By whether it has succeeded before, and by age. It is taken from the end.
    line: BTreeMap<Ticket, K>,
    /// The age of the next ticket or flight.
    next: u64,
    threads: usize,
    /// How many threads do work that has never succeeded before.
    strangers: usize,
}

/// Whether the work has succeeded before, and its age.
type Ticket = (bool, u64);

/// What the callers who want the same result share.
struct Flight<T, E> {
    id: u64,
    answer: watch::Sender<Answer<T, E>>,
    /// Its place in the line, if a thread is to take it.
    ticket: Option<Ticket>,
    /// How many threads work on it.
    runs: usize,
    /// When the last of them took it.
    begun: Instant,
}

impl<K, T, E> Flights<K, T, E>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    pub(super) fn new(
        threads: Threads,
        work: impl Fn(&K) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            work: Box::new(work),
            threads,
            state: Mutex::new(State {
                flights: HashMap::new(),
                line: BTreeMap::new(),
                next: 0,
                threads: 0,
                strangers: 0,
            }),
        }))
    }

    /// The result of the work for `key`; `usual` says that it has succeeded before. Dropping the future abandons it.
    pub(super) async fn get(&self, key: &K, usual: bool) -> Result<Result<T, E>, NoThread> {
        let mut waiting = self.join(key, usual)?;
        loop {
            let Some(receiver) = &mut waiting.receiver else {
                return Err(NoThread::Panicked);
            };
            let answered = timeout(LOOK, receiver.wait_for(Option::is_some)).await;
            if let Ok(answered) = answered {
                let answer = answered.ok().and_then(|answer| answer.clone());
                // Only a thread that panicked leaves without an answer.
                return answer.ok_or(NoThread::Panicked);
            }
            self.start_again(key, usual);
        }
    }

    /// Whether work has to wait for a thread; `usual` says that it has succeeded before.
    pub(super) fn is_crowded(&self, usual: bool) -> bool {
        !self.0.has_room(&self.0.state.lock(), usual)
    }

    fn join<'a>(&'a self, key: &'a K, usual: bool) -> Result<Waiting<'a, K, T, E>, NoThread> {
        let shared = &self.0;
        let mut state = shared.state.lock();
        let state = &mut *state;
        state.next += 1;
        let now = state.next;
        let flight = state
            .flights
            .entry(key.clone())
            .or_insert_with(|| Flight::new(now));
        let (id, receiver) = (flight.id, flight.answer.subscribe());
        let runs = flight.runs;
        if let Err(error) = self.line_up(state, key, usual)
            && runs == 0
        {
            state.flights.remove(key);
            return Err(NoThread::NotStarted(error));
        }
        Ok(Waiting {
            shared,
            key,
            flight: id,
            receiver: Some(receiver),
        })
    }

    /// Starts the work again if it hangs.
    fn start_again(&self, key: &K, usual: bool) {
        let mut state = self.0.state.lock();
        // Without another thread, what hangs may still end.
        let _ = self.line_up(&mut state, key, usual);
    }

    /// Puts the work in the line if a thread should take it, and starts a thread if there may be another one.
    fn line_up(&self, state: &mut State<K, T, E>, key: &K, usual: bool) -> io::Result<()> {
        let shared = &self.0;
        let has_room = shared.has_room(state, usual);
        let flight = state.flights.get_mut(key);
        let Some(flight) = flight.filter(|flight| flight.is_wanted()) else {
            return Ok(());
        };
        if has_room {
            let worker = Arc::clone(shared);
            shared.threads.start(move || worker.work())?;
            state.threads += 1;
        }
        state.next += 1;
        let ticket = (usual, state.next);
        flight.ticket = Some(ticket);
        state.line.insert(ticket, key.clone());
        Ok(())
    }
}

impl Threads {
    fn for_strangers(&self) -> usize {
        self.most - self.reserved
    }

    /// Starts one of them.
    pub(super) fn start(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = std::thread::Builder::new()
            .name(self.name.to_owned())
            .stack_size(self.stack);
        thread.spawn(work).map(drop)
    }
}

impl<T, E> Flight<T, E> {
    fn new(id: u64) -> Self {
        Self {
            id,
            answer: watch::Sender::new(None),
            ticket: None,
            runs: 0,
            begun: Instant::now(),
        }
    }

    /// Whether another thread should take it.
    fn is_wanted(&self) -> bool {
        let hangs = self.runs < RUNS && self.begun.elapsed() > STALE;
        self.ticket.is_none() && (self.runs == 0 || hangs)
    }
}

/// What a thread has taken from the line.
struct Job<K> {
    key: K,
    flight: u64,
    usual: bool,
}

impl<K: Clone + Eq + Hash, T, E> Shared<K, T, E> {
    /// Whether another thread may be started for such work.
    fn has_room(&self, state: &State<K, T, E>, usual: bool) -> bool {
        state.threads < self.threads.most
            && (usual || state.strangers < self.threads.for_strangers())
    }

    /// What a thread does until nothing is left for it.
    fn work(&self) {
        while let Some(job) = self.take() {
            let done = catch_unwind(AssertUnwindSafe(|| (self.work)(&job.key)));
            self.finish(&job, done.ok());
        }
    }

    fn take(&self) -> Option<Job<K>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let has_room = state.strangers < self.threads.for_strangers();
        let next = state.line.last_entry();
        let Some(next) = next.filter(|next| next.key().0 || has_room) else {
            state.threads -= 1;
            return None;
        };
        let ((usual, _), key) = next.remove_entry();
        state.strangers += usize::from(!usual);
        let flight = state.flights.get_mut(&key).map_or(0, |flight| {
            flight.ticket = None;
            flight.runs += 1;
            flight.begun = Instant::now();
            flight.id
        });
        Some(Job { key, flight, usual })
    }

    fn finish(&self, job: &Job<K>, done: Answer<T, E>) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.strangers -= usize::from(!job.usual);
        let flight = state.flights.get_mut(&job.key);
        let Some(flight) = flight.filter(|flight| flight.id == job.flight) else {
            return;
        };
        flight.runs -= 1;
        let failed = !matches!(done, Some(Ok(_)));
        if failed && (flight.runs > 0 || flight.ticket.is_some()) {
            // A later run may still succeed.
            return;
        }
        if let Some(ticket) = flight.ticket {
            state.line.remove(&ticket);
        }
        if let Some(flight) = state.flights.remove(&job.key) {
            flight.answer.send_replace(done);
        }
    }
}

/// A caller who waits for a result.
struct Waiting<'a, K: Eq + Hash, T, E> {
    shared: &'a Shared<K, T, E>,
    key: &'a K,
    flight: u64,
    receiver: Option<watch::Receiver<Answer<T, E>>>,
}

impl<K: Eq + Hash, T, E> Drop for Waiting<'_, K, T, E> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        let state = &mut *state;
        self.receiver = None;
        let flight = state.flights.get_mut(self.key);
        let Some(flight) = flight.filter(|flight| flight.id == self.flight) else {
            return;
        };
        if flight.answer.receiver_count() > 0 {
            return;
        }
        if let Some(ticket) = flight.ticket.take() {
            state.line.remove(&ticket);
        }
        if flight.runs == 0 {
            state.flights.remove(self.key);
        }
    }
}

impl<K, T, E> std::fmt::Debug for Flights<K, T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights")
            .field("threads", &self.0.threads)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
