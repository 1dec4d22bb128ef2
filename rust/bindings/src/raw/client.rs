//! `HttpClient`: what sends requests of other libraries.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use tokenwire_core::config::{self, Secret, TlsSettings};
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::raw::{RawClient, RawLimits, RawRequest};

use crate::ground::caller::Caller;
use crate::ground::{exception, fork};
use crate::process;
use crate::raw::exchange::HttpExchange;
use crate::raw::shared::raise_by;
use crate::values::client_settings::certificate;
use crate::values::keywords;
use crate::values::limits::Limits;
use crate::values::raise;

/// Sends requests as they are, over the connections of the process. Making one does no I/O.
///
/// Args:
///     limits: `max_connections`, `keepalive` and `max_head_bytes` are used.
///     ca_bundle: A PEM file or a directory with roots that replace the system's.
///     client_cert: Paths of the certificate and its key, and the password of the key.
///     proxy: The proxy's URL; None looks in the environment if `trust_env` is set.
///     trust_env: Whether to read proxies and certificate files from the environment.
///     transport: "auto", "direct" or "general".
///     uds: The path of a unix socket to which all requests go.
///
/// Raises:
///     LlmConfigError: A setting is wrong.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct HttpClient {
    // A forked child creates its own: the parent's connection slots may be taken forever.
    client: Mutex<(u64, std::sync::Arc<RawClient>)>,
}

impl HttpClient {
    fn client(&self) -> std::sync::Arc<RawClient> {
        let mut held = self.client.lock();
        if held.0 != fork::generation() {
            let fresh = std::sync::Arc::new(held.1.in_process(&process::current().hub));
            // Leaked, like everything of the parent's; `ground/fork.rs` says why.
            std::mem::forget(std::mem::replace(&mut held.1, fresh));
            held.0 = fork::generation();
        }
        held.1.clone()
    }
}

#[pymethods]
impl HttpClient {
    #[new]
    #[pyo3(signature = (*, limits=None, ca_bundle=None, client_cert=None, proxy=None, trust_env=true, transport=None, uds=None))]
    #[allow(clippy::too_many_arguments, reason = "named one by one by the caller")]
    fn py_new(
        py: Python<'_>,
        limits: Option<PyRef<'_, Limits>>,
        ca_bundle: Option<PathBuf>,
        client_cert: Option<Bound<'_, PyAny>>,
        proxy: Option<String>,
        trust_env: bool,
        transport: Option<Bound<'_, PyAny>>,
        uds: Option<PathBuf>,
    ) -> PyResult<Self> {
        exception::look_up_classes(py)?;
        let config = config::ClientConfig {
            limits: limits.map_or_else(config::Limits::default, |limits| limits.0),
            tls: TlsSettings {
                ca_bundle,
                client_cert: client_cert.map(|value| certificate(&value)).transpose()?,
            },
            proxy: proxy.map(Secret::new),
            trust_env,
            transport: transport
                .map(|value| keywords::transport(&value))
                .transpose()?,
            ..RawClient::settings()
        };
        let client = RawClient::new(&process::current().hub, config, uds.as_deref());
        let client = client.map_err(|error| raise::to_py(py, error, &Caller::default()))?;
        Ok(Self {
            client: Mutex::new((fork::generation(), client.into())),
        })
    }

    /// Checks a request. It is sent by the first method of the exchange that waits.
    ///
    /// Args:
    ///     method: The method.
    ///     url: The whole URL. Path and query are sent as they are.
    ///     headers: Names and values.
    ///     body: The body; None if it is brought in pieces.
    ///     raised: Makes the exception to raise of an `LlmError`.
    ///     connect: Seconds for a connection. Of this and the other limits, None means no limit.
    ///     pool: Seconds for a free connection.
    ///     read: Seconds between two reads of the reply, and before its head.
    ///     write: Seconds between two pieces of the request that the server takes.
    ///     first_token: Seconds from the request to the first content of a stream of a known API.
    ///     idle: Seconds between two pieces of its content.
    ///     check: Whether such a stream must have its end.
    #[pyo3(signature = (method, url, headers, body, *, raised, connect=None, pool=None, read=None, write=None, first_token=None, idle=None, check=true))]
    #[allow(clippy::too_many_arguments, reason = "named one by one by the caller")]
    fn open(
        &self,
        py: Python<'_>,
        method: &str,
        url: &str,
        headers: Vec<(PyBackedBytes, PyBackedBytes)>,
        body: Option<PyBackedBytes>,
        raised: Py<PyAny>,
        connect: Option<f64>,
        pool: Option<f64>,
        read: Option<f64>,
        write: Option<f64>,
        first_token: Option<f64>,
        idle: Option<f64>,
        check: bool,
    ) -> PyResult<HttpExchange> {
        let headers: Vec<(&[u8], &[u8])> = headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let limits = || {
            Ok::<_, Error>(RawLimits {
                connect: seconds("connect", connect)?,
                pool: seconds("pool", pool)?,
                read: seconds("read", read)?,
                write: seconds("write", write)?,
                first_token: seconds("first_token", first_token)?,
                idle: seconds("idle", idle)?,
            })
        };
        let client = self.client();
        let size = body.as_ref().map_or(0, |body| body.len());
        let prepare = || {
            client.prepare(RawRequest {
                method,
                url,
                headers: &headers,
                body: body.map(|body| Bytes::copy_from_slice(&body)),
                limits: limits()?,
                checks_streams: check,
            })
        };
        // Copying and reading a large body takes a while; other threads may run meanwhile.
        let call = if size > 64 << 10 {
            py.detach(prepare)
        } else {
            prepare()
        };
        match call {
            Ok(call) => Ok(HttpExchange::new(call, raised)),
            Err(error) => Err(raise_by(py, &raised, error)),
        }
    }
}

/// A limit in seconds. A limit that has passed before it begins is as short as one can be.
fn seconds(name: &str, value: Option<f64>) -> Result<Option<Duration>, Error> {
    let Some(value) = value else { return Ok(None) };
    if value.is_nan() {
        let message = format!("the `{name}` timeout is not a number");
        return Err(Error::new(ErrorKind::Config, message));
    }
    // No process lives longer than that.
    let limit = Duration::try_from_secs_f64(value.max(0.0)).ok();
    Ok(limit.filter(|limit| limit.as_secs() < 1 << 32))
}
