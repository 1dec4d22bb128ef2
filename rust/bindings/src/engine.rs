//! `Engine`: one client as Python holds it. Arguments become request JSON; which runtime drives a call is decided here.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokenwire_core::call::{Completed, Fetched, complete, fetch};
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::{ClientConfig, Secret, TlsSettings};
use tokenwire_core::error::{Error, ErrorKind};
use tokenwire_core::http::Transport;
use tokenwire_core::stream::Queue;

use crate::call::arguments::{Prepared, pairs};
use crate::call::pending::PendingReply;
use crate::ground::fork;
use crate::observe::logs;
use crate::observe::{self, Ending};
use crate::process;
use crate::process::sync_runtime::Lease;
use crate::stream::async_stream::AsyncLlmStream;
use crate::stream::shared::Stream;
use crate::stream::sync_stream::LlmStream;
use crate::values::limits::{self, Limits, RetryPolicy};
use crate::values::providers::OwnRow;
use crate::values::raise::{self, Asked, Caller};
use crate::values::response::{LlmResponse, ReplyData};

/// What came of a call.
pub(crate) enum Came {
    Reply(Box<Completed>),
    Body(Fetched),
}

pub(crate) type Outcome = Result<Came, Failed>;

/// Why a call failed, and after how many seconds.
pub(crate) struct Failed {
    error: Error,
    elapsed: f64,
}

/// Which of the two a call is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerKind {
    Reply,
    Body,
}

/// Makes a call, on whatever runtime polls it.
pub(crate) async fn make(transport: &Transport, call: Call, kind: AnswerKind) -> Outcome {
    let started = call.started();
    let came = match kind {
        AnswerKind::Reply => complete(transport, call)
            .await
            .map(|done| Came::Reply(Box::new(done))),
        AnswerKind::Body => fetch(transport, call).await.map(Came::Body),
    };
    came.map_err(|error| Failed {
        error,
        elapsed: started.elapsed().as_secs_f64(),
    })
}

/// What a call gives back.
pub(crate) enum Answer {
    /// An `LlmResponse`, its text read as this type when asked for.
    Reply(Option<Py<PyAny>>),
    /// The body as text (the list of models).
    Body,
}

impl Answer {
    pub(crate) fn kind(&self) -> AnswerKind {
        match self {
            Self::Reply(_) => AnswerKind::Reply,
            Self::Body => AnswerKind::Body,
        }
    }
}

/// Turns an outcome into what Python gets.
pub(crate) fn finish_call<'py>(
    py: Python<'py>,
    outcome: Outcome,
    caller: &Caller,
    answer: &Answer,
) -> PyResult<Bound<'py, PyAny>> {
    logs::drain(py);
    let came = outcome.map_err(|Failed { error, elapsed }| {
        let kind = error.kind();
        let raised = raise::to_py(py, error, caller);
        let is_over = !(caller.may_renew && raise::is_unauthorized(py, &raised));
        if is_over && observe::is_on() && matches!(answer, Answer::Reply(_)) {
            observe::report(
                py,
                caller,
                false,
                Ending::Error(&raised, raise::name(kind), elapsed),
            );
        }
        raised
    })?;
    match came {
        Came::Body(done) => Ok(PyString::new(py, &String::from_utf8_lossy(&done.raw)).into_any()),
        Came::Reply(done) => {
            let done = *done;
            let parse_as = match answer {
                Answer::Reply(parse_as) => parse_as.as_ref(),
                Answer::Body => None,
            };
            let data = ReplyData {
                reply: done.reply,
                head: Some(done.head),
                timing: done.timing,
                attempts: done.attempts,
                raw: Some(done.raw),
                caller: caller.clone(),
            };
            let response = LlmResponse::new(data, parse_as.map(|kind| kind.clone_ref(py)));
            let response = Bound::new(py, response)?;
            if observe::is_on() {
                observe::report(py, caller, false, Ending::Reply(&response));
            }
            Ok(response.into_any())
        }
    }
}

/// One client: its settings, its retry budget, its place among the shared connections.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct Engine {
    // A forked child makes its own: the parent's permits may be taken for ever.
    client: Mutex<(u64, Client)>,
    pub(crate) caller: Caller,
}

impl Engine {
    pub(crate) fn client(&self, py: Python<'_>) -> PyResult<Client> {
        let mut held = self.client.lock();
        if held.0 != fork::generation() {
            let config = held.1.config().clone();
            let fresh = Client::new(&process::current().hub, config)
                .map_err(|error| raise::to_py(py, error, &self.caller))?;
            std::mem::forget(std::mem::replace(&mut held.1, fresh));
            held.0 = fork::generation();
        }
        Ok(held.1.clone())
    }

    fn wrap(client: Client) -> Self {
        let config = client.config();
        let caller = Caller {
            provider: config.provider.as_str().into(),
            model: config.model.as_str().into(),
            asked: Some(Arc::new(asked(&client))),
            ..Caller::default()
        };
        Self {
            client: Mutex::new((fork::generation(), client)),
            caller,
        }
    }
}

impl Engine {
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
}

fn asked(client: &Client) -> Asked {
    let (host, port) = client.server();
    Asked {
        operation: match client.config().api.as_str() {
            "completions" => "text_completion",
            _ => "chat",
        },
        // An IPv6 address stands in brackets only beside a port.
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
    }
}

/// Runs a call on a lane, on this thread.
fn drive<'py>(
    py: Python<'py>,
    call: Call,
    caller: &Caller,
    answer: &Answer,
) -> PyResult<Bound<'py, PyAny>> {
    let started = call.started();
    let failed = |error| {
        let elapsed = started.elapsed().as_secs_f64();
        Ok(Err(Failed { error, elapsed }))
    };
    let outcome = py.detach(|| {
        let lease = match Lease::new() {
            Ok(lease) => lease,
            Err(error) => return failed(error),
        };
        let Some(lane) = lease.lane() else {
            return failed(Error::new(ErrorKind::Engine, "a lease without a lane"));
        };
        let outcome = lane.drive(make(&lane.transport, call, answer.kind()));
        if !matches!(outcome, Ok(Ok(_))) {
            // A call that failed or was interrupted may have left its connection in the middle of an
            // answer; it closes when the runtime next runs, and who knows when that is.
            lane.settle(tokio::task::yield_now());
        }
        outcome
    });
    let outcome = outcome.inspect_err(|_| observe::let_go(py, caller, answer))?;
    finish_call(py, outcome, caller, answer)
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, provider, model, api, own_provider=None, base_url=None, api_key=None, headers=None,
        timeout=None, limits=None, retry=None, ca_bundle=None, client_cert=None, proxy=None,
        trust_env=true, parent=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "the settings of one client, named one by one"
    )]
    fn py_new(
        py: Python<'_>,
        provider: String,
        model: String,
        api: String,
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
        let config = ClientConfig {
            provider,
            own_provider: own_provider.map(OwnRow::into_config),
            model,
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
            Some(parent) => parent.client(py)?.derive(hub, config),
            None => Client::new(hub, config),
        };
        client
            .map(Self::wrap)
            .map_err(|error| raise::to_py(py, error, &Caller::default()))
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

impl Engine {
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
