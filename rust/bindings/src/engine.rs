//! `Engine`: one client as Python holds it. It opens calls and streams, on the runtime that fits each.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::{ClientConfig, Family, Secret, TlsSettings};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::stream::Queue;

use crate::call::arguments::{CallClient, Prepared, prepare};
use crate::call::pending::PendingReply;
use crate::call::whole::{Answer, drive};
use crate::ground::caller::{Caller, Endpoint};
use crate::ground::{exception, fork};
use crate::process;
use crate::stream::async_stream::AsyncLlmStream;
use crate::stream::shared::Stream;
use crate::stream::sync_stream::LlmStream;
use crate::values::keywords::pairs;
use crate::values::limits::{self, Limits, RetryPolicy};
use crate::values::providers::{self, OwnRow};
use crate::values::raise;

/// One client: its settings, its retry budget, its place among the shared connections.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Engine {
    // A forked child makes its own: the parent's permits may be taken for ever.
    client: Mutex<(u64, Client)>,
    caller: Caller,
}

impl Engine {
    fn client(&self, py: Python<'_>) -> PyResult<Client> {
        let mut held = self.client.lock();
        if held.0 != fork::generation() {
            let config = held.1.config().clone();
            let provider = Arc::clone(held.1.provider());
            let fresh = Client::new(&process::current().hub, provider, config)
                .map_err(|error| raise::to_py(py, error, &self.caller))?;
            std::mem::forget(std::mem::replace(&mut held.1, fresh));
            held.0 = fork::generation();
        }
        Ok(held.1.clone())
    }

    fn wrap(client: Client) -> Self {
        let caller = Caller {
            endpoint: Some(Arc::new(endpoint(&client))),
            ..Caller::named(&*client.provider().name, client.config().model.as_str())
        };
        Self {
            client: Mutex::new((fork::generation(), client)),
            caller,
        }
    }

    /// This client as a call needs it.
    fn call_client(&self, py: Python<'_>) -> PyResult<CallClient> {
        Ok(CallClient {
            client: self.client(py)?,
            caller: self.caller.clone(),
        })
    }

    fn prepare(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        stream: bool,
    ) -> PyResult<Prepared> {
        prepare(self.call_client(input.py())?, input, params, stream)
    }

    fn open(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Stream> {
        let Prepared {
            call,
            caller,
            parse_as,
            key_source,
        } = self.prepare(input, params, true)?;
        let queue = Queue::new(call.buffer_bytes(), call.started());
        Ok(Stream::new(call, queue, caller, parse_as, key_source))
    }

    fn models_call(&self, py: Python<'_>, api_key: Option<String>) -> PyResult<Call> {
        let options = CallOptions {
            started: Instant::now(),
            api_key: api_key.map(Secret::new),
            ..CallOptions::default()
        };
        let client = self.client(py)?;
        client
            .models_call(options)
            .map_err(|error| raise::to_py(py, error, &self.caller))
    }
}

/// What this client asks for, and of which server.
fn endpoint(client: &Client) -> Endpoint {
    let (host, port) = client.server();
    Endpoint {
        operation: client.operation(),
        // An IPv6 address stands in brackets only beside a port.
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, provider, model, family, api=None, own_provider=None, base_url=None, api_key=None, headers=None,
        timeout=None, limits=None, retry=None, ca_bundle=None, client_cert=None, proxy=None,
        trust_env=true, parent=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "the settings of one client, named one by one"
    )]
    fn py_new(
        py: Python<'_>,
        provider: &str,
        model: String,
        family: &str,
        api: Option<String>,
        own_provider: Option<OwnRow>,
        base_url: Option<String>,
        api_key: Option<String>,
        headers: Option<Bound<'_, PyAny>>,
        timeout: Option<Bound<'_, PyAny>>,
        limits: Option<Bound<'_, Limits>>,
        retry: Option<Bound<'_, RetryPolicy>>,
        ca_bundle: Option<std::path::PathBuf>,
        client_cert: Option<(std::path::PathBuf, Option<std::path::PathBuf>)>,
        proxy: Option<String>,
        trust_env: bool,
        parent: Option<&Self>,
    ) -> PyResult<Self> {
        exception::look_up_classes(py)?;
        let failed = |error| raise::to_py(py, error, &Caller::default());
        let Some(family) = Family::named(family) else {
            let message = format!("family: there is no {family:?}");
            return Err(exception::of_kind(py, ErrorKind::Config, &message));
        };
        let provider = providers::row(provider, own_provider).map_err(failed)?;
        let config = ClientConfig {
            model,
            family,
            api,
            base_url,
            api_key: api_key.map(Secret::new),
            headers: headers.map_or_else(|| Ok(Vec::new()), |value| pairs(&value, "headers"))?,
            timeout: timeout.map_or_else(
                || Ok(tokenwire_core::config::TimeoutSetting::Off),
                |value| limits::timeout(&value),
            )?,
            limits: limits.map_or_else(Default::default, |limits| limits.get().0),
            retry: retry.map_or_else(Default::default, |retry| retry.get().0.clone()),
            tls: TlsSettings {
                ca_bundle,
                client_cert,
            },
            proxy: proxy.map(Secret::new),
            trust_env,
        };
        let hub = &process::current().hub;
        let client = match parent {
            Some(parent) => parent.client(py)?.derive(hub, provider, config),
            None => Client::new(hub, provider, config),
        };
        client.map(Self::wrap).map_err(failed)
    }

    /// The base URL in its canonical form, without credentials.
    #[getter]
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.client(py)?.base_url().to_owned())
    }

    /// Encodes a request with these arguments and throws it away: what is wrong with them, or a
    /// missing key, is raised.
    fn check(&self, params: &Bound<'_, PyDict>) -> PyResult<()> {
        let input = PyString::new(params.py(), "-");
        self.prepare(input.as_any(), Some(params), false).map(drop)
    }

    /// Names of the request parameters that the API takes.
    fn parameters(&self, py: Python<'_>) -> PyResult<Vec<&'static str>> {
        Ok(self.client(py)?.parameters())
    }

    /// A whole reply, on this thread.
    #[pyo3(signature = (input, params=None))]
    fn complete<'py>(
        &self,
        py: Python<'py>,
        input: &Bound<'py, PyAny>,
        params: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let prepared = self.prepare(input, params, false)?;
        drive(
            py,
            prepared.call,
            &prepared.caller,
            &Answer::Reply(prepared.parse_as),
        )
    }

    /// A whole reply, to be awaited once.
    #[pyo3(signature = (input, params=None))]
    fn complete_async(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PendingReply> {
        let prepared = self.prepare(input, params, false)?;
        Ok(PendingReply::new(
            prepared.call,
            prepared.caller,
            Answer::Reply(prepared.parse_as),
        ))
    }

    /// A stream that goes out when it is entered or first read.
    #[pyo3(signature = (input, params=None))]
    fn stream(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<LlmStream> {
        Ok(LlmStream::new(self.open(input, params)?))
    }

    /// The same for an event loop.
    #[pyo3(signature = (input, params=None))]
    fn stream_async(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<AsyncLlmStream> {
        Ok(AsyncLlmStream::new(self.open(input, params)?))
    }

    /// The body of `GET /models`.
    #[pyo3(signature = (api_key=None))]
    fn models<'py>(&self, py: Python<'py>, api_key: Option<String>) -> PyResult<Bound<'py, PyAny>> {
        drive(
            py,
            self.models_call(py, api_key)?,
            &self.caller,
            &Answer::Body,
        )
    }

    /// The same, to be awaited once.
    #[pyo3(signature = (api_key=None))]
    fn models_async(&self, py: Python<'_>, api_key: Option<String>) -> PyResult<PendingReply> {
        Ok(PendingReply::new(
            self.models_call(py, api_key)?,
            self.caller.clone(),
            Answer::Body,
        ))
    }
}

/// What `Fanout.submit` takes of an engine.
impl<'py> FromPyObject<'_, 'py> for CallClient {
    type Error = PyErr;

    fn extract(engine: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        engine.cast::<Engine>()?.get().call_client(engine.py())
    }
}
