//! `tokenwire._engine`: the crossing between Python and tokenwire-core. It decides nothing.
//!
//! The threads of the engine never touch Python. What they produce waits in queues until a Python thread,
//! which holds the GIL anyway, fetches it.
//!
//! The modules, from the lowest floor to the highest. Each one imports only from its own folder and from
//! lower floors. To follow a call, start with `engine.rs`, then read `call/` or `stream/`.
//!
//! 0. `ground`: errors, who makes a call, JSON, the functions of the Python half, forks, the exit.
//! 1. `wake`: how the I/O thread wakes the tasks of an event loop.
//!    `values`: the frozen classes that Python sees, the settings, and how errors are raised.
//! 2. `process`: connections, the I/O threads and the sync runtimes, shared by all clients of a process.
//! 3. `observe`: the events of `on_call`, log lines, the report of `tokenwire doctor`.
//! 4. `call`: a call for a whole reply: sync, for an event loop, or one of many.
//!    `stream`: a streamed call, sync and async.
//! 5. `raw`: requests of other libraries, for the transports of httpx.
//! 6. `engine.rs`: one client as Python holds it. `simulator.rs`: the simulator as Python holds it.

#![allow(
    clippy::doc_markdown,
    reason = "doc comments of classes are Python docstrings"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "PyO3 passes arguments by value"
)]
#![allow(clippy::unused_self, reason = "Python's protocols pass it")]

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

mod call;
mod engine;
mod ground;
mod observe;
mod process;
mod raw;
mod simulator;
mod stream;
mod values;
mod wake;

use crate::wake::mailbox;

/// Stops the I/O threads. Registered with `atexit` at import.
#[pyfunction]
#[pyo3(name = "_shutdown")]
fn shutdown(py: Python<'_>) {
    py.detach(process::shutdown);
}

/// Returns two counters of this process: how often event loops were woken, and how many waiters that woke.
#[pyfunction]
#[pyo3(name = "_wakes")]
fn wakes() -> (u64, u64) {
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    (read(&mailbox::RINGS), read(&mailbox::WOKEN))
}

/// Closes the connections of sync calls that have been idle too long.
#[pyfunction]
fn drop_idle_lanes(py: Python<'_>) {
    py.detach(|| process::current().lanes.drop_stale());
}

/// Statics of this module hold objects of one interpreter, so no other interpreter may use it.
fn refuse_subinterpreter(py: Python<'_>) -> PyResult<()> {
    // SAFETY: both calls only read, and the interpreter is attached to this thread.
    let id = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    if id == 0 {
        return Ok(());
    }
    // If the interpreter fails to answer, it returns -1 and sets an exception.
    drop(PyErr::take(py));
    Err(pyo3::exceptions::PyImportError::new_err(
        "tokenwire does not run in subinterpreters: import it in the main interpreter",
    ))
}

/// The compiled half of tokenwire.
#[pymodule]
mod _engine {
    // 0
    #[pymodule_export]
    use super::ground::key::{is_refused, missing, problem};

    // 1
    #[pymodule_export]
    use super::values::{
        attempt::Attempt,
        choice::Choice,
        chunk::{LlmStreamChunk, ToolCallFragment},
        citation::Citation,
        events::{
            End, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallDone,
            UsageReported,
        },
        limits::{Limits, RetryPolicy, Timeout},
        logprob::TokenLogprob,
        other_names::{other_name, other_names},
        partial_json::PartialJson,
        providers::{
            apis, is_provider, provider_apis, provider_names, provider_problem, provider_row,
        },
        response::{LlmResponse, has_audio},
        timing::Timing,
        tool_call::ToolCall,
        usage::Usage,
        written::written_json,
    };

    #[pymodule_export]
    use super::ground::json::is_plain_json;

    // 2
    #[pymodule_export]
    use super::process::test_rules::{allow_only, attempts, intercept, is_intercepted};

    // 3
    #[pymodule_export]
    use super::observe::call_event::CallEvent;
    #[pymodule_export]
    use super::observe::callbacks::{
        add_callback, add_propagator, is_on, remove_callback, remove_propagator,
    };
    #[pymodule_export]
    use super::observe::doctor::{proxy_for, report};
    #[pymodule_export]
    use super::observe::on_call::{report_call, report_refused};
    #[pymodule_export]
    use super::observe::text::{
        escaped, names_local_file, one_line, without_controls, without_data,
    };

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
    use super::raw::{
        client::HttpClient, events::HttpEvents, exchange::HttpExchange, step::ExchangeStep,
    };

    // 6
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::simulator::{Simulator, check_behaviour, embedded, main};

    // 7
    #[pymodule_export]
    use super::{drop_idle_lanes, shutdown, wakes};

    use pyo3::prelude::*;

    use crate::ground::python;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        crate::refuse_subinterpreter(py)?;
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
