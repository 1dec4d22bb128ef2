//! Every Python function that Rust calls. No other file names `tokenwire._bridge`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::ground::exit::calling_python;

const BRIDGE: &str = "tokenwire._bridge";

/// `{kind: class}` of our errors.
pub(crate) static KINDS: Bridged = Bridged::new("KINDS");
/// `(error) -> kind`, also for exceptions that are not ours.
pub(crate) static KIND_OF: Bridged = Bridged::new("kind_of");

/// `(parts, provider, model, api) -> LlmMessage`.
pub(crate) static MESSAGE: Bridged = Bridged::new("message");
/// `(value) -> JSON values` of a pydantic model or a dataclass.
pub(crate) static DUMPED: Bridged = Bridged::new("dumped");
/// `(call, value, *, error) -> LlmMessage` that answers a tool call.
pub(crate) static TOOL_RESULT: Bridged = Bridged::new("tool_result");
/// `(type, response) -> value`: parses the text of a reply as that type.
pub(crate) static PARSED: Bridged = Bridged::new("parsed");
/// `(response) -> Cost | None`.
pub(crate) static COST: Bridged = Bridged::new("cost");
/// `(provider, model) -> int | None`: the largest answer of a model in tokens.
pub(crate) static LARGEST_ANSWER: Bridged = Bridged::new("largest_answer");
/// `(class) -> CoreSchema` by which pydantic accepts a compiled class.
pub(crate) static SCHEMA: Bridged = Bridged::new("schema");

/// `(stream, source)`: enters a sync stream whose key a callable returns.
pub(crate) static ENTER_WITH_KEY: Bridged = Bridged::new("enter_with_key");
/// `(stream, source, iterator) -> awaitable`: enters an async stream whose key a callable returns. The result
/// is the stream, or the first step of the iterator unless that is None.
pub(crate) static ENTER_WITH_KEY_ASYNC: Bridged = Bridged::new("enter_with_key_async");

/// `(class, chunks, **fields) -> stream`: a stream over an iterable.
pub(crate) static FROM_CHUNKS: Bridged = Bridged::new("from_chunks");

/// `(stream, type) -> iterator`: the values of a type while a stream grows.
pub(crate) static PARTIAL: Bridged = Bridged::new("partial");

/// `(lines) -> None`: writes `(level, text)` pairs to the `tokenwire` logger.
pub(crate) static WRITE_LOG: Bridged = Bridged::new("write_log");
/// `(callback, error) -> None`: logs an exception that a callback of `on_call` raised.
pub(crate) static CALLBACK_FAILED: Bridged = Bridged::new("callback_failed");
/// `() -> None`: sets up logging as `TOKENWIRE_LOG` says.
pub(crate) static CONFIGURE_LOG: Bridged = Bridged::new("configure_log");

/// `(drain) -> None`: the event loop's callback that runs the tasks that were woken.
pub(crate) static RUN_WOKEN: Bridged = Bridged::new("run_woken");
/// `() -> (socket, handle)`: both ends of a wake socket.
pub(crate) static WAKE_SOCKET: Bridged = Bridged::new("wake_socket");
/// `(loop, socket) -> None`: starts the task that reads the socket.
pub(crate) static WATCH_SOCKET: Bridged = Bridged::new("watch_socket");

/// An object of `tokenwire._bridge`, looked up at first use and then kept.
pub(crate) struct Bridged {
    name: &'static str,
    found: PyOnceLock<Py<PyAny>>,
}

impl Bridged {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            found: PyOnceLock::new(),
        }
    }

    /// The object itself.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let found = self.found.get_or_try_init(py, || {
            calling_python(|| PyResult::Ok(py.import(BRIDGE)?.getattr(self.name)?.unbind()))
        })?;
        Ok(found.bind(py))
    }
}
