//! A call's arguments become request JSON, in one pass over the Python values.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::Secret;

use crate::call::dropped;
use crate::ground::caller::Caller;
use crate::ground::json;
use crate::values::keywords::{pairs, unexpected};
use crate::values::limits;
use crate::values::raise;

/// What steers a call and is not part of its request: keyword arguments of `Engine` and `Fanout`.
#[derive(Default)]
pub(crate) struct Steering<'py> {
    /// The key, where the client has none of its own.
    pub(crate) api_key: Option<String>,
    /// Whether a fresh key follows if that one is refused.
    pub(crate) may_renew: bool,
    /// Brings the key later: a stream asks for it when it goes out.
    pub(crate) key_source: Option<Bound<'py, PyAny>>,
    /// The type that the reply's text is read as.
    pub(crate) parse_as: Option<Bound<'py, PyAny>>,
    /// The client's system prompt.
    pub(crate) system: Option<Bound<'py, PyAny>>,
}

impl<'py> Steering<'py> {
    /// Reads the keyword arguments; one of another name is a mistake of ours.
    pub(crate) fn read(given: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        let mut steering = Self::default();
        for (name, value) in given.into_iter().flatten() {
            if value.is_none() {
                continue;
            }
            match name.cast::<PyString>()?.to_str()? {
                "api_key" => steering.api_key = Some(value.extract()?),
                "may_renew" => steering.may_renew = value.extract()?,
                "key_source" => steering.key_source = Some(value),
                "parse_as" => steering.parse_as = Some(value),
                "system" => steering.system = Some(value),
                _ => return Err(unexpected(&name)),
            }
        }
        Ok(steering)
    }
}

/// A call's arguments, sorted into what is encoded and what steers it.
pub(crate) struct Prepared {
    pub(crate) call: Call,
    pub(crate) caller: Caller,
    pub(crate) parse_as: Option<Py<PyAny>>,
    pub(crate) key_source: Option<Py<PyAny>>,
}

/// The client that a call is made for.
pub(crate) struct CallClient {
    pub(crate) client: Client,
    pub(crate) caller: Caller,
}

/// Reads a call's arguments and encodes its request.
pub(crate) fn prepare(
    client: CallClient,
    input: &Bound<'_, PyAny>,
    params: Option<&Bound<'_, PyDict>>,
    steering: Steering<'_>,
    stream: bool,
) -> PyResult<Prepared> {
    let CallClient { client, mut caller } = client;
    let py = input.py();
    let mut options = CallOptions {
        started: Some(Instant::now()),
        api_key: steering.api_key.map(Secret::new),
        key_comes_later: steering.key_source.is_some(),
        ..CallOptions::default()
    };
    caller.may_renew = steering.may_renew;
    let mut json = Vec::with_capacity(256);
    caller.started = options.started;
    let mut extra_body = None;
    let mut stream_usage = None;
    let mut encoded = Vec::new();
    for (name, value) in params.into_iter().flatten() {
        let name = name.cast_into::<PyString>()?;
        match name.to_str()? {
            // Not given: neither sent nor taken from the client's defaults.
            name if value.is_none() && name != "timeout" => {}
            "model" => caller.model = value.extract::<String>()?.into(),
            "timeout" => options.timeout = Some(limits::timeout(&value)?),
            "max_retries" => options.max_retries = Some(limits::max_retries(&value)?),
            "extra_headers" => options.headers = pairs(&value, "extra_headers")?,
            "extra_query" => options.query = pairs(&value, "extra_query")?,
            "extra_body" => extra_body = Some(value),
            "stream_usage" => stream_usage = Some(value.is_truthy()?),
            "logit_bias" if value.is_instance_of::<PyDict>() => {
                // Token ids are numbers in Python and keys in JSON.
                let named = PyDict::new(py);
                // A copy: a token's own text is Python code, which may change the dict.
                for (token, bias) in value.cast::<PyDict>()?.copy()? {
                    named.set_item(token.str()?, bias)?;
                }
                param_json("logit_bias", named.as_any(), &mut encoded)?;
            }
            param => param_json(param, &value, &mut encoded)?,
        }
    }
    json.extend_from_slice(b"{\"model\":");
    json::write_str(&caller.model, &mut json);
    json.extend_from_slice(b",\"input\":");
    let root = if input.is_instance_of::<PyList>() {
        "messages"
    } else {
        "prompt"
    };
    json::write_json(input, root, &mut json)?;
    if !encoded.is_empty() {
        json.extend_from_slice(b",\"params\":");
        json.extend_from_slice(&encoded);
        json.push(b'}');
    }
    if let Some(system) = steering.system {
        json.extend_from_slice(b",\"system\":");
        json::write_json(&system, "system", &mut json)?;
    }
    if let Some(extra_body) = extra_body.filter(|extra| !extra.is_none()) {
        json.extend_from_slice(b",\"extra_body\":");
        json::write_json(&extra_body, "extra_body", &mut json)?;
    }
    if let Some(wanted) = stream_usage {
        json.extend_from_slice(b",\"stream_usage\":");
        json.extend_from_slice(if wanted { b"true" } else { b"false" });
    }
    if stream {
        json.extend_from_slice(b",\"stream\":true");
    }
    json.push(b'}');
    // Reading and encoding a large request takes a while; others may run meanwhile.
    let call = if json.len() > 64 << 10 {
        py.detach(|| client.prepare(&json, options))
    } else {
        client.prepare(&json, options)
    };
    let call = call.map_err(|error| raise::to_py(py, error, &caller))?;
    caller.dropped = dropped::in_input(call.dropped(), input);
    Ok(Prepared {
        call,
        caller,
        parse_as: steering.parse_as.map(Bound::unbind),
        key_source: steering.key_source.map(Bound::unbind),
    })
}

/// Adds a parameter to the object that is being written.
fn param_json(name: &str, value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    out.push(if out.is_empty() { b'{' } else { b',' });
    json::write_str(name, out);
    out.push(b':');
    json::write_json(value, name, out)
}
