//! `PartialJson`: the structure of a JSON text that arrives in pieces.

use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::json::{self, Scalar, Token};

use crate::ground::json::load_json;

/// Reads a JSON text that arrives in pieces, as models write JSON. Each byte is looked at once.
#[pyclass(frozen, module = "tokenwire._engine")]
pub(crate) struct PartialJson {
    json: Mutex<json::PartialJson>,
}

type Step<'py> = (Bound<'py, PyString>, Option<Bound<'py, PyAny>>);

#[pymethods]
impl PartialJson {
    #[new]
    fn py_new() -> Self {
        Self {
            json: Mutex::default(),
        }
    }

    /// Reads the next piece. Returns what is new in it, in order: `("{", None)`, `("[", None)`, `("}", None)` for the
    /// end of either, `("key", name)`, `("value", scalar)`, `("text", text)` at last for a string that has not ended,
    /// with all of it that has arrived, and `("restart", None)` if the text so far was not the answer.
    fn push<'py>(&self, py: Python<'py>, piece: &str) -> PyResult<Vec<Step<'py>>> {
        let mut tokens = Vec::new();
        // No lock is held while Python objects are created.
        let open = {
            let mut json = self.json.lock();
            json.push(piece, &mut tokens);
            json.open_text().map(str::to_owned)
        };
        let mut steps = Vec::with_capacity(tokens.len() + 1);
        for token in tokens {
            let (kind, data) = match token {
                Token::Object => (intern!(py, "{"), None),
                Token::Array => (intern!(py, "["), None),
                Token::End => (intern!(py, "}"), None),
                Token::Restart => (intern!(py, "restart"), None),
                Token::Key(key) => (intern!(py, "key"), Some(PyString::new(py, &key).into_any())),
                Token::Value(value) => (intern!(py, "value"), Some(scalar(py, value)?)),
            };
            steps.push((kind.clone(), data));
        }
        if let Some(text) = open {
            let text = PyString::new(py, &text).into_any();
            steps.push((intern!(py, "text").clone(), Some(text)));
        }
        Ok(steps)
    }
}

fn scalar(py: Python<'_>, value: Scalar) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        Scalar::Null => py.None().into_bound(py),
        Scalar::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Scalar::Text(text) => PyString::new(py, &text).into_any(),
        Scalar::Number(text) => match text.parse::<i64>() {
            Ok(whole) => whole.into_pyobject(py)?.into_any(),
            // Python limits the digits of an int.
            Err(_) if text.len() > 4000 => f64::INFINITY.into_pyobject(py)?.into_any(),
            Err(_) => load_json(py, &text)?,
        },
    })
}
