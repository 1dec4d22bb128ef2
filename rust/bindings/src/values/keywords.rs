//! Arguments of a setting, checked one by one: what is wrong with one is raised with its name.

use std::time::Duration;

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyMapping, PyString};
use tokenwire_core::error::ErrorKind;

use crate::ground::{exception, json};
use crate::values::value::Fields;

// Longer limits are mistakes, and far from any overflow of the clock.
const YEAR_SECS: f64 = 31_536_000.0;

/// Keyword arguments, as they were passed: None is not the same as absent.
pub(crate) struct Keywords<'a, 'py> {
    pub(crate) class: &'static str,
    pub(crate) py: Python<'py>,
    pub(crate) fields: Option<&'a Bound<'py, PyDict>>,
}

impl<'py> Keywords<'_, 'py> {
    pub(crate) fn check<T: Fields>(&self) -> PyResult<()> {
        for key in self.fields.iter().flat_map(|fields| fields.keys()) {
            let key = key.to_string();
            if !T::FIELDS.contains(&key.as_str()) {
                let known = T::FIELDS.join(", ");
                return Err(self.wrong(
                    &key,
                    &format!("there is no such setting; there are {known}"),
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.fields.map_or(Ok(None), |fields| fields.get_item(name))
    }

    pub(crate) fn wrong(&self, name: &str, why: &str) -> PyErr {
        exception::of_kind(
            self.py,
            ErrorKind::Config,
            &format!("{}.{name}: {why}", self.class),
        )
    }

    /// Seconds; None is no limit.
    pub(crate) fn limit(&self, name: &str, usual: Option<Duration>) -> PyResult<Option<Duration>> {
        match self.get(name)? {
            None => Ok(usual),
            Some(value) if value.is_none() => Ok(None),
            Some(value) => seconds(&value, &format!("{}.{name}", self.class)).map(Some),
        }
    }

    /// Seconds that are always a limit.
    pub(crate) fn seconds(&self, name: &str, usual: Duration) -> PyResult<Duration> {
        match self.get(name)? {
            None => Ok(usual),
            Some(value) if value.is_none() => {
                Err(self.wrong(name, "None is not a number of seconds"))
            }
            Some(value) => seconds(&value, &format!("{}.{name}", self.class)),
        }
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&self, name: &str, usual: u64, least: u64) -> PyResult<u64> {
        let Some(value) = self.get(name)? else {
            return Ok(usual);
        };
        let wrong = || {
            let shown = value
                .repr()
                .map_or_else(|_| "?".to_owned(), |text| text.to_string());
            self.wrong(
                name,
                &format!("{shown} is not a whole number of at least {least}"),
            )
        };
        if value.is_instance_of::<PyBool>() {
            return Err(wrong());
        }
        let number: u64 = value.extract().map_err(|_| wrong())?;
        if number < least {
            Err(wrong())
        } else {
            Ok(number)
        }
    }

    pub(crate) fn size(&self, name: &str, usual: usize) -> PyResult<usize> {
        Ok(usize::try_from(self.count(name, usual as u64, 1)?).unwrap_or(usize::MAX))
    }

    pub(crate) fn flag(&self, name: &str, usual: bool) -> PyResult<bool> {
        self.get(name)?.map_or(Ok(usual), |value| {
            value
                .extract()
                .map_err(|_| self.wrong(name, "give True or False"))
        })
    }
}

/// Seconds from Python: a positive finite number.
pub(crate) fn seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
    let py = value.py();
    let wrong = |why: &str| {
        exception::of_kind(
            py,
            ErrorKind::Config,
            &format!("{name}: {why}; give seconds above 0, or None for no limit"),
        )
    };
    if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyString>() {
        return Err(wrong(&format!(
            "{} is not a number",
            json::short_repr(value)
        )));
    }
    let number: f64 = value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(py) {
            wrong(&format!("{} is not a number", json::short_repr(value)))
        } else if error.is_instance_of::<PyOverflowError>(py) {
            wrong(&format!(
                "{} is no number of seconds",
                json::short_repr(value)
            ))
        } else {
            error
        }
    })?;
    if number.is_nan() || number <= 0.0 {
        return Err(wrong(&format!(
            "{} is not above 0",
            json::short_repr(value)
        )));
    }
    if number > YEAR_SECS {
        return Err(wrong(&format!(
            "{} is longer than a year",
            json::short_repr(value)
        )));
    }
    Ok(Duration::from_secs_f64(number))
}

/// A mapping of str to str.
pub(crate) fn pairs(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<(String, String)>> {
    let wrong = || {
        let message = format!("{what}: give a dict of str to str");
        exception::of_kind(value.py(), ErrorKind::Config, &message)
    };
    if value.is_none() {
        return Ok(Vec::new());
    }
    let items = value.cast::<PyMapping>().map_err(|_| wrong())?.items()?;
    items.extract().map_err(|_| wrong())
}

/// Refuses keyword arguments of other names than these.
pub(crate) fn refuse_others(given: Option<&Bound<'_, PyDict>>, known: &[&str]) -> PyResult<()> {
    for (name, _) in given.into_iter().flatten() {
        if !known.contains(&name.cast::<PyString>()?.to_str()?) {
            return Err(unexpected(&name));
        }
    }
    Ok(())
}

/// What Python says of an unknown keyword argument.
pub(crate) fn unexpected(name: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("got an unexpected keyword argument '{name}'"))
}
