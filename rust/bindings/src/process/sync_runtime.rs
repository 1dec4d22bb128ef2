//! Lanes: the runtimes of sync calls. A sync call leases a lane and drives it on its own thread, so there is
//! no hop to another thread, and Ctrl-C works. A lane is not tied to a thread, so even short-lived threads
//! reuse connections.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::http::{Hub, Transport};
use tokio::runtime::{Builder, Runtime};

use crate::ground::fork;

/// How often a thread that waits without the GIL checks for Ctrl-C.
pub(crate) const SIGNAL_TICK: Duration = Duration::from_millis(50);

/// A runtime and its connections, leased by one call or stream at a time.
pub(crate) struct Lane {
    runtime: Runtime,
    pub(crate) transport: Arc<Transport>,
}

/// The idle lanes of the process. The last one returned is the first one leased.
pub(crate) struct Lanes {
    idle: Mutex<Vec<Lane>>,
    hub: Arc<Hub>,
}

impl Lanes {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self {
            idle: Mutex::default(),
            hub,
        }
    }

    /// Drops the lanes whose connections have expired.
    pub(crate) fn drop_stale(&self) {
        let stale: Vec<Lane> = {
            let mut idle = self.idle.lock();
            // All of them: a lane with a long keepalive may be below one with a short keepalive.
            idle.extract_if(.., |lane| lane.transport.has_outlived_its_connections())
                .collect()
        };
        drop(stale);
    }
}

/// A runtime on the thread that drives it.
pub(super) fn runtime_builder() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    builder
}

/// A lane that returns to the idle ones when dropped. In a forked child it is the parent's and is leaked.
pub(crate) struct Lease {
    lane: Option<Lane>,
    lanes: &'static Lanes,
    generation: u64,
}

impl Lease {
    /// Takes an idle lane or creates one. Called without the GIL.
    pub(crate) fn new(lanes: &'static Lanes) -> Result<Self, Error> {
        lanes.drop_stale();
        let idle = lanes.idle.lock().pop();
        Ok(Self {
            lane: Some(idle.map_or_else(|| Lane::new(&lanes.hub), Ok)?),
            lanes,
            generation: fork::generation(),
        })
    }

    /// The lane; None only while the lease is being dropped.
    pub(crate) fn lane(&self) -> Option<&Lane> {
        self.lane.as_ref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take() else { return };
        if self.generation == fork::generation() {
            self.lanes.idle.lock().push(lane);
            self.lanes.drop_stale();
        } else {
            // Dropping it would remove the parent's sockets from the epoll instance that both share.
            std::mem::forget(lane);
        }
    }
}

impl Lane {
    fn new(hub: &Arc<Hub>) -> Result<Self, Error> {
        let runtime = runtime_builder().build().map_err(|error| {
            let message = format!(
                "cannot start a sync call ({error}): raise `ulimit -n`, make fewer at a time, or use asyncio"
            );
            Error::new(ErrorKind::Connect, message)
        })?;
        Ok(Self {
            runtime,
            transport: Arc::new(Transport::new(hub.clone())),
        })
    }

    /// Starts a task. It makes progress only while the lane is driven.
    pub(crate) fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime.spawn(future)
    }

    /// Drives the lane until `future` is ready, or a signal handler raises. Called without the GIL.
    pub(crate) fn drive<T>(&self, future: impl Future<Output = T>) -> Result<T, PyErr> {
        if !on_main_thread() {
            return Ok(self.runtime.block_on(future));
        }
        let mut future = pin!(future);
        loop {
            let output = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    output = &mut future => Some(output),
                    () = tokio::time::sleep(SIGNAL_TICK) => None,
                }
            });
            if let Some(output) = output {
                return Ok(output);
            }
            // Outside the runtime, because the handler may make calls itself or drop another stream.
            check_signals()?;
        }
    }

    /// Drives the lane briefly, so that dropped bodies close their connections.
    pub(crate) fn settle(&self, future: impl Future) {
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(Duration::from_millis(300), future).await;
        });
    }
}

#[allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the lifetime of the method itself is too narrow for attach"
)]
fn check_signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}

#[cfg(target_os = "linux")]
thread_local! {
    // The answer and its generation: the thread that forks is the main thread of the child.
    static IS_MAIN: std::cell::Cell<Option<(u64, bool)>> = const { std::cell::Cell::new(None) };
}

#[cfg(target_os = "linux")]
pub(super) fn on_main_thread() -> bool {
    let now = fork::generation();
    if let Some((generation, is_main)) = IS_MAIN.get()
        && generation == now
    {
        return is_main;
    }
    // SAFETY: both calls only read ids of the calling thread.
    let is_main = unsafe { libc::getpid() == libc::gettid() };
    IS_MAIN.set(Some((now, is_main)));
    is_main
}

#[cfg(not(target_os = "linux"))]
fn on_main_thread() -> bool {
    // Elsewhere every thread checks. Python ignores it on other threads; it costs them the GIL each tick.
    true
}
