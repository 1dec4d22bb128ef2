//! `tokenwire._engine`: the crossing between Python and tokenwire-core. It decides nothing.
//!
//! Threads of the engine never touch Python: what they bring waits in queues until a Python thread,
//! which holds the GIL anyway, fetches it.

#![allow(
    clippy::doc_markdown,
    reason = "doc comments of classes are Python docstrings"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands arguments over by value"
)]
#![allow(clippy::unused_self, reason = "Python's protocols pass it")]

use pyo3::prelude::*;

// The floors, bottom up: a file imports from its own folder and from lower floors, never sideways or up.

// 0: exceptions by kind, whose call it is, JSON, the names of the Python half, forks and the exit.
mod ground;

// 1: how the I/O thread wakes the tasks of an event loop.
mod wake;

// 1: the frozen classes that Python sees, the settings, and how a call's error is raised.
mod values;

// 2: the hub, the I/O thread and the sync runtimes that all clients of a process share.
mod process;

// 3: the events of `on_call`, log lines, the doctor's report.
mod observe;

// 4: a call for a whole reply: sync, for an event loop, or one of many.
mod call;

// 4: a streamed call, sync and async.
mod stream;

// 5: `Engine`, one client as Python holds it.
mod engine;

// 5: the simulator as Python holds it.
mod simulator;

use crate::wake::mailbox;

/// Stops the I/O thread; registered with `atexit` at import.
#[pyfunction]
#[pyo3(name = "_shutdown")]
fn shutdown(py: Python<'_>) {
    py.detach(process::shutdown);
}

/// Counters since the process began: rings of event loops, and waiters woken by them.
#[pyfunction]
#[pyo3(name = "_wakes")]
fn wakes() -> (u64, u64) {
    use std::sync::atomic::Ordering;
    (
        mailbox::RINGS.load(Ordering::Relaxed),
        mailbox::WOKEN.load(Ordering::Relaxed),
    )
}

/// Drops the sync connections that nobody has used for a while.
#[pyfunction]
#[pyo3(name = "drop_idle_lanes")]
fn drop_idle_lanes(py: Python<'_>) {
    py.detach(|| process::current().lanes.drop_stale());
}

/// Statics of this module hold objects of one interpreter, so no second one may use it.
fn refuse_subinterpreter(py: Python<'_>) -> PyResult<()> {
    // SAFETY: both calls only read, and the interpreter is attached to this thread.
    let id = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    if id == 0 {
        return Ok(());
    }
    // An error of the interpreter's own leaves -1 and an exception.
    drop(PyErr::take(py));
    Err(pyo3::exceptions::PyImportError::new_err(
        "tokenwire does not run in subinterpreters: import it in the main interpreter",
    ))
}

/// Compiled half of tokenwire.
#[pymodule]
mod _engine {
    // 0
    #[pymodule_export]
    use super::ground::key::{is_refused, missing};

    // 1
    #[pymodule_export]
    use super::values::attempt::Attempt;
    #[pymodule_export]
    use super::values::choice::{Choice, restore_choice};
    #[pymodule_export]
    use super::values::chunk::{LlmStreamChunk, ToolCallFragment};
    #[pymodule_export]
    use super::values::events::{
        End, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallDone, UsageReported,
    };
    #[pymodule_export]
    use super::values::limits::{Limits, RetryPolicy, Timeout};
    #[pymodule_export]
    use super::values::logprob::TokenLogprob;
    #[pymodule_export]
    use super::values::providers::{
        apis, is_provider, provider_names, provider_problem, provider_row,
    };
    #[pymodule_export]
    use super::values::response::{LlmResponse, restore_response};
    #[pymodule_export]
    use super::values::value::rebuild;
    #[pymodule_export]
    use super::values::{timing::Timing, tool_call::ToolCall, usage::Usage};

    // 2
    #[pymodule_export]
    use super::process::test_rules::{allow_only, intercept, is_intercepted};

    // 3
    #[pymodule_export]
    use super::observe::call_event::CallEvent;
    #[pymodule_export]
    use super::observe::callbacks::{add_callback, is_on, remove_callback};
    #[pymodule_export]
    use super::observe::doctor::{proxy_for, report};
    #[pymodule_export]
    use super::observe::on_call::{report_call, report_refused};
    #[pymodule_export]
    use super::observe::tally::CallTally;

    // 4
    #[pymodule_export]
    use super::call::many::Fanout;
    #[pymodule_export]
    use super::stream::async_stream::{AsyncLlmStream, AsyncStreamIterator};
    #[pymodule_export]
    use super::stream::custom::CustomReply;
    #[pymodule_export]
    use super::stream::sync_stream::{LlmStream, StreamIterator};

    // 5
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::simulator::{Simulator, check_behaviour, embedded, main};

    // 6
    #[pymodule_export]
    use super::{drop_idle_lanes, shutdown, wakes};

    use pyo3::prelude::*;

    use crate::ground::python;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        crate::refuse_subinterpreter(py)?;
        python::keep_own_module(module);
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        if std::env::var_os("TOKENWIRE_LOG").is_some_and(|level| !level.is_empty()) {
            let log = crate::process::current().hub.log();
            log.set_debug(true);
            log.set_bodies(std::env::var_os("TOKENWIRE_LOG_BODIES").is_some_and(|on| on == "1"));
            python::CONFIGURE_LOG.get(py)?.call0()?;
        }
        py.import("atexit")?
            .call_method1("register", (module.getattr("_shutdown")?,))?;
        Ok(())
    }
}
