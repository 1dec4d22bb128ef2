//! `Engine`: one client as Python holds it. It starts calls and opens streams, sync and async.

use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::{Family, Secret};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::stream::Queue;
use tokenwire_core::wire::OutputMode;

use crate::call::arguments::{CallClient, Prepared, Steering, prepare};
use crate::call::pending::PendingReply;
use crate::call::whole::{Answer, drive};
use crate::ground::caller::{Caller, Endpoint};
use crate::ground::{exception, fork};
use crate::observe::doctor;
use crate::observe::trace::trace_headers;
use crate::process;
use crate::stream::async_stream::AsyncLlmStream;
use crate::stream::shared::Stream;
use crate::stream::sync_stream::LlmStream;
use crate::values::client_settings;
use crate::values::keywords::secret_pairs;
use crate::values::providers::{self, CustomProvider};
use crate::values::raise;

/// One client: its settings, its retry budget, and its access to the shared connections.
///
/// Args:
///     provider: Name of the provider.
///     model: The model that calls use unless they name another.
///     family: "chat" or "completions".
///     custom_provider: An `LlmProvider` to use instead of the engine's table.
///     key_vars: Environment variables of the key, instead of the provider's; the key is then required.
///     parent: The client that this one is derived from. They share a retry budget if it is of the same size.
///     **settings: Those of `ChatClient`, by name. Also `key_name` and `base_url_name`, the variables that the key and the
///         address came from, and `no_key`, the error of a call without the required key. A key and an address may be
///         missing until a call is made. `headers_from` has the variables of headers that came from one.
///
/// Raises:
///     LlmConfigError: A setting is wrong.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Engine {
    // A forked child creates its own: the parent's connection slots may be taken forever.
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
            // Leaked, like everything of the parent's; `ground/fork.rs` says why.
            std::mem::forget(std::mem::replace(&mut held.1, fresh));
            held.0 = fork::generation();
        }
        Ok(held.1.clone())
    }

    fn wrap(client: Client) -> Self {
        let (host, port) = client.server();
        let endpoint = Endpoint {
            operation: client.operation(),
            // An IPv6 address has brackets only next to a port.
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        };
        let caller = Caller {
            api: Some(client.api().into()),
            endpoint: Some(Arc::new(endpoint)),
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
            trace: trace_headers(py)?,
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
        let prepared = self.prepare(input, params, steering, true)?;
        let (call, caller) = (prepared.call, prepared.caller);
        let queue = Queue::new(call.buffer_bytes(), call.max_reply_bytes(), call.started());
        let (parse_as, key_source) = (prepared.parse_as, prepared.key_source);
        Ok(Stream::new(Some(call), queue, caller, parse_as, key_source))
    }

    fn models_call(
        &self,
        py: Python<'_>,
        steering: Option<&Bound<'_, PyDict>>,
        params: Option<&Bound<'_, PyDict>>,
        page: Option<(String, String)>,
    ) -> PyResult<(Call, Caller)> {
        let Steering {
            api_key, may_renew, ..
        } = Steering::read(steering)?;
        let mut options = CallOptions {
            api_key: api_key.map(Secret::new),
            trace: trace_headers(py)?,
            ..CallOptions::default()
        };
        for (name, value) in params.into_iter().flatten() {
            match &*name.cast::<PyString>()?.to_string_lossy() {
                name @ "extra_headers" => options.headers = secret_pairs(&value, name)?,
                name @ "extra_query" => options.query = secret_pairs(&value, name)?,
                // The others are for a model.
                _ => {}
            }
        }
        let caller = Caller {
            may_renew,
            // It asks the server, and no model of it.
            model: Arc::default(),
            ..self.caller.clone()
        };
        let call = self
            .client(py)?
            .models_call(page, options)
            .map_err(|error| raise::to_py(py, error, &caller))?;
        Ok((call, caller))
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, provider, model, family, custom_provider=None, key_vars=None, parent=None, **settings))]
    #[allow(clippy::too_many_arguments, reason = "named one by one by the caller")]
    fn py_new(
        py: Python<'_>,
        provider: &str,
        model: String,
        family: &str,
        custom_provider: Option<CustomProvider>,
        key_vars: Option<Vec<String>>,
        parent: Option<&Self>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        exception::look_up_classes(py)?;
        let failed = |error| raise::to_py(py, error, &Caller::default());
        let Ok(family) = family.parse::<Family>() else {
            let message = format!("family: {family:?} is not \"chat\" or \"completions\"");
            return Err(exception::of_kind(py, ErrorKind::Config, &message));
        };
        let mut provider = providers::provider(provider, custom_provider).map_err(failed)?;
        if let Some(key_vars) = key_vars {
            // Set for this client instead of the provider's: the key must be in one of them.
            let row = Arc::make_mut(&mut provider);
            row.key_vars = key_vars.into_iter().map(Into::into).collect();
            row.key_required = true;
        }
        let config = client_settings::read(py, model, family, settings)?;
        let hub = &process::current().hub;
        let parent = parent.map(|parent| parent.client(py)).transpose()?;
        let client = Client::new(hub, provider, config, parent.as_ref());
        client.map(Self::wrap).map_err(failed)
    }

    /// The name of the API that it speaks to ask its own model.
    #[getter]
    fn api(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(self.client(py)?.api())
    }

    /// The base URL in its canonical form, without credentials; empty if it has no address yet.
    #[getter]
    fn base_url(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.client(py)?.base_url().to_owned())
    }

    /// How calls reach the server: `transport`, `proxy` without its credentials, `proxy_from` (the argument or the
    /// variable) and `socket`.
    #[getter]
    fn way<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        doctor::way(py, &self.client(py)?)
    }

    /// Returns how `model` is asked for JSON that fits a schema: "json_schema", "json_object", "prompt" or "tool". None
    /// means the client's own model.
    #[pyo3(signature = (model=None))]
    fn output_mode(&self, py: Python<'_>, model: Option<&str>) -> PyResult<&'static str> {
        let client = self.client(py)?;
        let mode = match client.config().family {
            Family::Chat => client.output_mode(model),
            // They have neither a system prompt nor tools.
            Family::Completion => Ok(OutputMode::JsonSchema),
        };
        mode.map(OutputMode::as_str)
            .map_err(|error| raise::to_py(py, error, &self.caller))
    }

    /// Returns whether strict schemas for `model` are in OpenAI's strict form. None means the client's own model.
    #[pyo3(signature = (model=None))]
    fn takes_strict_form(&self, py: Python<'_>, model: Option<&str>) -> PyResult<bool> {
        Ok(self.client(py)?.takes_strict_form(model))
    }

    /// Checks request parameters without sending anything. Without `is_draft`, also that there are a key and an address.
    ///
    /// Raises:
    ///     LlmError: A parameter is wrong, or something is missing.
    #[pyo3(signature = (params, **steering))]
    fn check(
        &self,
        params: &Bound<'_, PyDict>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let py = params.py();
        let input = PyString::new(py, "-");
        let client = CallClient {
            client: self.client(py)?,
            caller: self.caller.clone(),
            trace: Vec::new(),
        };
        let steering = Steering::read(steering)?;
        prepare(client, input.as_any(), Some(params), steering, false).map(drop)
    }

    /// Returns the names of the request parameters that the API accepts.
    fn parameters(&self, py: Python<'_>) -> PyResult<Vec<&'static str>> {
        Ok(self.client(py)?.parameters())
    }

    /// Makes a call on this thread and returns the whole reply.
    ///
    /// Args:
    ///     input: A prompt, a list of prompts or a list of messages.
    ///     params: Parameters of the request.
    ///     **steering: `api_key`, `may_renew`, `key_source`, `parse_as`, `answer_tool`, `system`.
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

    /// Returns an awaitable of the whole reply, which can be awaited once. Arguments as in `complete`.
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

    /// Returns a stream. Its request is sent when it is entered or first read. Arguments as in `complete`.
    #[pyo3(signature = (input, params=None, **steering))]
    fn stream(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<LlmStream> {
        Ok(LlmStream::new(Arc::new(
            self.open(input, params, steering)?,
        )))
    }

    /// Returns a stream for an event loop. Arguments as in `complete`.
    #[pyo3(signature = (input, params=None, **steering))]
    fn stream_async(
        &self,
        input: &Bound<'_, PyAny>,
        params: Option<&Bound<'_, PyDict>>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<AsyncLlmStream> {
        Ok(AsyncLlmStream::new(Arc::new(
            self.open(input, params, steering)?,
        )))
    }

    /// Returns the body of `GET /models`.
    ///
    /// Args:
    ///     params: Parameters of the client's calls, of which only headers and query are sent.
    ///     page: Name and value of the query parameter that asks for another page than the first one.
    ///     **steering: `api_key`, `may_renew`.
    #[pyo3(signature = (params=None, page=None, **steering))]
    fn models<'py>(
        &self,
        py: Python<'py>,
        params: Option<&Bound<'py, PyDict>>,
        page: Option<(String, String)>,
        steering: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (call, caller) = self.models_call(py, steering, params, page)?;
        drive(py, call, &caller, &Answer::Body)
    }

    /// Returns an awaitable of the body of `GET /models`, which can be awaited once. Arguments as in `models`.
    #[pyo3(signature = (params=None, page=None, **steering))]
    fn models_async(
        &self,
        py: Python<'_>,
        params: Option<&Bound<'_, PyDict>>,
        page: Option<(String, String)>,
        steering: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PendingReply> {
        let (call, caller) = self.models_call(py, steering, params, page)?;
        Ok(PendingReply::new(call, caller, Answer::Body))
    }
}

/// What `Fanout.submit` needs of an engine.
impl<'py> FromPyObject<'_, 'py> for CallClient {
    type Error = PyErr;

    fn extract(engine: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        engine.cast::<Engine>()?.get().call_client(engine.py())
    }
}
