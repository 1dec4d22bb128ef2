//! How a reader in an event loop waits: parked in the loop's mailbox, which the I/O thread rings.

use std::sync::Arc;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokenwire_core::stream::{Cargo, Channel, Interest, Parker};

use crate::wake::loop_mailbox::LoopMailbox;
use crate::wake::waiter::Waiter;

/// A reader's place in the mailbox of its loop.
#[derive(Default)]
pub(crate) struct Parking {
    mailbox: Option<Arc<LoopMailbox>>,
    parked: Option<(Arc<LoopMailbox>, u64)>,
}

/// The error of a second reader.
pub(crate) fn second_reader() -> PyErr {
    PyRuntimeError::new_err("this stream is being read by another task; a stream has one reader")
}

impl Parking {
    /// Parks the running task. Returns what to yield, or None if something arrived in the meantime.
    pub(crate) fn park<'py, C: Cargo>(
        &mut self,
        py: Python<'py>,
        channel: &Channel<C>,
        interest: Interest,
    ) -> PyResult<Option<Bound<'py, Waiter>>> {
        if let Some((mailbox, token)) = self.parked.take() {
            if mailbox.is_waiting(token) {
                self.parked = Some((mailbox, token));
                return Err(second_reader());
            }
            drop(mailbox.take(token));
        }
        let (waiter, mailbox, token) = LoopMailbox::wait(py, &mut self.mailbox)?;
        if channel.park(Parker::Mailbox(mailbox.bell(), token), interest) {
            self.parked = Some((mailbox, token));
            return Ok(Some(waiter));
        }
        drop(mailbox.take(token));
        Ok(None)
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        if let Some((mailbox, token)) = self.parked.take() {
            drop(mailbox.take(token));
        }
    }
}
