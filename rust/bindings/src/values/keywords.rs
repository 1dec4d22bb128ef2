//! Keyword arguments of a setting, checked one by one.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use tokenwire_core::error::ErrorKind;

use crate::ground::json;
use crate::values::raise;
use crate::values::value::Fields;

/// Keyword arguments, told apart from those not given: None means something here.
pub(crate) struct Given<'a, 'py> {
    pub(crate) class: &'static str,
    pub(crate) py: Python<'py>,
    pub(crate) fields: Option<&'a Bound<'py, PyDict>>,
}

impl<'py> Given<'_, 'py> {
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
        raise::plain(
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
            Some(value) => json::seconds(&value, &format!("{}.{name}", self.class)).map(Some),
        }
    }

    /// Seconds that are always a limit.
    pub(crate) fn seconds(&self, name: &str, usual: Duration) -> PyResult<Duration> {
        match self.get(name)? {
            None => Ok(usual),
            Some(value) if value.is_none() => {
                Err(self.wrong(name, "None is not a number of seconds"))
            }
            Some(value) => json::seconds(&value, &format!("{}.{name}", self.class)),
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
