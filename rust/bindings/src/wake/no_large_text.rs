//! `large_text.rs` for the stable ABI, which cannot allocate a `str` without its text: nothing is made in advance.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::message::Reply;
use tokenwire_core::workers::Workers;

use crate::wake::waiter::Waiter;

pub(crate) const LARGE_TEXT_BYTES: usize = usize::MAX;

pub(crate) enum LargeText {}

#[allow(dead_code, reason = "none is ever made")]
pub(crate) enum Made<'py> {
    Wait(Bound<'py, Waiter>),
    Whole(Py<PyString>),
}

impl LargeText {
    pub(crate) fn begin(_: &Arc<Reply>, _: &Workers) -> Option<Self> {
        None
    }

    pub(crate) fn is_waited_for(&self) -> bool {
        match *self {}
    }

    pub(crate) fn advance<'py>(&mut self, _: Python<'py>) -> PyResult<Made<'py>> {
        match *self {}
    }
}
