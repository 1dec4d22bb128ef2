//! Everything that belongs to one process: the hub, the I/O threads, the lanes. A forked child leaks what it
//! inherited (locks may be held, and the sockets are the parent's) and creates its own at first use.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokenwire_core::config::TransportSetting;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::http::{Hub, Transport};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::ground::{elsewhere, fork};
use crate::process::sync_runtime::{Lanes, runtime_builder};
use crate::wake::mailbox;

static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

// Only threads that hold the GIL change it. A thread that forks holds the GIL too, so a child never
// inherits a half-made change.
pub(super) static TEST_RULES: Mutex<TestRules> = Mutex::new(TestRules {
    base_url: None,
    allowed_hosts: None,
});

/// Where a test lets calls go: all calls to this base URL, and connections only to these hosts.
pub(super) struct TestRules {
    pub(super) base_url: Option<String>,
    pub(super) allowed_hosts: Option<Vec<String>>,
}

/// What all clients of one process share.
pub(crate) struct Process {
    pub(crate) hub: Arc<Hub>,
    pub(crate) lanes: Lanes,
    io: IoThreads,
    starting: Mutex<()>,
}

/// The I/O threads: one for each transport, because a server that attacks may keep the thread of the general one busy.
#[derive(Default)]
struct IoThreads {
    direct: OnceLock<IoThread>,
    general: OnceLock<IoThread>,
}

/// The thread that drives the async calls of a transport.
pub(crate) struct IoThread {
    pub(crate) handle: Handle,
    pub(crate) transport: Arc<Transport>,
    stop: Mutex<Option<Stop>>,
}

struct Stop {
    signal: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

/// The state of this process, created at first use and never freed.
pub(crate) fn current() -> &'static Process {
    existing().unwrap_or_else(create)
}

/// The state, if it was created already.
pub(super) fn existing() -> Option<&'static Process> {
    // SAFETY: a pointer that is not null came from `Box::leak` in `create`.
    ptr::NonNull::new(CURRENT.load(Ordering::Acquire)).map(|process| unsafe { process.as_ref() })
}

fn create() -> &'static Process {
    static FORK_HOOK: Once = Once::new();
    // Before anything exists that a child must not touch.
    FORK_HOOK.call_once(|| {
        #[cfg(unix)]
        // SAFETY: the handler only writes atomics, which is async-signal safe.
        unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        }
    });
    elsewhere::free_with(free);
    let hub = Hub::new();
    hub.workers().on_start(yield_to_other_threads);
    // A forked child inherits the rules of a test. The URL was checked when the rule was set.
    let rules = TEST_RULES.lock();
    let _ = hub.test_rules().intercept(rules.base_url.as_deref());
    hub.test_rules().allow_only(rules.allowed_hosts.clone());
    let fresh = Box::leak(Box::new(Process {
        lanes: Lanes::new(hub.clone()),
        hub,
        io: IoThreads::default(),
        starting: Mutex::default(),
    }));
    // If another thread was faster, its state counts and this one stays unused.
    let _ = CURRENT.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
    existing().unwrap_or(fresh)
}

/// Frees a large value on a worker of the current process.
fn free(value: Box<dyn Send>) {
    current()
        .hub
        .workers()
        .free(elsewhere::LARGE_BYTES + 1, value);
}

/// Lowers the priority of a worker: a large reply may use every processor that is free, but no other.
fn yield_to_other_threads() {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls only read and set a number of the calling thread. Linux has one for each thread.
    unsafe {
        let nice = libc::getpriority(libc::PRIO_PROCESS, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, nice + 5);
    }
}

/// In a forked child: forgets the parent's state.
#[cfg(unix)]
extern "C" fn in_child() {
    fork::begin_generation();
    CURRENT.store(ptr::null_mut(), Ordering::Release);
}

impl Process {
    /// The I/O thread of a transport, started by its first async call. If it cannot start, the next call
    /// tries again.
    pub(crate) fn io(&self, transport: TransportSetting) -> Result<&IoThread, Error> {
        let (place, name) = match transport {
            TransportSetting::General => (&self.io.general, "tokenwire-io-2"),
            TransportSetting::Auto | TransportSetting::Direct => (&self.io.direct, "tokenwire-io"),
        };
        if let Some(io) = place.get() {
            if io.stop.lock().is_none() {
                let message =
                    "the interpreter is exiting: async calls and map() are no longer possible";
                return Err(Error::new(ErrorKind::ClientClosed, message));
            }
            return Ok(io);
        }
        let _starting = self.starting.lock();
        if let Some(io) = place.get() {
            return Ok(io);
        }
        let fresh = IoThread::start(name, &self.hub)?;
        Ok(place.get_or_init(|| fresh))
    }
}

impl IoThread {
    fn start(name: &str, hub: &Arc<Hub>) -> Result<Self, Error> {
        let broken = |what: &str, error: std::io::Error| {
            let message = format!("cannot start the I/O {what}: {error}");
            Error::new(ErrorKind::Engine, message)
        };
        let runtime = runtime_builder()
            .build()
            .map_err(|error| broken("runtime", error))?;
        let handle = runtime.handle().clone();
        // The first of all tasks, so it is there before the first wake.
        handle.spawn(mailbox::flush_each_turn());
        let (signal, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })
            .map_err(|error| broken("thread", error))?;
        Ok(Self {
            handle,
            transport: Arc::new(Transport::new(hub.clone())),
            stop: Mutex::new(Some(Stop { signal, thread })),
        })
    }
}

/// At interpreter exit: stops the I/O threads and waits up to 100 ms for them.
pub(crate) fn shutdown() {
    let Some(process) = existing() else {
        return;
    };
    let threads = [&process.io.direct, &process.io.general];
    let stops = threads.map(|io| io.get()?.stop.lock().take());
    let stopping: Vec<_> = stops
        .into_iter()
        .flatten()
        .map(|stop| {
            let _ = stop.signal.send(());
            stop.thread
        })
        .collect();
    for _ in 0..100 {
        if stopping.iter().all(thread::JoinHandle::is_finished) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
