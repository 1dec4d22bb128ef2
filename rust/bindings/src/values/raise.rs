//! Turns the error of a call into a Python exception, with the attempts, the caller and the partial reply.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokenwire_core::call::shown;
use tokenwire_core::error::Error;
use tokenwire_core::http::Head;

use crate::ground::caller::Caller;
use crate::ground::exception;
use crate::values::attempt::Attempt;
use crate::values::headers;
use crate::values::reply::ReplyData;
use crate::values::response::LlmResponse;

/// The exception for an error.
pub(crate) fn to_py(py: Python<'_>, error: Error, caller: &Caller) -> PyErr {
    build(py, error, caller).unwrap_or_else(|broken| broken)
}

fn build(py: Python<'_>, error: Error, caller: &Caller) -> PyResult<PyErr> {
    let fields = exception::fields_of(py, &error)?;
    if !error.attempts().is_empty() {
        fields.set_item("attempts", Attempt::tuple(py, error.attempts())?)?;
    }
    if error.is_retry_budget_exhausted() {
        fields.set_item("retry_budget_exhausted", true)?;
    }
    let some = |name: &str, value: Option<&str>| match value {
        Some(value) if !value.is_empty() => fields.set_item(name, value),
        _ => Ok(()),
    };
    some("request_id", error.request_id())?;
    some("provider", Some(&caller.provider))?;
    some("model", Some(&caller.model))?;
    if let Some(headers) = error.headers() {
        fields.set_item("headers", headers::dict(py, headers)?)?;
    }
    if let Some(partial) = error.partial() {
        let data = ReplyData {
            head: head_of(&error),
            attempts: error.attempts().to_vec(),
            ..ReplyData::of(partial.clone(), caller.clone())
        };
        fields.set_item("partial", LlmResponse::new(data, None))?;
    }
    if let Some(api) = error.api() {
        if let Some(status) = api.status {
            fields.set_item("status_code", status)?;
        }
        some("type", api.error_type.as_deref())?;
        some("code", api.code.as_deref())?;
        some("param", api.param.as_deref())?;
        if !api.body.is_empty() {
            fields.set_item("body", PyBytes::new(py, &api.body))?;
        }
        if let Some(after) = api.retry_after {
            fields.set_item("retry_after", after.as_secs_f64())?;
        }
    }
    let host = caller
        .endpoint
        .as_ref()
        .map_or("", |endpoint| &endpoint.host);
    let message = shown(&error, &caller.provider, &caller.model, host);
    exception::make(py, &error.with_message(message), &fields)
}

/// The head of the last response, for the partial reply.
fn head_of(error: &Error) -> Option<Head> {
    let status = error.attempts().last()?.status?;
    Some(Head {
        status,
        headers: error.headers()?.clone(),
        request_id: error.request_id().map(str::to_owned),
    })
}
