//! How arguments are read and checked. An error names the argument and says what to pass.

use std::str::FromStr;
use std::time::Duration;

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyMapping, PyString};
use tokenwire_core::config::{Secret, TransportSetting};
use tokenwire_core::error::ErrorKind;
use tokenwire_core::words::UnknownWord;

use crate::ground::exit::calling_python;
use crate::ground::{exception, json};

// Longer limits are mistakes, and far below any overflow of the clock.
const YEAR_SECS: f64 = 31_536_000.0;

fn wrong(py: Python<'_>, name: &str, why: &str) -> PyErr {
    exception::of_kind(py, ErrorKind::Config, &format!("{name}: {why}"))
}

/// Seconds: a positive finite number.
pub(crate) fn seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    read_seconds(value, name, "give seconds above 0")
}

/// Seconds where None, which the caller handles, means no limit.
pub(crate) fn limit(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    read_seconds(value, name, "give seconds above 0, or None for no limit")
}

fn read_seconds(value: &Bound<'_, PyAny>, name: &str, hint: &str) -> PyResult<Duration> {
    let py = value.py();
    let refuse = |why: &str| {
        let shown = json::short_repr(value);
        wrong(py, name, &format!("{shown} {why}; {hint}"))
    };
    if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyString>() {
        return Err(refuse("is not a number"));
    }
    let number: f64 = value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(py) {
            refuse("is not a number")
        } else if error.is_instance_of::<PyOverflowError>(py) {
            refuse("is not a number of seconds")
        } else {
            error
        }
    })?;
    if number.is_nan() || number <= 0.0 {
        return Err(refuse("is not above 0"));
    }
    if number > YEAR_SECS {
        return Err(refuse("is longer than a year"));
    }
    Ok(Duration::from_secs_f64(number))
}

/// A whole number of at least `least`.
pub(crate) fn count(value: &Bound<'_, PyAny>, name: &str, least: u64) -> PyResult<u64> {
    let number = value.extract().ok();
    number
        .filter(|number| *number >= least && !value.is_instance_of::<PyBool>())
        .ok_or_else(|| {
            let shown = json::short_repr(value);
            let why = format!("{shown} is not a whole number of at least {least}");
            wrong(value.py(), name, &why)
        })
}

/// The same, of at most `most`.
pub(crate) fn count_up_to(value: &Bound<'_, PyAny>, name: &str, most: u32) -> PyResult<u32> {
    let number = count(value, name, 0)?;
    let number_in_range = u32::try_from(number).ok().filter(|number| *number <= most);
    number_in_range.ok_or_else(|| wrong(value.py(), name, &format!("{number} is over {most}")))
}

/// The word for a transport.
pub(crate) fn transport(value: &Bound<'_, PyAny>) -> PyResult<TransportSetting> {
    let name = "transport";
    text(value, name)?.parse().map_err(|_| {
        let shown = json::short_repr(value);
        let why = format!("give \"auto\", \"direct\" or \"general\", not {shown}");
        wrong(value.py(), name, &why)
    })
}

/// True or False.
pub(crate) fn flag(value: &Bound<'_, PyAny>, name: &str) -> PyResult<bool> {
    let flag = value.extract();
    flag.map_err(|_| wrong(value.py(), name, "give True or False"))
}

/// A str.
pub(crate) fn text(value: &Bound<'_, PyAny>, name: &str) -> PyResult<String> {
    let text = value.extract();
    text.map_err(|_| wrong(value.py(), name, "give a str"))
}

/// A str as an argument of a constructor. Python's may hold a lone surrogate, and then [`TextArgument::named`] fails with an
/// error that has the name of the argument.
pub(crate) struct TextArgument(Option<String>);

impl Default for TextArgument {
    fn default() -> Self {
        Self(Some(String::new()))
    }
}

impl<'py> FromPyObject<'_, 'py> for TextArgument {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = value.cast::<PyString>()?;
        Ok(Self(text.to_str().ok().map(str::to_owned)))
    }
}

impl TextArgument {
    /// The text of the argument `name`, or an `LlmValidationError`.
    pub(crate) fn named(self, py: Python<'_>, name: &str) -> PyResult<String> {
        self.0.ok_or_else(|| {
            let why = format!("{name}: the text holds {SURROGATE}");
            exception::of_kind(py, ErrorKind::Validation, &why)
        })
    }
}

/// The same for an argument that may be None.
pub(crate) fn named(
    py: Python<'_>,
    text: Option<TextArgument>,
    name: &str,
) -> PyResult<Option<String>> {
    text.map(|text| text.named(py, name)).transpose()
}

/// What is wrong with a str that Rust cannot hold.
const SURROGATE: &str = "a lone surrogate, which UTF-8 cannot carry";

/// A mapping of str to str; None is an empty one.
pub(crate) fn pairs(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<(String, String)>> {
    read_pairs(value, name, |text| text)
}

/// The same, with values that are secret, and that Python may have sealed.
pub(crate) fn secret_pairs(
    value: &Bound<'_, PyAny>,
    name: &str,
) -> PyResult<Vec<(String, Secret)>> {
    read_pairs(value, name, Secret::new)
}

/// Reads a mapping of str to str. No error shows a value.
fn read_pairs<T>(
    value: &Bound<'_, PyAny>,
    name: &str,
    read: impl Fn(String) -> T,
) -> PyResult<Vec<(String, T)>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    let py = value.py();
    let refused = || wrong(py, name, "give a dict of str to str");
    let items = value.cast::<PyMapping>().map_err(|_| refused())?.items()?;
    let mut pairs = Vec::with_capacity(items.len());
    for item in items {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let key = key.cast_into::<PyString>().map_err(|_| refused())?;
        let value = revealed(value)?.cast_into::<PyString>();
        let value = value.map_err(|_| refused())?;
        let surrogate = format!("holds {SURROGATE}");
        let Ok(key) = key.to_str() else {
            return Err(wrong(py, name, &format!("a name {surrogate}")));
        };
        let Ok(value) = value.to_str() else {
            return Err(wrong(
                py,
                name,
                &format!("the value of {key:?} {surrogate}"),
            ));
        };
        pairs.push((key.to_owned(), read(value.to_owned())));
    }
    Ok(pairs)
}

/// The value in a `Secret` of `python/tokenwire/settings/secret.py`, and any other value unchanged.
pub(crate) fn revealed(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if value.is_instance_of::<PyString>() {
        return Ok(value);
    }
    match value.getattr_opt(intern!(value.py(), "reveal"))? {
        Some(reveal) => calling_python(|| reveal.call0()),
        None => Ok(value),
    }
}

/// The variant of an enum that a word stands for.
pub(crate) fn variant<T>(py: Python<'_>, name: &str, word: &str) -> PyResult<T>
where
    T: FromStr<Err = UnknownWord>,
{
    word.parse().map_err(|UnknownWord { known }| {
        let why = format!("{name}: {word:?} is not one of {}", known.join(", "));
        exception::of_kind(py, ErrorKind::Validation, &why)
    })
}

/// Refuses the settings of a class that it does not have.
pub(crate) fn refuse_unknown(
    settings: &Bound<'_, PyDict>,
    class: &str,
    known: &[&str],
) -> PyResult<()> {
    for name in settings.keys() {
        let name = name.to_string();
        if !known.contains(&name.as_str()) {
            let why = format!("no such setting; there are {}", known.join(", "));
            return Err(wrong(settings.py(), &format!("{class}.{name}"), &why));
        }
    }
    Ok(())
}

/// Refuses keyword arguments with other names than these.
pub(crate) fn refuse_others(keywords: Option<&Bound<'_, PyDict>>, known: &[&str]) -> PyResult<()> {
    for (name, _) in keywords.into_iter().flatten() {
        if !known.contains(&&*name.cast::<PyString>()?.to_string_lossy()) {
            return Err(unexpected(&name));
        }
    }
    Ok(())
}

/// Python's own error for an unknown keyword argument.
pub(crate) fn unexpected(name: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("got an unexpected keyword argument '{name}'"))
}
