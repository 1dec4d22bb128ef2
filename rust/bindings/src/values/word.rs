//! Words that stand for the variants of an enum, as Python passes them.

use std::str::FromStr;

use pyo3::prelude::*;
use tokenwire_core::error::ErrorKind;
use tokenwire_core::words::UnknownWord;

use crate::ground::exception;

/// The variant of a word that was passed as `field`.
pub(crate) fn variant<T>(py: Python<'_>, field: &str, word: &str) -> PyResult<T>
where
    T: FromStr<Err = UnknownWord>,
{
    word.parse().map_err(|UnknownWord { known }| {
        let problem = format!("{field}: {word:?} is none of {}", known.join(", "));
        exception::of_kind(py, ErrorKind::Validation, &problem)
    })
}

/// The same, where None stands for no variant.
pub(crate) fn optional<T>(py: Python<'_>, field: &str, word: Option<&str>) -> PyResult<Option<T>>
where
    T: FromStr<Err = UnknownWord>,
{
    word.map(|word| variant(py, field, word)).transpose()
}
