//! An exchange, as its public object, its steps and its events share it: what a reader finds, and how it waits.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyList, PyTuple};
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::raw::{Exchange, RawCall, RawHead, pass};
use tokenwire_core::stream::{Interest, Parker, Taken};

use crate::ground::caller::Caller;
use crate::ground::fork;
use crate::observe::{self, logs};
use crate::process;
use crate::stream::driver::Driver;
use crate::stream::parking::{Parking, second_reader};
use crate::stream::turn::Turn;
use crate::values::raise;
use crate::wake::descriptor::WakeFd;
use crate::wake::waiter::Waiter;

/// How many bytes a step returns at most.
const LARGEST_STEP: usize = 64 << 10;

/// What a step waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Whether another piece of the request is wanted.
    Sending,
    Head,
    Bytes,
}

impl Want {
    fn interest(self) -> Interest {
        match self {
            Self::Sending => Interest::Sending,
            Self::Head => Interest::Head,
            Self::Bytes => Interest::Any,
        }
    }
}

/// What a step finds.
pub(super) enum Found<'py> {
    Value(Bound<'py, PyAny>),
    /// There is something, but the other tasks of the loop have their turn first.
    Rest,
    /// The body is over.
    End,
    Nothing,
}

/// What was taken of the body and not returned yet.
#[derive(Default)]
struct Reading {
    pieces: VecDeque<Bytes>,
    turn: Turn,
}

/// An exchange, shared by the public object and its steps.
pub(super) struct Shared {
    pub(super) exchange: Arc<Exchange>,
    /// The request, until it is sent.
    call: Mutex<Option<Box<RawCall>>>,
    raised: Py<PyAny>,
    generation: u64,
    // Locked while a sync reader waits, so that there is one reader at a time.
    driver: Mutex<Option<Driver>>,
    parking: Mutex<Parking>,
    /// For a loop other than asyncio's.
    descriptor: OnceLock<Arc<WakeFd>>,
    reading: Mutex<Reading>,
}

impl Shared {
    pub(super) fn new(call: RawCall, raised: Py<PyAny>) -> Self {
        Self {
            exchange: call.exchange().clone(),
            call: Mutex::new(Some(Box::new(call))),
            raised,
            generation: fork::generation(),
            driver: Mutex::default(),
            parking: Mutex::default(),
            descriptor: OnceLock::new(),
            reading: Mutex::default(),
        }
    }

    pub(super) fn raise(&self, py: Python<'_>, error: Error) -> PyErr {
        raise_by(py, &self.raised, error)
    }

    /// Whether it is this process's.
    pub(super) fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }

    pub(super) fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_ours() {
            return Ok(());
        }
        let message = "this request belongs to the parent process; make a new one after the fork";
        Err(self.raise(py, Error::new(ErrorKind::ForkedStream, message)))
    }

    /// What there is, without a wait. `takes_turns` is for event loops.
    pub(super) fn look<'py>(
        &self,
        py: Python<'py>,
        want: Want,
        takes_turns: bool,
    ) -> PyResult<Found<'py>> {
        self.check_process(py)?;
        match want {
            Want::Sending => Ok(self.exchange.wants().map_or(Found::Nothing, |wants| {
                Found::Value(PyBool::new(py, wants).to_owned().into_any())
            })),
            Want::Head => match self.exchange.head() {
                None => Ok(Found::Nothing),
                Some(Ok(head)) => {
                    logs::drain(py)?;
                    Ok(Found::Value(head_tuple(py, &head)?.into_any()))
                }
                Some(Err(error)) => {
                    let raised = self.raise(py, error);
                    let logged = logs::drain(py);
                    Err(observe::error_or_interrupt(py, raised, logged))
                }
            },
            Want::Bytes => self.next_bytes(py, takes_turns),
        }
    }

    fn next_bytes<'py>(&self, py: Python<'py>, takes_turns: bool) -> PyResult<Found<'py>> {
        // Waiting for this lock could deadlock: its holder may need this thread's GIL.
        let mut reading = self.reading.try_lock().ok_or_else(second_reader)?;
        let reading = &mut *reading;
        if reading.pieces.is_empty() {
            match self.exchange.take(&mut reading.pieces) {
                Taken::Items => {}
                Taken::Nothing => return Ok(Found::Nothing),
                Taken::End(None) => return Ok(Found::End),
                Taken::End(Some(error)) => return Err(self.raise(py, error)),
            }
        }
        if takes_turns && reading.turn.is_over(1) {
            return Ok(Found::Rest);
        }
        let there: usize = reading.pieces.iter().map(Bytes::len).sum();
        let length = there.min(LARGEST_STEP);
        reading.turn.count_text(length);
        let pieces = &mut reading.pieces;
        let bytes = PyBytes::new_with(py, length, |mut room| {
            while let Some(piece) = pieces.front_mut()
                && !room.is_empty()
            {
                let most = piece.len().min(room.len());
                let (filled, rest) = room.split_at_mut(most);
                piece.copy_to_slice(filled);
                room = rest;
                if piece.is_empty() {
                    pieces.pop_front();
                }
            }
            Ok(())
        })?;
        Ok(Found::Value(bytes.into_any()))
    }

    /// Sends the request on the I/O thread, at most once.
    pub(super) fn start_async(&self, py: Python<'_>) -> PyResult<()> {
        let Some(call) = self.call.lock().take() else {
            return Ok(());
        };
        let io = process::current().io(call.transport());
        let io = io.map_err(|error| self.raise(py, error))?;
        let transport = io.transport.clone();
        io.handle.spawn(async move { pass(&transport, call).await });
        Ok(())
    }

    /// Parks the running task. Returns what to yield, or None if something arrived in the meantime.
    pub(super) fn park<'py>(
        &self,
        py: Python<'py>,
        want: Want,
    ) -> PyResult<Option<Bound<'py, Waiter>>> {
        let mut parking = self.parking.try_lock().ok_or_else(second_reader)?;
        parking.park(py, &self.exchange, want.interest())
    }

    /// Parks a reader that watches a descriptor. Returns the descriptor, or None if something arrived in the meantime.
    pub(super) fn park_at_descriptor(&self, py: Python<'_>, want: Want) -> PyResult<Option<i64>> {
        let bell = if let Some(bell) = self.descriptor.get() {
            bell
        } else {
            let fresh = WakeFd::new().map_err(|error| {
                let message = format!("no descriptor to wait for ({error}): raise `ulimit -n`");
                self.raise(py, Error::new(ErrorKind::Connect, message))
            })?;
            self.descriptor.get_or_init(|| fresh.into())
        };
        bell.clear();
        let is_parked = self
            .exchange
            .park(Parker::Mailbox(bell.clone(), 0), want.interest());
        Ok(is_parked.then(|| bell.raw()))
    }

    /// Sends the request on a leased lane, at most once.
    fn start_sync(&self, py: Python<'_>) -> PyResult<()> {
        let Some(call) = self.call.lock().take() else {
            return Ok(());
        };
        let lease = Driver::lease(py).map_err(|error| self.raise(py, error))?;
        *self.driver.lock() = Driver::start(lease, |transport| async move {
            pass(&transport, call).await;
        });
        Ok(())
    }

    /// Drives the lane until there is something for the reader.
    fn wait(&self, py: Python<'_>, want: Want) -> PyResult<()> {
        let exchange = &*self.exchange;
        let drive = || {
            let mut driver = self.driver.try_lock()?;
            let waited = driver.as_ref()?.wait(exchange, want.interest());
            if waited.is_err() || exchange.is_closed() {
                Driver::release(driver.take());
            }
            Some(waited)
        };
        let waited = py.detach(|| process::with_enough_stack(drive));
        let waited = waited.map_err(|error| self.raise(py, error))?;
        waited.unwrap_or_else(|| {
            // Another thread is closing it. The next step raises the error for that.
            if exchange.is_closed() || exchange.is_over() {
                return Ok(());
            }
            Err(PyRuntimeError::new_err(
                "this reply is being read elsewhere; a reply has one reader",
            ))
        })?;
        // While bytes keep arriving, no wait lasts long enough to check for signals.
        py.check_signals().inspect_err(|_| self.close(py))
    }

    pub(super) fn sync_step<'py>(
        &self,
        py: Python<'py>,
        want: Want,
        look: impl Fn(Python<'py>) -> PyResult<Found<'py>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            match look(py) {
                Ok(Found::Value(value)) => return Ok(Some(value)),
                Ok(Found::Rest) => {}
                Ok(Found::End) => {
                    self.finish(py);
                    return Ok(None);
                }
                Ok(Found::Nothing) => {
                    self.start_sync(py)?;
                    self.wait(py, want)?;
                }
                Err(error) => {
                    self.finish(py);
                    return Err(error);
                }
            }
        }
    }

    /// Frees the lane, unless a reader holds it; that reader frees it.
    fn finish(&self, py: Python<'_>) {
        py.detach(|| {
            if let Some(mut driver) = self.driver.try_lock() {
                Driver::release(driver.take());
            }
        });
    }

    /// Closes it with all that its reader wanted, so that the connection can be used again.
    pub(super) fn close_read(&self, py: Python<'_>) {
        self.exchange.close_read();
        self.finish(py);
    }

    pub(super) fn close(&self, py: Python<'_>) {
        if !self.is_ours() {
            return;
        }
        self.exchange.close();
        drop(self.call.lock().take());
        self.finish(py);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.is_ours() {
            self.exchange.close();
            Driver::release(self.driver.get_mut().take());
        } else {
            // What the parent's runtime holds is the parent's.
            std::mem::forget(self.driver.get_mut().take());
        }
    }
}

fn head_tuple<'py>(py: Python<'py>, head: &RawHead) -> PyResult<Bound<'py, PyTuple>> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    let pairs = head.headers.iter();
    let pairs = pairs.map(|(name, value)| (bytes(name), bytes(value)));
    let headers = PyList::new(py, pairs.collect::<Vec<_>>())?;
    let version = bytes(head.version.as_bytes());
    (head.status, bytes(&head.reason), version, headers).into_pyobject(py)
}

/// The exception that `raised` makes of an error.
pub(super) fn raise_by(py: Python<'_>, raised: &Py<PyAny>, error: Error) -> PyErr {
    let was_reset = error.was_reset();
    let ours = raise::to_py(py, error, &Caller::default());
    let ours = ours.value(py);
    let noted = if was_reset {
        ours.setattr("_was_reset", true)
    } else {
        Ok(())
    };
    match noted.and_then(|()| raised.bind(py).call1((ours,))) {
        Ok(made) => PyErr::from_value(made),
        Err(broken) => broken,
    }
}
