//! Why a reply ended, read by its name.

use pyo3::prelude::*;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::message::FinishReason;

use crate::ground::exception;

const FINISH_REASONS: &str =
    "stop, length, tool_calls, refusal, content_filter, abort, error, other";

/// The reason of that name.
pub(crate) fn by_name(py: Python<'_>, name: Option<&str>) -> PyResult<Option<FinishReason>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let reason = serde_json::from_value(name.into()).map_err(|_| {
        let problem = format!("finish_reason: {name:?} is none of {FINISH_REASONS}");
        exception::of_kind(py, ErrorKind::Validation, &problem)
    })?;
    Ok(Some(reason))
}
