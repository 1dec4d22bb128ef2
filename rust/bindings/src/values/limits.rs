//! `Timeout`, `Limits` and `RetryPolicy`: frozen, checked where they are made.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use tokenwire_core::config::{self, MAX_RETRIES};

use crate::values::keywords::{self, Keywords};
use crate::values::value::{Fields, value_methods};

fn secs(limit: Option<Duration>) -> Option<f64> {
    limit.map(|limit| limit.as_secs_f64())
}

/// The five limits of a call, in seconds; None is no limit.
///
/// Args:
///     connect: For a connection, from the moment the handshake's turn comes.
///     pool: For a free connection where `Limits.max_connections` is reached.
///     first_token: Streams: from sending to the first content.
///     idle: Streams: between two contents. Time that a sync consumer spends elsewhere does not count.
///     total: Over all attempts and waits. A whole reply without one gets 600 s.
///
/// Raises:
///     LlmConfigError: A limit is not a finite number above 0.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Timeout(pub(crate) config::Timeout);

#[pymethods]
impl Timeout {
    #[new]
    #[pyo3(signature = (**limits),
        text_signature = "(*, connect=10.0, pool=None, first_token=600.0, idle=600.0, total=None)")]
    fn py_new(py: Python<'_>, limits: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given = Keywords {
            class: "Timeout",
            py,
            fields: limits,
        };
        given.check::<Self>()?;
        let usual = config::Timeout::default();
        Ok(Self(config::Timeout {
            connect: given.limit("connect", usual.connect)?,
            pool: given.limit("pool", usual.pool)?,
            first_token: given.limit("first_token", usual.first_token)?,
            idle: given.limit("idle", usual.idle)?,
            total: given.limit("total", usual.total)?,
        }))
    }

    /// Limits for a person who waits: connect 10 s, first token 60 s, idle 30 s.
    #[classmethod]
    fn interactive(_cls: &Bound<'_, PyType>) -> Self {
        Self(config::Timeout {
            first_token: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(30)),
            ..config::Timeout::default()
        })
    }

    /// Seconds for a connection.
    #[getter]
    fn connect(&self) -> Option<f64> {
        secs(self.0.connect)
    }

    /// Seconds for a free connection.
    #[getter]
    fn pool(&self) -> Option<f64> {
        secs(self.0.pool)
    }

    /// Seconds from sending to the first content of a stream.
    #[getter]
    fn first_token(&self) -> Option<f64> {
        secs(self.0.first_token)
    }

    /// Seconds between two contents of a stream.
    #[getter]
    fn idle(&self) -> Option<f64> {
        secs(self.0.idle)
    }

    /// Seconds over all attempts and waits.
    #[getter]
    fn total(&self) -> Option<f64> {
        secs(self.0.total)
    }
}

impl Fields for Timeout {
    const FIELDS: &'static [&'static str] = &["connect", "pool", "first_token", "idle", "total"];
}
value_methods!(Timeout);

/// A timeout argument: None, seconds, or a `Timeout`.
pub(crate) fn timeout(value: &Bound<'_, PyAny>) -> PyResult<config::TimeoutSetting> {
    if value.is_none() {
        return Ok(config::TimeoutSetting::Off);
    }
    if let Ok(timeout) = value.cast::<Timeout>() {
        return Ok(config::TimeoutSetting::Full(timeout.get().0));
    }
    Ok(config::TimeoutSetting::Bare(keywords::seconds(
        value, "timeout",
    )?))
}

/// Bounds on connections and memory.
///
/// Args:
///     max_connections: Live connections of one origin, shared by the process; None is 80 % of the
///         soft file limit, at most 10,000. Callers beyond it wait in line.
///     keepalive: Seconds that an idle connection is kept; None is 4 for http and 30 for https.
///     max_event_bytes: Cap of one event of a stream.
///     max_reply_bytes: Cap of a whole reply.
///     buffer_bytes: What a stream buffers before it stops reading.
///
/// Raises:
///     LlmConfigError: A bound is not a number above 0.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct Limits(pub(crate) config::Limits);

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (**bounds), text_signature = "(*, max_connections=None, keepalive=None, \
        max_event_bytes=67108864, max_reply_bytes=67108864, buffer_bytes=262144)")]
    fn py_new(py: Python<'_>, bounds: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given = Keywords {
            class: "Limits",
            py,
            fields: bounds,
        };
        given.check::<Self>()?;
        let usual = config::Limits::default();
        let max_connections = match given.get("max_connections")? {
            Some(value) if !value.is_none() => {
                Some(u32::try_from(given.count("max_connections", 0, 1)?).unwrap_or(u32::MAX))
            }
            _ => None,
        };
        Ok(Self(config::Limits {
            max_connections,
            keepalive: given.limit("keepalive", usual.keepalive)?,
            max_event_bytes: given.size("max_event_bytes", usual.max_event_bytes)?,
            max_reply_bytes: given.size("max_reply_bytes", usual.max_reply_bytes)?,
            buffer_bytes: given.size("buffer_bytes", usual.buffer_bytes)?,
        }))
    }

    /// Live connections of one origin; None is 80 % of the soft file limit, at most 10,000.
    #[getter]
    fn max_connections(&self) -> Option<u32> {
        self.0.max_connections
    }

    /// Seconds that an idle connection is kept; None is 4 for http and 30 for https.
    #[getter]
    fn keepalive(&self) -> Option<f64> {
        secs(self.0.keepalive)
    }

    /// Cap of one event of a stream.
    #[getter]
    fn max_event_bytes(&self) -> usize {
        self.0.max_event_bytes
    }

    /// Cap of a whole reply.
    #[getter]
    fn max_reply_bytes(&self) -> usize {
        self.0.max_reply_bytes
    }

    /// What a stream buffers before it stops reading.
    #[getter]
    fn buffer_bytes(&self) -> usize {
        self.0.buffer_bytes
    }
}

impl Fields for Limits {
    const FIELDS: &'static [&'static str] = &[
        "max_connections",
        "keepalive",
        "max_event_bytes",
        "max_reply_bytes",
        "buffer_bytes",
    ];
}
value_methods!(Limits);

/// When and how often a failed attempt is made again.
///
/// Args:
///     max_retries: Attempts after the first one.
///     first: Seconds of the first wait after a transient failure; it doubles, less up to half by chance.
///     cap: Longest wait, in seconds.
///     throttle_first: Seconds of the first wait after a 429 without a hint.
///     max_retry_after: Longest server hint that is waited for, in seconds; a longer one raises at once.
///     budget: Tokens of the bucket that stops a retry storm; a client and its `with_options` children share it.
///     retry_ambiguous: Whether an attempt that the server may have worked on is made again.
///     retry_timeouts: Whether a timeout after the request was sent is made again.
///     idempotency_header: Header that carries one random key over all attempts of a call.
///
/// Raises:
///     LlmConfigError: A setting is out of its range.
#[pyclass(frozen, eq, module = "tokenwire")]
#[derive(Clone, PartialEq)]
pub(crate) struct RetryPolicy(pub(crate) config::RetryPolicy);

/// A `max_retries` argument.
pub(crate) fn max_retries(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    let fields = PyDict::new(value.py());
    fields.set_item("max_retries", value)?;
    let given = Keywords {
        class: "RetryPolicy",
        py: value.py(),
        fields: Some(&fields),
    };
    retries(&given, 0)
}

fn retries(given: &Keywords<'_, '_>, usual: u32) -> PyResult<u32> {
    let number = given.count("max_retries", usual.into(), 0)?;
    if number > MAX_RETRIES.into() {
        return Err(given.wrong("max_retries", &format!("{number} is over {MAX_RETRIES}")));
    }
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

#[pymethods]
impl RetryPolicy {
    #[new]
    #[pyo3(signature = (**rules), text_signature = "(*, max_retries=2, first=0.5, cap=8.0, \
        throttle_first=1.0, max_retry_after=120.0, budget=500, retry_ambiguous=True, \
        retry_timeouts=False, idempotency_header=None)")]
    fn py_new(py: Python<'_>, rules: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let given = Keywords {
            class: "RetryPolicy",
            py,
            fields: rules,
        };
        given.check::<Self>()?;
        let usual = config::RetryPolicy::default();
        let idempotency_header = match given.get("idempotency_header")? {
            Some(value) if !value.is_none() => Some(
                value
                    .extract()
                    .map_err(|_| given.wrong("idempotency_header", "give a str"))?,
            ),
            _ => None,
        };
        Ok(Self(config::RetryPolicy {
            max_retries: retries(&given, usual.max_retries)?,
            first: given.seconds("first", usual.first)?,
            cap: given.seconds("cap", usual.cap)?,
            throttle_first: given.seconds("throttle_first", usual.throttle_first)?,
            max_retry_after: given.seconds("max_retry_after", usual.max_retry_after)?,
            budget: u32::try_from(given.count("budget", usual.budget.into(), 0)?)
                .unwrap_or(u32::MAX),
            retry_ambiguous: given.flag("retry_ambiguous", usual.retry_ambiguous)?,
            retry_timeouts: given.flag("retry_timeouts", usual.retry_timeouts)?,
            idempotency_header,
        }))
    }

    /// Attempts after the first one.
    #[getter]
    fn max_retries(&self) -> u32 {
        self.0.max_retries
    }

    /// Seconds of the first wait after a transient failure.
    #[getter]
    fn first(&self) -> f64 {
        self.0.first.as_secs_f64()
    }

    /// Longest wait, in seconds.
    #[getter]
    fn cap(&self) -> f64 {
        self.0.cap.as_secs_f64()
    }

    /// Seconds of the first wait after a 429 without a hint.
    #[getter]
    fn throttle_first(&self) -> f64 {
        self.0.throttle_first.as_secs_f64()
    }

    /// Longest server hint that is waited for, in seconds.
    #[getter]
    fn max_retry_after(&self) -> f64 {
        self.0.max_retry_after.as_secs_f64()
    }

    /// Tokens of the bucket that stops a retry storm.
    #[getter]
    fn budget(&self) -> u32 {
        self.0.budget
    }

    /// Whether an attempt that the server may have worked on is made again.
    #[getter]
    fn retry_ambiguous(&self) -> bool {
        self.0.retry_ambiguous
    }

    /// Whether a timeout after the request was sent is made again.
    #[getter]
    fn retry_timeouts(&self) -> bool {
        self.0.retry_timeouts
    }

    /// Header that carries one random key over all attempts of a call.
    #[getter]
    fn idempotency_header(&self) -> Option<&str> {
        self.0.idempotency_header.as_deref()
    }
}

impl Fields for RetryPolicy {
    const FIELDS: &'static [&'static str] = &[
        "max_retries",
        "first",
        "cap",
        "throttle_first",
        "max_retry_after",
        "budget",
        "retry_ambiguous",
        "retry_timeouts",
        "idempotency_header",
    ];
}
value_methods!(RetryPolicy);
