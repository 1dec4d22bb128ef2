//! All that belongs to one process: the hub, the I/O thread, the lanes. A forked child leaks what it
//! inherited (locks may be held, sockets are the parent's) and makes its own at first use.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::http::{Hub, Transport};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::ground::fork;
use crate::process::sync_runtime::Lanes;
use crate::wake::mailbox;

static CURRENT: AtomicPtr<Process> = AtomicPtr::new(ptr::null_mut());

// Changed by threads that hold the GIL, as one that forks does, so that a child does not inherit it
// in the middle of a change.
pub(super) static TEST_RULES: Mutex<TestRules> = Mutex::new(TestRules {
    base_url: None,
    allowed_hosts: None,
});

/// Where a test lets calls go: all of them to this base URL, and connections only to these hosts.
pub(super) struct TestRules {
    pub(super) base_url: Option<String>,
    pub(super) allowed_hosts: Option<Vec<String>>,
}

impl TestRules {
    /// Sets up a new hub, in a forked child for instance, by the rules that hold.
    fn apply(&self, hub: &Hub) {
        if self.base_url.is_some() {
            // The URL was accepted before.
            let _ = hub.test_rules().intercept(self.base_url.as_deref());
        }
        if self.allowed_hosts.is_some() {
            hub.test_rules().allow_only(self.allowed_hosts.clone());
        }
    }
}

/// What one process shares.
pub(crate) struct Process {
    pub(crate) hub: Arc<Hub>,
    pub(crate) lanes: Lanes,
    io: OnceLock<IoThread>,
    starting: Mutex<()>,
}

/// The thread that drives all async calls.
pub(crate) struct IoThread {
    pub(crate) handle: Handle,
    pub(crate) transport: Arc<Transport>,
    stop: Mutex<Option<Stop>>,
}

struct Stop {
    signal: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

/// This process's state; made at first use and never freed.
pub(crate) fn current() -> &'static Process {
    let found = CURRENT.load(Ordering::Acquire);
    if let Some(process) = ptr::NonNull::new(found) {
        // SAFETY: the pointer came from `Box::into_raw` below and is never freed.
        return unsafe { process.as_ref() };
    }
    install_fork_hook();
    let hub = Hub::new();
    TEST_RULES.lock().apply(&hub);
    let fresh = Box::into_raw(Box::new(Process {
        lanes: Lanes::new(hub.clone()),
        hub,
        io: OnceLock::new(),
        starting: Mutex::default(),
    }));
    match CURRENT.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: `fresh` was just made and is now published for good.
        Ok(_) => unsafe { &*fresh },
        Err(winner) => {
            // SAFETY: nobody else has seen `fresh`; `winner` was published like it.
            unsafe {
                drop(Box::from_raw(fresh));
                &*winner
            }
        }
    }
}

/// The state, where it was made already.
fn existing() -> Option<&'static Process> {
    // SAFETY: see `current`.
    ptr::NonNull::new(CURRENT.load(Ordering::Acquire)).map(|process| unsafe { process.as_ref() })
}

/// Installs the hook once, before anything is made that a child must not touch.
fn install_fork_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        #[cfg(unix)]
        // SAFETY: the handler only stores to atomics, which is async-signal safe.
        unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        }
    });
}

/// In a forked child: leaves the parent's state alone.
#[cfg(unix)]
extern "C" fn in_child() {
    fork::begin_generation();
    CURRENT.store(ptr::null_mut(), Ordering::Release);
}

impl Process {
    /// The I/O thread, started at the first async call; one that could not start is retried.
    pub(crate) fn io(&self) -> Result<&IoThread, Error> {
        if let Some(io) = self.io.get() {
            if io.stop.lock().is_none() {
                let message = "the interpreter exits: async calls and map() are over";
                return Err(Error::new(ErrorKind::ClientClosed, message));
            }
            return Ok(io);
        }
        let _starting = self.starting.lock();
        if let Some(io) = self.io.get() {
            return Ok(io);
        }
        let fresh = IoThread::start(&self.hub)?;
        Ok(self.io.get_or_init(|| fresh))
    }
}

impl IoThread {
    fn start(hub: &Arc<Hub>) -> Result<Self, Error> {
        let broken = |what: &str, error: std::io::Error| {
            Error::new(
                ErrorKind::Engine,
                format!("cannot start the I/O {what}: {error}"),
            )
        };
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(4)
            .thread_name("tokenwire-dns")
            // Runs only when the runtime is about to block: readers are woken once a turn.
            .on_thread_park(mailbox::flush)
            .build()
            .map_err(|error| broken("runtime", error))?;
        let handle = runtime.handle().clone();
        let (signal, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("tokenwire-io".into())
            .spawn(move || {
                mailbox::this_is_the_io_thread();
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

/// At interpreter exit: stops the I/O thread and waits at most 100 ms for it.
pub(crate) fn shutdown() {
    let Some(io) = existing().and_then(|process| process.io.get()) else {
        return;
    };
    let Some(stop) = io.stop.lock().take() else {
        return;
    };
    let _ = stop.signal.send(());
    for _ in 0..100 {
        if stop.thread.is_finished() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
