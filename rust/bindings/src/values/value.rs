//! What all our compiled value classes share: repr, `to_dict`, pickling, copying, and a pydantic schema.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use pyo3::prelude::*;
use pyo3::type_object::PyTypeInfo;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::ground::exit::calling_python;
use crate::ground::python;

/// Names of the fields in constructor order; each is a readable attribute.
pub(crate) trait Fields {
    const FIELDS: &'static [&'static str];

    /// The object that `to_dict` showed as this value; None where the field is a plain value.
    fn revive<'py>(_name: &str, _value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(None)
    }
}

/// The fields as a dict of plain values, nested objects included.
pub(crate) fn to_dict<'py, T: Fields>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(value.py());
    for name in T::FIELDS {
        dict.set_item(name, plain(value.getattr(*name)?)?)?;
    }
    Ok(dict)
}

/// A value with every compiled object in it replaced by its dict.
pub(crate) fn plain(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if let Ok(items) = value.cast::<PyTuple>() {
        let items = items.iter().map(plain).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(value.py(), items)?.into_any());
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        // The bytes of a token; JSON has no bytes.
        return Ok(PyList::new(value.py(), bytes.as_bytes())?.into_any());
    }
    match value.getattr_opt("to_dict")? {
        Some(method) => calling_python(|| method.call0()),
        None => Ok(value),
    }
}

/// What `to_dict` returned, with every dict and list in it turned back into what it was.
pub(crate) fn revived<'py, T: Fields>(fields: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let revived = fields.copy()?;
    for (name, value) in fields {
        if let Some(object) = T::revive(name.extract::<&str>()?, &value)? {
            revived.set_item(name, object)?;
        }
    }
    Ok(revived)
}

/// An instance from its dict; anything else as it is.
pub(crate) fn instance<'py, T: PyTypeInfo>(
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance_of::<PyDict>() {
        return T::type_object(value.py()).call_method1("from_dict", (value,));
    }
    Ok(value.clone())
}

/// A list with each item turned back; anything else as it is.
pub(crate) fn each<'py>(
    value: &Bound<'py, PyAny>,
    make: impl Fn(&Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Ok(items) = value.cast::<PyList>() else {
        return Ok(value.clone());
    };
    let fresh: Vec<_> = items
        .iter()
        .map(|item| make(&item))
        .collect::<PyResult<_>>()?;
    Ok(PyList::new(value.py(), fresh)?.into_any())
}

/// `Name(field=…, …)`, fields that are None left out.
pub(crate) fn repr<T: Fields>(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = value.get_type().name()?.to_string();
    text.push('(');
    let mut first = true;
    for name in T::FIELDS {
        let field = value.getattr(*name)?;
        if field.is_none() {
            continue;
        }
        if !first {
            text.push_str(", ");
        }
        first = false;
        text.push_str(name);
        text.push('=');
        text.push_str(field.repr()?.to_str()?);
    }
    text.push(')');
    Ok(text)
}

/// `(rebuild, (class, fields))`: pickles name the class by its public place.
pub(crate) fn reduce<'py, T: Fields>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    let py = value.py();
    let fields = PyDict::new(py);
    for name in T::FIELDS {
        fields.set_item(name, value.getattr(*name)?)?;
    }
    let rebuild = python::own_function(py, "_rebuild")?;
    PyTuple::new(
        py,
        [
            rebuild,
            PyTuple::new(py, [value.get_type().into_any(), fields.into_any()])?.into_any(),
        ],
    )
}

/// Makes a value from its fields; what a pickle calls.
#[pyfunction]
#[pyo3(name = "_rebuild")]
pub(crate) fn rebuild<'py>(
    kind: &Bound<'py, PyAny>,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    kind.call((), Some(fields))
}

/// The schema by which pydantic takes an instance, or the dict that `to_dict` made of one.
pub(crate) fn schema<'py>(class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    calling_python(|| python::SCHEMA.get(class.py())?.call1((class,)))
}

/// What is equal has the same hash, wherever it was made.
pub(crate) fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Adds the shared methods to a class that implements [`Fields`].
macro_rules! value_methods {
    ($class:ty) => {
        #[pymethods]
        impl $class {
            /// The fields as a dict of plain values.
            fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, pyo3::types::PyDict>> {
                $crate::values::value::to_dict::<Self>(slf.as_any())
            }

            /// Makes an instance from what `to_dict` returned.
            #[classmethod]
            fn from_dict<'py>(
                cls: &Bound<'py, pyo3::types::PyType>,
                fields: &Bound<'py, pyo3::types::PyDict>,
            ) -> PyResult<Bound<'py, PyAny>> {
                cls.call((), Some(&$crate::values::value::revived::<Self>(fields)?))
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                $crate::values::value::repr::<Self>(slf.as_any())
            }

            fn __reduce__<'py>(
                slf: &Bound<'py, Self>,
            ) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
                $crate::values::value::reduce::<Self>(slf.as_any())
            }

            fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
                slf
            }

            fn __deepcopy__<'py>(
                slf: Bound<'py, Self>,
                _memo: &Bound<'py, PyAny>,
            ) -> Bound<'py, Self> {
                slf
            }

            #[classmethod]
            fn __get_pydantic_core_schema__<'py>(
                cls: &Bound<'py, pyo3::types::PyType>,
                _source: &Bound<'py, PyAny>,
                _handler: &Bound<'py, PyAny>,
            ) -> PyResult<Bound<'py, PyAny>> {
                $crate::values::value::schema(cls.as_any())
            }
        }
    };
}

pub(crate) use value_methods;
