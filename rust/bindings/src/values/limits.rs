//! `Timeout`, `Limits` and `RetryPolicy`: frozen, and checked when they are created.

use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use tokenwire_core::config::{self, MAX_RETRIES};
use tokenwire_core::error::ErrorKind;

use crate::ground::exception;
use crate::values::keywords;
use crate::values::value::value_methods;

/// A kind of setting: how it is read from Python, and how Python sees it.
trait Setting {
    type Value;
    type Shown;

    const READ: fn(&Bound<'_, PyAny>, &str) -> PyResult<Self::Value>;
    const SHOW: fn(&Self::Value) -> Self::Shown;
}

/// Declares [`Setting`]s: `Name: type in the engine => type in Python`, how it is read, how it is shown.
macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident: $value:ty => $shown:ty, $read:expr, $show:expr;)+) => {$(
        $(#[$about])*
        struct $kind;

        impl Setting for $kind {
            type Value = $value;
            type Shown = $shown;

            const READ: fn(&Bound<'_, PyAny>, &str) -> PyResult<$value> = $read;
            const SHOW: fn(&$value) -> $shown = $show;
        }
    )+};
}

/// Declares a class of settings over a struct of the engine, from a table of its fields. A field that is
/// not passed keeps its default; None is a value like any other. `idle: Limit` in the table of `Timeout` becomes
///
/// ```text
/// if let Some(value) = settings.get_item("idle")? {          // in the constructor
///     read.idle = (Limit::READ)(&value, "Timeout.idle")?;
/// }
/// #[getter]
/// fn idle(&self) -> Option<f64> { (Limit::SHOW)(&self.0.idle) }
/// ```
macro_rules! settings_class {
    (
        $(#[$about:meta])*
        $class:ident($wrapped:path) $signature:literal {
            $($(#[$about_field:meta])* $field:ident: $kind:ident,)+
        }
    ) => {
        $(#[$about])*
        #[pyclass(frozen, eq, module = "tokenwire")]
        #[derive(Clone, PartialEq)]
        pub(crate) struct $class(pub(crate) $wrapped);

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (**settings), text_signature = $signature)]
            fn py_new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let mut read = <$wrapped>::default();
                if let Some(settings) = settings {
                    keywords::refuse_unknown(settings, stringify!($class), &[$(stringify!($field)),+])?;
                    $(
                        if let Some(value) = settings.get_item(stringify!($field))? {
                            let name = concat!(stringify!($class), ".", stringify!($field));
                            read.$field = ($kind::READ)(&value, name)?;
                        }
                    )+
                }
                Ok(Self(read))
            }

            $(
                $(#[$about_field])*
                #[getter]
                fn $field(&self) -> <$kind as Setting>::Shown {
                    ($kind::SHOW)(&self.0.$field)
                }
            )+
        }

        value_methods!($class: $($field),+);
    };
}

kinds! {
    /// Seconds; None means no limit.
    Limit: Option<Duration> => Option<f64>,
        |value, name| optional(value, name, keywords::limit),
        |limit| limit.map(|limit| limit.as_secs_f64());

    /// Seconds that cannot be None.
    Seconds: Duration => f64, keywords::seconds, Duration::as_secs_f64;

    /// A number of bytes, at least 1.
    Bytes: usize => usize,
        |value, name| Ok(usize::try_from(keywords::count(value, name, 1)?).unwrap_or(usize::MAX)),
        |bytes| *bytes;

    /// A number of connections, at least 1; None lets the engine choose.
    Connections: Option<u32> => Option<u32>,
        |value, name| optional(value, name, |value, name| Ok(capped(keywords::count(value, name, 1)?))),
        |connections| *connections;

    Retries: u32 => u32,
        |value, name| keywords::count_up_to(value, name, MAX_RETRIES),
        |retries| *retries;

    Tokens: u32 => u32,
        |value, name| Ok(capped(keywords::count(value, name, 0)?)),
        |tokens| *tokens;

    Flag: bool => bool, keywords::flag, |flag| *flag;

    /// A str or None.
    Text: Option<String> => Option<String>,
        |value, name| optional(value, name, keywords::text),
        Clone::clone;
}

fn optional<T>(
    value: &Bound<'_, PyAny>,
    name: &str,
    read: impl Fn(&Bound<'_, PyAny>, &str) -> PyResult<T>,
) -> PyResult<Option<T>> {
    (!value.is_none()).then(|| read(value, name)).transpose()
}

fn capped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

settings_class! {
    /// The five time limits of a call, in seconds. None means no limit.
    ///
    /// Args:
    ///     connect: Time to connect, from the start of the handshake. The first https call also reads the
    ///         certificates within this time.
    ///     pool: Wait for a free connection when `Limits.max_connections` is reached, and for a turn to
    ///         connect: at most 64 calls connect to one address at a time.
    ///     first_token: For streams, from sending the request to the first content.
    ///     idle: For streams, between two pieces of content. The time that synchronous code spends on a
    ///         chunk before it asks for the next one does not count.
    ///     total: The whole call, with all attempts and the waits between them. If None, a call that is not
    ///         streamed may take 600 seconds.
    ///
    /// Raises:
    ///     LlmConfigError: A limit is not a number above 0, or is longer than a year.
    Timeout(config::Timeout)
    "(*, connect=10.0, pool=None, first_token=600.0, idle=600.0, total=None)" {
        /// Seconds to connect.
        connect: Limit,
        /// Seconds to wait for a free connection.
        pool: Limit,
        /// Seconds from sending the request to the first content of a stream.
        first_token: Limit,
        /// Seconds between two pieces of content of a stream.
        idle: Limit,
        /// Seconds for all attempts and the waits between them.
        total: Limit,
    }
}

#[pymethods]
impl Timeout {
    /// Limits for when a person is waiting: 10 s to connect, 60 s to the first content, 30 s idle.
    #[classmethod]
    fn interactive(_cls: &Bound<'_, PyType>) -> Self {
        Self(config::Timeout {
            first_token: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(30)),
            ..config::Timeout::default()
        })
    }
}

settings_class! {
    /// Limits on connections and memory.
    ///
    /// Args:
    ///     max_connections: Open connections to one server, shared by the whole process. Further calls wait
    ///         in line. None is 80 % of the soft limit on open files, at most 10,000.
    ///     keepalive: Seconds to keep an idle connection open. None is 4 for http and 30 for https.
    ///     max_event_bytes: Largest event of a stream.
    ///     max_reply_bytes: Largest reply: the body of a whole one, and what is kept of a streamed one.
    ///     buffer_bytes: How much of a stream to read ahead of its consumer.
    ///     max_head_bytes: Largest head of a reply: its status line and its headers. The general transport reads at most
    ///         408 KiB, whatever this says.
    ///
    /// Raises:
    ///     LlmConfigError: A limit is not a number above 0.
    Limits(config::Limits)
    "(*, max_connections=None, keepalive=None, max_event_bytes=67108864, \
        max_reply_bytes=67108864, buffer_bytes=262144, max_head_bytes=65536)" {
        /// Open connections to one server; None is 80 % of the soft limit on open files, at most 10,000.
        max_connections: Connections,
        /// Seconds to keep an idle connection open; None is 4 for http and 30 for https.
        keepalive: Limit,
        /// Largest event of a stream, in bytes.
        max_event_bytes: Bytes,
        /// Largest reply, in bytes: the body of a whole one, and what is kept of a streamed one.
        max_reply_bytes: Bytes,
        /// How many bytes of a stream to read ahead of its consumer.
        buffer_bytes: Bytes,
        /// Largest head of a reply, in bytes.
        max_head_bytes: Bytes,
    }
}

settings_class! {
    /// When and how often a failed attempt is retried.
    ///
    /// Args:
    ///     max_retries: Attempts after the first one, 0 to 1,000.
    ///     first: Seconds to wait before the first retry. The wait doubles each time; a random part of up to
    ///         half of it is taken off.
    ///     cap: Longest wait in seconds.
    ///     throttle_first: The same as `first` after a 429 response that does not say how long to wait.
    ///     max_retry_after: Longest wait in seconds that a server may ask for. If it asks for more, the error
    ///         is raised at once.
    ///     budget: Points that retries use up, so that they do not add to an outage. A client shares them
    ///         with the clients that its `with_options` returns, unless their `retry` has another number.
    ///     retry_ambiguous: Whether to retry an attempt that the server may already have processed.
    ///     retry_timeouts: Whether to retry a timeout that happened after the request was sent.
    ///     idempotency_header: Name of a header that carries one random key through all attempts of a call.
    ///
    /// Raises:
    ///     LlmConfigError: A setting is out of range.
    RetryPolicy(config::RetryPolicy)
    "(*, max_retries=2, first=0.5, cap=8.0, throttle_first=1.0, max_retry_after=120.0, budget=500, \
        retry_ambiguous=True, retry_timeouts=False, idempotency_header=None)" {
        /// Attempts after the first one.
        max_retries: Retries,
        /// Seconds to wait before the first retry.
        first: Seconds,
        /// Longest wait in seconds.
        cap: Seconds,
        /// Seconds before the first retry after a 429 response that does not say how long to wait.
        throttle_first: Seconds,
        /// Longest wait in seconds that a server may ask for.
        max_retry_after: Seconds,
        /// Points that retries use up.
        budget: Tokens,
        /// Whether to retry an attempt that the server may already have processed.
        retry_ambiguous: Flag,
        /// Whether to retry a timeout that happened after the request was sent.
        retry_timeouts: Flag,
        /// Name of a header that carries one random key through all attempts of a call.
        idempotency_header: Text,
    }
}

/// A `timeout` argument: None, seconds, or a `Timeout`.
pub(crate) fn timeout(value: &Bound<'_, PyAny>) -> PyResult<config::TimeoutSetting> {
    if value.is_none() {
        return Ok(config::TimeoutSetting::Off);
    }
    if let Ok(timeout) = value.cast::<Timeout>() {
        return Ok(config::TimeoutSetting::Full(timeout.get().0));
    }
    let py = value.py();
    if !value.is_instance_of::<PyString>() && !value.hasattr(intern!(py, "__float__"))? {
        // Such as the timeouts of other libraries.
        let why = format!(
            "timeout: give seconds, a tokenwire.Timeout(connect=…, first_token=…, idle=…, total=…) or None, not {}",
            value.get_type().name()?
        );
        return Err(exception::of_kind(py, ErrorKind::Config, &why));
    }
    keywords::limit(value, "timeout").map(config::TimeoutSetting::Bare)
}

/// A `max_retries` argument of a single call.
pub(crate) fn max_retries(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    (Retries::READ)(value, "RetryPolicy.max_retries")
}
