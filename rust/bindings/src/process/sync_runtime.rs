//! Sync calls drive a leased current-thread runtime on the calling thread: no hop to another thread,
//! and Ctrl-C is seen. A lane is not tied to a thread, so short-lived threads keep connections warm.

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

/// How often a thread that waits without the GIL looks for Ctrl-C.
pub(crate) const SIGNAL_TICK: Duration = Duration::from_millis(50);

/// One runtime with its connections, leased by one call or stream at a time.
pub(crate) struct Lane {
    runtime: Runtime,
    pub(crate) transport: Arc<Transport>,
}

/// The idle lanes of the process; the last one returned is the first one leased.
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

    /// Leases a lane. Called without the GIL.
    pub(crate) fn lease(&self) -> Result<Lane, Error> {
        self.drop_stale();
        let found = self.idle.lock().pop();
        found.map_or_else(|| Lane::new(&self.hub), Ok)
    }

    /// Takes a lane back.
    pub(crate) fn give_back(&self, lane: Lane) {
        self.idle.lock().push(lane);
        self.drop_stale();
    }

    /// Drops the lanes whose connections are gone.
    pub(crate) fn drop_stale(&self) {
        let stale: Vec<Lane> = {
            let mut idle = self.idle.lock();
            // All are asked: a lane with a long keepalive may lie below one with a short one.
            idle.extract_if(.., |lane| lane.transport.has_outlived_its_connections())
                .collect()
        };
        drop(stale);
    }
}

impl Lane {
    fn new(hub: &Arc<Hub>) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(4)
            .thread_name("tokenwire-dns")
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Connect,
                    format!("cannot start a runtime: {error}"),
                )
            })?;
        Ok(Self {
            runtime,
            transport: Arc::new(Transport::new(hub.clone())),
        })
    }

    /// Starts a task that runs while the lane is driven.
    pub(crate) fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime.spawn(future)
    }

    /// Drives the lane until `future` is ready; a signal handler that raises ends it early.
    /// Called without the GIL.
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
            // Outside the runtime: a handler may make calls of its own, or drop another stream.
            check_signals()?;
        }
    }

    /// Drives the lane once, so that dropped bodies close their connections.
    pub(crate) fn settle(&self, future: impl Future) {
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(Duration::from_millis(300), future).await;
        });
    }
}

#[allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the method's own lifetime is too narrow for attach"
)]
fn check_signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}

#[cfg(target_os = "linux")]
thread_local! {
    // Which generation it was asked in, and the answer: a fork makes its thread the child's main one.
    static IS_MAIN: std::cell::Cell<Option<(u64, bool)>> = const { std::cell::Cell::new(None) };
}

#[cfg(target_os = "linux")]
fn on_main_thread() -> bool {
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
    // Python ignores the check on other threads; it costs them the GIL every tick.
    true
}
