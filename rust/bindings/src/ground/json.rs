//! Python values to JSON bytes in one pass, and JSON back to Python. A value that JSON cannot hold is
//! refused before anything is sent; the error names its path.

use pyo3::exceptions::{PyRecursionError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use tokenwire_core::error::ErrorKind;

use crate::ground::exception;
use crate::ground::exit::calling_python;
use crate::ground::python;

// serde_json reads no deeper, and a deeper value usually contains itself.
const MAX_DEPTH: usize = 120;

// A longer path helps no one.
const SHOWN_STEPS: usize = 12;

/// Why a value was refused.
enum Refusal {
    /// What is wrong, and the path to it, from the inside out.
    Problem(String, Vec<String>),
    /// What Python code raised.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl Refusal {
    /// The same refusal, seen from the value that holds the refused one.
    fn at(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Problem(_, path) = &mut self {
            path.push(step());
        }
        self
    }
}

fn refuse<T>(problem: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Problem(problem.into(), Vec::new()))
}

/// Appends `value` as JSON; `root` names it in errors.
pub(crate) fn write_json(value: &Bound<'_, PyAny>, root: &str, out: &mut Vec<u8>) -> PyResult<()> {
    write(value, 0, out).map_err(|refusal| match refusal {
        Refusal::Raised(error) => error,
        Refusal::Problem(problem, steps) => {
            let shown = steps.iter().rev().take(SHOWN_STEPS).map(String::as_str);
            let more = if steps.len() > SHOWN_STEPS { "…" } else { "" };
            let path = shown.collect::<String>();
            let message = format!("{root}{path}{more}: {problem}");
            exception::of_kind(value.py(), ErrorKind::Validation, &message)
        }
    })
}

/// Whether a value has only the types that `json.loads` returns.
#[pyfunction]
pub(crate) fn is_plain_json(value: &Bound<'_, PyAny>) -> bool {
    is_plain(value, 0)
}

fn is_plain(value: &Bound<'_, PyAny>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        return dict.iter().all(|(name, value)| {
            name.is_exact_instance_of::<PyString>() && is_plain(&value, depth + 1)
        });
    }
    if let Ok(list) = value.cast_exact::<PyList>() {
        return list.iter().all(|value| is_plain(&value, depth + 1));
    }
    value.is_none()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyBool>()
}

/// Appends a string as JSON.
pub(crate) fn write_str(value: &str, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, value);
}

fn write(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    if depth > MAX_DEPTH {
        return refuse(format!(
            "nested deeper than {MAX_DEPTH} levels, or contains itself"
        ));
    }
    if let Ok(text) = value.cast::<PyString>() {
        let Ok(text) = text.to_str() else {
            return refuse(lone_surrogate(text));
        };
        write_str(text, out);
        return Ok(());
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        return write_dict(dict, depth, out);
    }
    if let Ok(list) = value.cast::<PyList>() {
        return write_items(list.iter(), depth, out);
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return write_items(tuple.iter(), depth, out);
    }
    if value.is_none() {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        out.extend_from_slice(if flag.is_true() { b"true" } else { b"false" });
        return Ok(());
    }
    if value.is_instance_of::<PyInt>() {
        // int.__repr__ also for subclasses (IntEnum): exact at any size.
        let plain = value
            .py()
            .get_type::<PyInt>()
            .call_method1(intern!(value.py(), "__repr__"), (value,))
            .or_else(unfit)?;
        let plain = plain.cast::<PyString>().map_err(PyErr::from)?;
        out.extend_from_slice(plain.to_str()?.as_bytes());
        return Ok(());
    }
    if let Ok(float) = value.cast::<PyFloat>() {
        let number = float.value();
        if !number.is_finite() {
            return refuse(format!("{number} is not a JSON number"));
        }
        let _ = serde_json::to_writer(&mut *out, &number);
        return Ok(());
    }
    write_object(value, depth, out)
}

fn write_dict(dict: &Bound<'_, PyDict>, depth: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    out.push(b'{');
    let mut first = true;
    // Writing an item may run Python code that changes the dict. The iterator would then panic.
    let length = dict.len();
    let mut items = dict.iter();
    for _ in 0..length {
        if dict.len() != length {
            return refuse("the dict changed while it was read");
        }
        let Some((key, item)) = items.next() else {
            break;
        };
        let Ok(name) = key.cast::<PyString>() else {
            return refuse(format!("key {} is not a string", short_repr(&key)));
        };
        let Ok(name) = name.to_str() else {
            return refuse(lone_surrogate(name));
        };
        if !first {
            out.push(b',');
        }
        first = false;
        write_str(name, out);
        out.push(b':');
        write(&item, depth + 1, out).map_err(|refusal| refusal.at(|| format!(".{name}")))?;
    }
    out.push(b'}');
    Ok(())
}

fn write_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(&item, depth + 1, out).map_err(|refusal| refusal.at(|| format!("[{index}]")))?;
    }
    out.push(b']');
    Ok(())
}

/// Our own types have `__tokenwire_json__`; pydantic models, such as messages of the official SDKs, and
/// dataclasses are dumped.
fn write_object(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let py = value.py();
    if let Some(neutral) = value.getattr_opt(intern!(py, "__tokenwire_json__"))? {
        return write(&calling_python(|| neutral.call0())?, depth + 1, out);
    }
    let is_model = value.hasattr(intern!(py, "__dataclass_fields__"))?
        || value.hasattr(intern!(py, "model_dump"))?;
    if is_model && !value.is_instance_of::<PyType>() {
        let dumped = calling_python(|| python::DUMPED.get(py)?.call1((value,)));
        return write(&dumped.or_else(unfit)?, depth + 1, out);
    }
    let kind = value.get_type().name()?;
    if kind == "LlmResponse" {
        return refuse("it is a reply; pass its message: reply.message");
    }
    refuse(format!(
        "a value of type {kind} cannot be sent as JSON; pass str, int, float, bool, None, list or dict"
    ))
}

/// Refuses a value that Python itself cannot turn into text or plain values.
fn unfit<T>(error: PyErr) -> Result<T, Refusal> {
    let is_unfit = Python::attach(|py| {
        error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py)
    });
    if is_unfit {
        refuse(format!("it cannot be sent as JSON: {error}"))
    } else {
        Err(error.into())
    }
}

fn lone_surrogate(text: &Bound<'_, PyString>) -> String {
    let position = text
        .call_method1("encode", ("utf-8",))
        .err()
        .and_then(|error| error.value(text.py()).getattr("start").ok())
        .and_then(|start| start.extract::<usize>().ok())
        .map_or_else(String::new, |start| format!(" at character {start}"));
    format!("the text holds a lone surrogate{position}, which UTF-8 cannot carry")
}

/// The first characters of a value's `repr`, for a message.
pub(crate) fn short_repr(value: &Bound<'_, PyAny>) -> String {
    let repr = value.repr().map(|repr| repr.to_string());
    repr.map_or_else(|_| "?".into(), |repr| repr.chars().take(40).collect())
}

/// JSON text to Python values, by the standard library's `json`, which is imported at first use.
pub(crate) fn load_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.get_or_try_init(py, || {
        PyResult::Ok(py.import("json")?.getattr("loads")?.unbind())
    })?;
    calling_python(|| loads.bind(py).call1((text,))).map_err(|error| {
        if error.is_instance_of::<PyRecursionError>(py) {
            return exception::of_kind(py, ErrorKind::Decode, "the JSON is nested too deeply");
        }
        error
    })
}
