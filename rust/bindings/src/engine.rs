//! `Engine`: one client as Python holds it. It opens calls and streams, on the runtime that fits each.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::{self, ClientConfig, Family, Secret, TimeoutSetting, TlsSettings};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::stream::Queue;

use crate::call::arguments::{CallClient, Prepared, Steering, prepare};
use crate::call::pending::PendingReply;
use crate::call::whole::{Answer, drive};
use crate::ground::caller::{Caller, Endpoint};
use crate::ground::{exception, fork};
use crate::process;
use crate::stream::async_stream::AsyncLlmStream;
use crate::stream::shared::Stream;
use crate::stream::sync_stream::LlmStream;
use crate::values::keywords::{pairs, refuse_others};
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
            let fresh = Client::new(&process::current().hub, provider, config, None)
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
        steering: Option<&Bound<'_, PyDict>>,
        stream: bool,
    ) -> PyResult<Prepared> {
        let client = self.call_client(input.py())?;
        prepare(client, input, params, Steering::read(steering)?, stream)
    }

    fn open(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Stream> {
        let Prepared {
            call,
            caller,
            parse_as,
            key_source,
        } = self.prepare(input, params, steering, true)?;
        let queue = Queue::new(call.buffer_bytes(), call.started());
        Ok(Stream::new(call, queue, caller, parse_as, key_source))
    }

    fn models_call(
        &self,
        py: Python<'_>,
        api_key: Option<String>,
        may_renew: bool,
    ) -> PyResult<(Call, Caller)> {
        let options = CallOptions {
            api_key: api_key.map(Secret::new),
            ..CallOptions::default()
        };
        let caller = Caller {
            may_renew,
            ..self.caller.clone()
        };
        let call = self
            .client(py)?
            .models_call(options)
            .map_err(|error| raise::to_py(py, error, &caller))?;
        Ok((call, caller))
    }
}

/// The settings of a client. Python has checked their types, by its table of them; one that is not
/// read here is refused.
fn config(
    model: String,
    family: Family,
    settings: Option<&Bound<'_, PyDict>>,
) -> PyResult<ClientConfig> {
    let mut read = Vec::with_capacity(16);
    let mut given = |name: &'static str| -> PyResult<Option<Bound<'_, PyAny>>> {
        read.push(name);
        let value = settings.map_or(Ok(None), |settings| settings.get_item(name))?;
        Ok(value.filter(|value| !value.is_none()))
    };
    let text = |value: Option<Bound<'_, PyAny>>| value.map(|value| value.extract()).transpose();
    let config = ClientConfig {
        model,
        family,
        api: text(given("api")?)?,
        base_url: text(given("base_url")?)?,
        api_key: text(given("api_key")?)?.map(Secret::new),
        headers: given("headers")?.map_or(Ok(Vec::new()), |value| pairs(&value, "headers"))?,
        timeout: given("timeout")?
            .map_or(Ok(TimeoutSetting::Off), |value| limits::timeout(&value))?,
        limits: match given("limits")? {
            Some(value) => value.cast::<Limits>()?.get().0,
            None => config::Limits::default(),
        },
        retry: match given("retry")? {
            Some(value) => value.cast::<RetryPolicy>()?.get().0.clone(),
            None => config::RetryPolicy::default(),
        },
        tls: TlsSettings {
            ca_bundle: given("ca_bundle")?
                .map(|value| value.extract())
                .transpose()?,
            client_cert: given("client_cert")?
                .map(|value| value.extract())
                .transpose()?,
        },
        proxy: text(given("proxy")?)?.map(Secret::new),
        trust_env: given("trust_env")?.map_or(Ok(true), |value| value.extract())?,
    };
    refuse_others(settings, &read)?;
    Ok(config)
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
    #[pyo3(signature = (*, provider, model, family, own_provider=None, key_vars=None, parent=None, **settings))]
    #[allow(clippy::too_many_arguments, reason = "named one by one by the caller")]
    fn py_new(
        py: Python<'_>,
        provider: &str,
        model: String,
        family: &str,
        own_provider: Option<OwnRow>,
        key_vars: Option<Vec<String>>,
        parent: Option<&Self>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        exception::look_up_classes(py)?;
        let failed = |error| raise::to_py(py, error, &Caller::default());
        let Ok(family) = family.parse::<Family>() else {
            let message = format!("family: there is no {family:?}");
            return Err(exception::of_kind(py, ErrorKind::Config, &message));
        };
        let mut provider = providers::row(provider, own_provider).map_err(failed)?;
        if let Some(key_vars) = key_vars {
            // Named for this client, in place of the provider's own: the key must be in one of them.
            let row = Arc::make_mut(&mut provider);
            row.key_vars = key_vars.into_iter().map(Into::into).collect();
            row.key_required = true;
        }
        let config = config(model, family, settings)?;
        let hub = &process::current().hub;
        let parent = parent.map(|parent| parent.client(py)).transpose()?;
        let client = Client::new(hub, provider, config, parent.as_ref());
        client.map(Self::wrap).map_err(failed)
    }

    /// The base URL in its canonical form, without credentials.
    #[getter]
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.client(py)?.base_url().to_owned())
    }

    /// Encodes a request with these arguments and throws it away: what is wrong with them, or a
    /// missing key, is raised. For `steering` see `Steering`.
    #[pyo3(signature = (params, **steering))]
    fn check(
        &self,
        params: &Bound<'_, PyDict>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let input = PyString::new(params.py(), "-");
        self.prepare(input.as_any(), Some(params), steering, false)
            .map(drop)
    }

    /// Names of the request parameters that the API takes.
    fn parameters(&self, py: Python<'_>) -> PyResult<Vec<&'static str>> {
        Ok(self.client(py)?.parameters())
    }

    /// A whole reply, on this thread. For `steering` see `Steering`.
    #[pyo3(signature = (input, params=None, **steering))]
    fn complete<'py>(
        &self,
        py: Python<'py>,
        input: &Bound<'py, PyAny>,
        params: Option<&Bound<'py, PyDict>>,
        steering: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let prepared = self.prepare(input, params, steering, false)?;
        let answer = Answer::Reply(prepared.parse_as);
        drive(py, prepared.call, &prepared.caller, &answer)
    }

    /// A whole reply, to be awaited once.
    #[pyo3(signature = (input, params=None, **steering))]
    fn complete_async(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PendingReply> {
        let prepared = self.prepare(input, params, steering, false)?;
        let answer = Answer::Reply(prepared.parse_as);
        Ok(PendingReply::new(prepared.call, prepared.caller, answer))
    }

    /// A stream that goes out when it is entered or first read.
    #[pyo3(signature = (input, params=None, **steering))]
    fn stream(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<LlmStream> {
        Ok(LlmStream::new(self.open(input, params, steering)?))
    }

    /// The same for an event loop.
    #[pyo3(signature = (input, params=None, **steering))]
    fn stream_async(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<AsyncLlmStream> {
        Ok(AsyncLlmStream::new(self.open(input, params, steering)?))
    }

    /// The body of `GET /models`.
    #[pyo3(signature = (*, api_key=None, may_renew=false))]
    fn models<'py>(
        &self,
        py: Python<'py>,
        api_key: Option<String>,
        may_renew: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (call, caller) = self.models_call(py, api_key, may_renew)?;
        drive(py, call, &caller, &Answer::Body)
    }

    /// The same, to be awaited once.
    #[pyo3(signature = (*, api_key=None, may_renew=false))]
    fn models_async(
        &self,
        py: Python<'_>,
        api_key: Option<String>,
        may_renew: bool,
    ) -> PyResult<PendingReply> {
        let (call, caller) = self.models_call(py, api_key, may_renew)?;
        Ok(PendingReply::new(call, caller, Answer::Body))
    }
}

/// What `Fanout.submit` takes of an engine.
impl<'py> FromPyObject<'_, 'py> for CallClient {
    type Error = PyErr;

    fn extract(engine: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        engine.cast::<Engine>()?.get().call_client(engine.py())
    }
}
