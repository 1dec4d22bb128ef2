//! Text of others, as people may see it. The rules are those of `tokenwire_core::redact`.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::PyString;
use tokenwire_core::{local_file, redact};

/// A str as UTF-8; lone surrogates are escaped.
fn utf8<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, str>> {
    if let Ok(text) = text.to_str() {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = text.call_method1("encode", ("utf-8", "backslashreplace"))?;
    let bytes: Vec<u8> = bytes.extract()?;
    Ok(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Escapes what steers a terminal, turns text around or hides; newlines and tabs stay.
#[pyfunction]
pub(crate) fn escaped(text: &Bound<'_, PyString>) -> PyResult<String> {
    Ok(redact::escaped(&utf8(text)?))
}

/// Does the same on one line of at most `most` characters: newlines and tabs become spaces.
#[pyfunction]
#[pyo3(signature = (text, most=usize::MAX))]
pub(crate) fn one_line(text: &Bound<'_, PyString>, most: usize) -> PyResult<String> {
    Ok(redact::one_line(&utf8(text)?, most))
}

/// Removes what steers a terminal or turns text around, for the text of a model; newlines and tabs stay.
#[pyfunction]
pub(crate) fn without_controls(text: &Bound<'_, PyString>) -> PyResult<String> {
    let mut text = utf8(text)?.into_owned();
    text.retain(|c| matches!(c, '\n' | '\t') || !redact::steers(c));
    Ok(text)
}

/// Shows of base64, hex and percent-encoded data over 256 characters only the first 32; all other text stays.
#[pyfunction]
pub(crate) fn without_data(text: &Bound<'_, PyString>) -> PyResult<String> {
    Ok(redact::without_data(&utf8(text)?).into_owned())
}

/// Whether a string is the path of a file or a `file:` URL, where a URL for a provider belongs.
#[pyfunction]
pub(crate) fn names_local_file(url: &Bound<'_, PyString>) -> PyResult<bool> {
    Ok(local_file::names_local_file(&utf8(url)?))
}
