//! Python values to JSON bytes in one pass, and JSON back to Python. A value that JSON cannot hold is
//! refused with its path before anything is sent.

use pyo3::exceptions::{PyRecursionError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use tokenwire_core::error::ErrorKind;

use crate::ground::exception;
use crate::ground::exit::calling_python;

// serde_json reads no deeper; a deeper value is a cycle more often than not.
const MAX_DEPTH: usize = 120;

// Nobody reads a deeper path.
const SHOWN_STEPS: usize = 12;

/// Why a value was refused; `path` grows from the inside out.
struct Refusal {
    path: Vec<String>,
    problem: Problem,
}

enum Problem {
    Text(String),
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self {
            path: Vec::new(),
            problem: Problem::Raised(error),
        }
    }
}

fn refuse<T>(problem: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        path: Vec::new(),
        problem: Problem::Text(problem.into()),
    })
}

/// Appends `value` as JSON; `root` names it in errors.
pub(crate) fn write_json(value: &Bound<'_, PyAny>, root: &str, out: &mut Vec<u8>) -> PyResult<()> {
    write(value, 0, out).map_err(|refusal| match refusal.problem {
        Problem::Raised(error) => error,
        Problem::Text(problem) => {
            let mut path = root.to_owned();
            let steps = refusal.path.iter().rev().map(String::as_str);
            path.extend(steps.clone().take(SHOWN_STEPS));
            if steps.len() > SHOWN_STEPS {
                path.push('…');
            }
            exception::of_kind(
                value.py(),
                ErrorKind::Validation,
                &format!("{path}: {problem}"),
            )
        }
    })
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
        return match text.to_str() {
            Ok(text) => {
                write_str(text, out);
                Ok(())
            }
            Err(_) => refuse(lone_surrogate(text)),
        };
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
        // int.__repr__ also of subclasses (IntEnum), exact at any size.
        let plain = value
            .py()
            .get_type::<PyInt>()
            .call_method1(intern!(value.py(), "__repr__"), (value,))
            .or_else(unfit)?;
        out.extend_from_slice(
            plain
                .cast::<PyString>()
                .map_err(PyErr::from)?
                .to_str()?
                .as_bytes(),
        );
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
    // Writing an item may run Python code that changes the dict, at which the iterator panics.
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
        write(&item, depth + 1, out).map_err(|mut refusal| {
            refusal.path.push(format!(".{name}"));
            refusal
        })?;
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
        write(&item, depth + 1, out).map_err(|mut refusal| {
            refusal.path.push(format!("[{index}]"));
            refusal
        })?;
    }
    out.push(b']');
    Ok(())
}

/// Our own types say how they cross; pydantic models (the official SDKs' messages) are dumped.
fn write_object(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let py = value.py();
    if let Ok(neutral) = value.getattr(intern!(py, "__tokenwire_json__")) {
        return write(&calling_python(|| neutral.call0())?, depth + 1, out);
    }
    if let Ok(dump) = value.getattr(intern!(py, "model_dump")) {
        let options = PyDict::new(py);
        options.set_item(intern!(py, "mode"), "json")?;
        options.set_item(intern!(py, "exclude_unset"), true)?;
        let dumped = calling_python(|| dump.call((), Some(&options))).or_else(unfit)?;
        return write(&dumped, depth + 1, out);
    }
    let kind = value
        .get_type()
        .name()
        .map_or_else(|_| "object".to_owned(), |name| name.to_string());
    refuse(format!(
        "a value of type {kind} cannot be sent as JSON; pass str, int, float, bool, None, list or dict"
    ))
}

/// A value that Python itself cannot turn into text or plain values.
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
    let whole = value
        .repr()
        .map_or_else(|_| "?".to_owned(), |text| text.to_string());
    whole.chars().take(40).collect()
}

/// JSON text to Python values, by the standard library's reader, imported when first used.
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
