//! What all value classes share: `repr`, `to_dict`, pickling, copying and a pydantic schema.
//!
//! `getters!` and `value_methods!` declare most of a class from a table of its fields.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use pyo3::prelude::*;
use pyo3::type_object::PyTypeInfo;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PyString, PyTuple, PyType};
use tokenwire_core::redact::without_data;

use crate::ground::exit::calling_python;
use crate::ground::python;

/// Turns what `to_dict` wrote for a field back into what the constructor takes.
pub(crate) type FromDict = for<'a, 'py> fn(&'a Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>;

/// The fields of a value class.
pub(crate) trait Fields {
    /// Their names in constructor order; each one is a readable attribute.
    const FIELDS: &'static [&'static str];

    /// The fields that `to_dict` does not write as they are.
    const NESTED: &'static [(&'static str, FromDict)] = &[];
}

/// Fields that a dict lacks if they are None, because hardly any value has them.
const SELDOM: [&str; 3] = ["details", "extra", "stop_details"];

/// The fields as a dict of plain values, nested objects included.
pub(crate) fn to_dict<'py, T: Fields>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(value.py());
    for name in T::FIELDS {
        let field = value.getattr(*name)?;
        if !SELDOM.contains(name) || !field.is_none() {
            dict.set_item(name, plain(field)?)?;
        }
    }
    Ok(dict)
}

/// A value with each of our objects in it replaced by its dict, and each number that JSON lacks by its name.
pub(crate) fn plain(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if let Ok(items) = value.cast::<PyTuple>() {
        let items = items.iter().map(plain).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(value.py(), items)?.into_any());
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        // The bytes of a token; JSON has no bytes.
        return Ok(PyList::new(value.py(), bytes.as_bytes())?.into_any());
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(match number.value() {
            finite if finite.is_finite() => value,
            nan if nan.is_nan() => PyString::new(number.py(), "NaN").into_any(),
            infinite if infinite > 0.0 => PyString::new(number.py(), "Infinity").into_any(),
            _ => PyString::new(number.py(), "-Infinity").into_any(),
        });
    }
    match value.getattr_opt("to_dict")? {
        Some(method) => calling_python(|| method.call0()),
        None => Ok(value),
    }
}

/// Makes a value from what `to_dict` returned.
pub(crate) fn from_dict<'py, T: Fields>(
    class: &Bound<'py, PyType>,
    fields: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = fields.copy()?;
    for (name, read) in T::NESTED {
        if let Some(value) = fields.get_item(name)? {
            arguments.set_item(name, read(&value)?)?;
        }
    }
    class.call((), Some(&arguments))
}

/// An instance of `T` from its dict; any other value unchanged.
pub(crate) fn instance<'py, T: PyTypeInfo>(
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance_of::<PyDict>() {
        return T::type_object(value.py()).call_method1("from_dict", (value,));
    }
    Ok(value.clone())
}

/// A number from its name; any other value unchanged.
pub(crate) fn number<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance_of::<PyString>() {
        return value.py().get_type::<PyFloat>().call1((value,));
    }
    Ok(value.clone())
}

/// A list whose dicts become instances of `T`; any other value unchanged.
pub(crate) fn instances<'py, T: PyTypeInfo>(
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    match value.cast::<PyList>() {
        Ok(items) => {
            let items = items.iter().map(|item| instance::<T>(&item));
            Ok(PyList::new(value.py(), items.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
        Err(_) => Ok(value.clone()),
    }
}

/// `Name(field=…, …)`, without the fields that are None, and with the beginning of data only.
pub(crate) fn repr<T: Fields>(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut shown = Vec::new();
    for name in T::FIELDS {
        let field = value.getattr(*name)?;
        if !field.is_none() {
            shown.push(format!("{name}={}", field.repr()?.to_str()?));
        }
    }
    let class = value.get_type().name()?;
    let shown = format!("{class}({})", shown.join(", "));
    Ok(without_data(&shown).into_owned())
}

/// The keyword arguments that make an equal value. Pickle calls the constructor with them.
pub(crate) fn arguments<'py, T: Fields>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(value.py());
    for name in T::FIELDS {
        fields.set_item(name, value.getattr(*name)?)?;
    }
    Ok(fields)
}

/// The schema by which pydantic accepts an instance, or the dict that `to_dict` made of one.
pub(crate) fn schema<'py>(class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    calling_python(|| python::SCHEMA.get(class.py())?.call1((class,)))
}

/// A hash for `__hash__`: equal values have the same one.
pub(crate) fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Implements [`Fields`]: `fields!(Class: a, b, c)`. `; a = read` names the [`FromDict`] of a field.
macro_rules! fields {
    ($class:ident: $($field:ident),* $(; $($nested:ident = $read:expr),+)?) => {
        impl $crate::values::value::Fields for $class {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            $(const NESTED: &'static [(&'static str, $crate::values::value::FromDict)] =
                &[$((stringify!($nested), $read)),+];)?
        }
    };
}

/// Adds the shared methods to a class, given its fields as in `fields!`.
macro_rules! value_methods {
    ($class:ident: $($fields:tt)*) => {
        $crate::values::value::fields!($class: $($fields)*);

        #[pymethods]
        impl $class {
            /// Returns the fields as a dict of plain values, ready for JSON; nested objects become dicts.
            fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, pyo3::types::PyDict>> {
                $crate::values::value::to_dict::<Self>(slf.as_any())
            }

            /// Creates an instance from a dict that `to_dict` returned.
            #[classmethod]
            fn from_dict<'py>(
                cls: &Bound<'py, pyo3::types::PyType>,
                fields: &Bound<'py, pyo3::types::PyDict>,
            ) -> PyResult<Bound<'py, PyAny>> {
                $crate::values::value::from_dict::<Self>(cls, fields)
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                $crate::values::value::repr::<Self>(slf.as_any())
            }

            fn __getnewargs_ex__<'py>(
                slf: &Bound<'py, Self>,
            ) -> PyResult<((), Bound<'py, pyo3::types::PyDict>)> {
                $crate::values::value::arguments::<Self>(slf.as_any()).map(|fields| ((), fields))
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

/// Adds a getter for each field of the engine's struct that a class wraps.
macro_rules! getters {
    ($class:ident { $($(#[$about:meta])* $field:ident: $kind:ty,)* }) => {
        #[pymethods]
        impl $class {
            $(
                $(#[$about])*
                #[getter]
                fn $field(&self) -> &$kind {
                    &self.0.$field
                }
            )*
        }
    };
}

pub(crate) use {fields, getters, value_methods};
