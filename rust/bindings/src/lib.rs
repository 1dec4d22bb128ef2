//! `tokenwire._engine`: the crossing between Python and tokenwire-core. It decides nothing.
//!
//! Threads of the engine never touch Python: what they bring waits in queues until a Python thread,
//! which holds the GIL anyway, comes for it.

use pyo3::prelude::*;

mod call;
mod chunk;
mod convert;
mod errors;
mod events;
mod fork;
mod lane;
mod logs;
mod mailbox;
mod parts;
mod pending;
mod process;
mod reply;
mod settings;
mod sim;
mod stream;
mod stream_async;
mod stream_sync;
mod value;
mod wakefd;

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
    (mailbox::RINGS.load(Ordering::Relaxed), mailbox::WOKEN.load(Ordering::Relaxed))
}

/// Compiled half of tokenwire.
#[pymodule]
mod _engine {
    #[pymodule_export]
    use super::call::Engine;
    #[pymodule_export]
    use super::chunk::{LlmStreamChunk, ToolCallFragment};
    #[pymodule_export]
    use super::events::{
        End, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallDone, UsageReported,
    };
    #[pymodule_export]
    use super::parts::{Attempt, Timing, TokenLogprob, ToolCall, Usage};
    #[pymodule_export]
    use super::reply::{Choice, LlmResponse, restore_choice, restore_response};
    #[pymodule_export]
    use super::settings::{Limits, RetryPolicy, Timeout};
    #[pymodule_export]
    use super::sim::{Simulator, embedded, main};
    #[pymodule_export]
    use super::stream_async::{AsyncLlmStream, AsyncStreamIterator};
    #[pymodule_export]
    use super::stream_sync::{LlmStream, StreamIterator};
    #[pymodule_export]
    use super::value::rebuild;
    #[pymodule_export]
    use super::{shutdown, wakes};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let py = module.py();
        py.import("atexit")?.call_method1("register", (module.getattr("_shutdown")?,))?;
        Ok(())
    }
}
