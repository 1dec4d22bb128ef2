//! How a sync reader waits: on its own thread, with a leased runtime that carries out the call as a task.

use std::convert::identity;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use pyo3::prelude::*;
use tokenwire_core::error::Error;
use tokenwire_core::http::Transport;
use tokenwire_core::stream::{Cargo, Channel, Interest, Parker};
use tokio::task::JoinHandle;

use crate::ground::fork;
use crate::process::{self, Lease};

/// The lane of a running call, and the task on it.
pub(crate) struct Driver {
    lease: Lease,
    task: JoinHandle<()>,
    generation: u64,
}

impl Driver {
    /// Leases a lane.
    pub(crate) fn lease(py: Python<'_>) -> Result<Lease, Error> {
        let lease = || Lease::new(&process::current().lanes);
        py.detach(|| process::with_enough_stack(lease).and_then(identity))
    }

    /// Starts the task on a leased lane. It makes progress only while a reader waits.
    pub(crate) fn start<F>(lease: Lease, work: impl FnOnce(Arc<Transport>) -> F) -> Option<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let lane = lease.lane()?;
        let task = lane.spawn(work(lane.transport.clone()));
        Some(Self {
            lease,
            task,
            generation: fork::generation(),
        })
    }

    /// Drives the lane until there is something for the reader. A signal handler that raises ends the call. Called
    /// without the GIL.
    pub(crate) fn wait<C: Cargo>(&self, channel: &Channel<C>, interest: Interest) -> PyResult<()> {
        let Some(lane) = self.lease.lane() else {
            return Ok(());
        };
        channel.resume();
        let waited = lane.drive(poll_fn(|context| {
            if channel.park(Parker::Task(context.waker().clone()), interest) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        }));
        channel.leave();
        if waited.is_err() {
            channel.close();
        }
        waited
    }

    /// Lets the task end (it drains the body after the last event, or drops it), then frees the lane. Called without the
    /// GIL.
    pub(crate) fn release(driver: Option<Self>) {
        let Some(mut driver) = driver else { return };
        if driver.generation != fork::generation() {
            // The runtime of the task belongs to the parent process.
            std::mem::forget(driver);
            return;
        }
        let settle = move || {
            if let Some(lane) = driver.lease.lane() {
                lane.settle(&mut driver.task);
            }
        };
        // Without a thread for it, the connection closes when the lane is next driven.
        let _ = process::with_enough_stack(settle);
    }
}
