//! The headers of a response as replies and errors show them.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Headers by name. The values of a repeated header are joined by ", ".
pub(crate) fn dict<'py>(
    py: Python<'py>,
    headers: &[(String, String)],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in headers {
        dict.set_item(name, value)?;
    }
    if dict.len() == headers.len() {
        return Ok(dict);
    }
    let mut joined: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in headers {
        match joined.get_mut(name.as_str()) {
            Some(before) => {
                before.push_str(", ");
                before.push_str(value);
            }
            None => {
                joined.insert(name, value.clone());
            }
        }
    }
    // Each name keeps the place where it came first.
    for (name, value) in joined {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}
