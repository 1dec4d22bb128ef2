//! Turns the arguments of a call into request JSON, in one pass over the Python values.

use std::time::Instant;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use tokenwire_core::client::{Call, CallOptions, Client};
use tokenwire_core::config::Secret;

use crate::ground::caller::Caller;
use crate::ground::exit::calling_python;
use crate::ground::{json, python};
use crate::values::keywords::{flag, revealed, secret_pairs, unexpected};
use crate::values::limits;
use crate::values::raise;

/// Settings of one call that are not part of its request: keyword arguments of `Engine` and `Fanout`.
#[derive(Default)]
pub(crate) struct Steering<'py> {
    /// The key, if the client has none of its own.
    pub(crate) api_key: Option<String>,
    /// Whether the call goes on with a fresh key if that one is refused.
    pub(crate) may_renew: bool,
    /// Whether the call is only checked, and may lack a key and an address.
    pub(crate) is_draft: bool,
    /// Returns the key later: a stream asks for it when the request is sent.
    pub(crate) key_source: Option<Bound<'py, PyAny>>,
    /// The type to parse the text of the reply as.
    pub(crate) parse_as: Option<Bound<'py, PyAny>>,
    /// The tool whose arguments are the answer, if the model is made to call one.
    pub(crate) answer_tool: Option<String>,
    /// The client's system prompt.
    pub(crate) system: Option<Bound<'py, PyAny>>,
}

impl<'py> Steering<'py> {
    /// Reads the keyword arguments. Only a mistake of ours can cause an unknown name.
    pub(crate) fn read(keywords: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
        let mut steering = Self::default();
        for (name, value) in keywords.into_iter().flatten() {
            if value.is_none() {
                continue;
            }
            match &*name.cast::<PyString>()?.to_string_lossy() {
                "api_key" => steering.api_key = Some(revealed(value)?.extract()?),
                "may_renew" => steering.may_renew = value.extract()?,
                "is_draft" => steering.is_draft = value.extract()?,
                "key_source" => steering.key_source = Some(value),
                "parse_as" => steering.parse_as = Some(value),
                "answer_tool" => steering.answer_tool = Some(value.extract()?),
                "system" => steering.system = Some(value),
                _ => return Err(unexpected(&name)),
            }
        }
        Ok(steering)
    }
}

/// An encoded call, and what Python needs when it ends.
pub(crate) struct Prepared {
    pub(crate) call: Call,
    pub(crate) caller: Caller,
    pub(crate) parse_as: Option<Py<PyAny>>,
    pub(crate) key_source: Option<Py<PyAny>>,
}

/// The client that makes a call.
pub(crate) struct CallClient {
    pub(crate) client: Client,
    pub(crate) caller: Caller,
    /// Headers of the caller's trace.
    pub(crate) trace: Vec<(String, String)>,
}

/// Writes the largest answer that the registry has for the model, if it has one.
fn write_largest_answer(py: Python<'_>, caller: &Caller, json: &mut Vec<u8>) -> PyResult<()> {
    let known = calling_python(|| {
        let arguments = (&*caller.provider, &*caller.model);
        python::LARGEST_ANSWER.get(py)?.call1(arguments)
    })?;
    if known.is_none() {
        return Ok(());
    }
    write_member("largest_answer", &known, "largest_answer", json)
}

/// Writes `logit_bias`. Token ids are numbers in Python and keys in JSON.
fn write_logit_bias(value: &Bound<'_, PyDict>, json: &mut Vec<u8>) -> PyResult<()> {
    let by_name = PyDict::new(value.py());
    // A copy, because the `__str__` of a token may change the dict.
    for (token, bias) in value.copy()? {
        by_name.set_item(token.str()?, bias)?;
    }
    write_member("logit_bias", by_name.as_any(), "logit_bias", json)
}

/// Reads the arguments of a call and encodes its request.
pub(crate) fn prepare(
    client: CallClient,
    input: &Bound<'_, PyAny>,
    params: Option<&Bound<'_, PyDict>>,
    steering: Steering<'_>,
    stream: bool,
) -> PyResult<Prepared> {
    let CallClient {
        client,
        mut caller,
        trace,
    } = client;
    let py = input.py();
    let mut options = CallOptions {
        started: Some(Instant::now()),
        api_key: steering.api_key.map(Secret::new),
        key_comes_later: steering.key_source.is_some(),
        is_draft: steering.is_draft,
        trace,
        ..CallOptions::default()
    };
    caller.may_renew = steering.may_renew;
    caller.started = options.started;
    options.reading.answer_tool = steering.answer_tool.map(Into::into);
    let mut extra_body = None;
    let mut stream_usage = None;
    let mut drop_unsupported = false;
    let mut encoded = Vec::new();
    for (name, value) in params.into_iter().flatten() {
        let name = name.cast_into::<PyString>()?;
        // A lone surrogate cannot be in the name of a parameter that there is.
        match &*name.to_string_lossy() {
            // None means not passed: nothing is sent, and the client's default does not apply.
            name if value.is_none() && name != "timeout" => {}
            "model" => caller.model = value.extract::<String>()?.into(),
            "timeout" => options.timeout = Some(limits::timeout(&value)?),
            "max_retries" => options.max_retries = Some(limits::max_retries(&value)?),
            "extra_headers" => options.headers = secret_pairs(&value, "extra_headers")?,
            "extra_query" => options.query = secret_pairs(&value, "extra_query")?,
            "extra_body" => extra_body = Some(value),
            "stream_usage" => stream_usage = Some(value.is_truthy()?),
            "think_tags" => options.reading.think_tags = flag(&value, "think_tags")?,
            "drop_unsupported" => drop_unsupported = flag(&value, "drop_unsupported")?,
            "logit_bias" if value.is_instance_of::<PyDict>() => {
                write_logit_bias(value.cast()?, &mut encoded)?;
            }
            param => {
                let before = encoded.len();
                if let Err(error) = write_member(param, &value, param, &mut encoded) {
                    let is_known = client.parameters().contains(&param);
                    if is_known || !error.is_instance_of::<PyException>(py) {
                        return Err(error);
                    }
                    // The engine says what to write for this name, whatever the value is.
                    encoded.truncate(before);
                    write_member(param, PyString::new(py, "").as_any(), param, &mut encoded)?;
                }
            }
        }
    }
    let mut json = Vec::with_capacity(256);
    begin_member("model", &mut json);
    json::write_str(&caller.model, &mut json);
    if client.wants_largest_answer(&caller.model) {
        write_largest_answer(py, &caller, &mut json)?;
    }
    let is_messages = input.is_instance_of::<PyList>();
    let root = if is_messages { "messages" } else { "prompt" };
    write_member("input", input, root, &mut json)?;
    if !encoded.is_empty() {
        begin_member("params", &mut json);
        json.append(&mut encoded);
        json.push(b'}');
    }
    if let Some(system) = steering.system {
        write_member("system", &system, "system", &mut json)?;
    }
    if let Some(extra_body) = extra_body {
        write_member("extra_body", &extra_body, "extra_body", &mut json)?;
    }
    if let Some(wanted) = stream_usage {
        begin_member("stream_usage", &mut json);
        json.extend_from_slice(if wanted { b"true" } else { b"false" });
    }
    if drop_unsupported {
        begin_member("drop_unsupported", &mut json);
        json.extend_from_slice(b"true");
    }
    if stream {
        begin_member("stream", &mut json);
        json.extend_from_slice(b"true");
    }
    json.push(b'}');
    // Reading and encoding a large request takes a while; other threads may run meanwhile.
    let call = if json.len() > 64 << 10 {
        py.detach(|| client.prepare(&json, options))
    } else {
        client.prepare(&json, options)
    };
    let call = call.map_err(|error| {
        let message = path_in(input, error.message());
        raise::to_py(py, error.with_message(message), &caller)
    })?;
    note(&mut caller, &call, input);
    Ok(Prepared {
        call,
        caller,
        parse_as: steering.parse_as.map(Bound::unbind),
        key_source: steering.key_source.map(Bound::unbind),
    })
}

/// Notes what the reply says of the call.
fn note(caller: &mut Caller, call: &Call, input: &Bound<'_, PyAny>) {
    // A call for another model may speak another API than the client.
    if caller.api.as_deref() != Some(call.api()) {
        caller.api = Some(call.api().into());
    }
    let dropped = call.dropped();
    if !dropped.is_empty() {
        caller.dropped = Some(dropped.iter().map(|path| path_in(input, path)).collect());
    }
}

/// Begins a member of the JSON object in `out`, which the first one opens.
fn begin_member(name: &str, out: &mut Vec<u8>) {
    out.push(if out.is_empty() { b'{' } else { b',' });
    json::write_str(name, out);
    out.push(b':');
}

/// Adds a member to the JSON object in `out`; `root` names the value in errors.
fn write_member(
    name: &str,
    value: &Bound<'_, PyAny>,
    root: &str,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    begin_member(name, out);
    json::write_json(value, root, out)
}

/// A path in the engine's request, with any text after it, as a path in the caller's input: the engine calls the content of
/// every message `parts`, an `LlmMessage` calls it `content`.
fn path_in(input: &Bound<'_, PyAny>, path: &str) -> String {
    if let Some((message, part)) = path.split_once(".parts[")
        && let Some(number) = message.strip_prefix("messages[")
        && let Ok(number) = number.trim_end_matches(']').parse::<usize>()
        && let Ok(original) = input.get_item(number)
        && !original.is_instance_of::<PyDict>()
    {
        return format!("{message}.content[{part}");
    }
    path.to_owned()
}
