//! `Citation`: a source that a provider names for a span of its text.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tokenwire_core::message::{self, RawJson};

use crate::values::extra;
use crate::values::keywords::{TextArgument, named};
use crate::values::value::value_methods;

/// A source that the provider names for a span of the text of a reply, such as a web page or a file.
#[pyclass(frozen, eq, hash, from_py_object, get_all, module = "tokenwire")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Citation {
    /// Where the span begins in `LlmResponse.text`, in characters; None if the provider gives no span.
    start: Option<usize>,
    /// Where the span ends, in characters: the place after its last one.
    end: Option<usize>,
    /// The text of the span; None without one.
    text: Option<Span>,
    /// The address of the source.
    url: Option<String>,
    /// The title of the source.
    title: Option<String>,
    /// The provider's id of the file that is the source, or else its name.
    document: Option<String>,
    /// The provider's JSON object, as it was sent.
    raw: Option<Raw>,
}

impl Citation {
    /// The citations of a choice.
    pub(crate) fn tuple<'py>(
        py: Python<'py>,
        choice: Option<&message::Choice>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let found = choice.map(|choice| (choice, choice.citations()));
        let Some((choice, found)) = found.filter(|(_, found)| !found.is_empty()) else {
            return Ok(PyTuple::empty(py));
        };
        let whole: Arc<str> = choice.text().into();
        let citations = found.into_iter().map(|one| {
            let (chars, bytes) = one.span.map(|span| (span.chars, span.bytes)).unzip();
            Self {
                start: chars.as_ref().map(|chars| chars.start),
                end: chars.map(|chars| chars.end),
                text: bytes.map(|bytes| Span(Arc::clone(&whole), bytes)),
                url: one.url,
                title: one.title,
                document: one.document,
                raw: Some(Raw(one.raw)),
            }
        });
        PyTuple::new(py, citations.collect::<Vec<_>>())
    }
}

#[pymethods]
impl Citation {
    #[new]
    #[pyo3(signature = (*, start=None, end=None, text=None, url=None, title=None, document=None, raw=None))]
    #[allow(clippy::too_many_arguments, reason = "one for each field")]
    fn py_new(
        py: Python<'_>,
        start: Option<usize>,
        end: Option<usize>,
        text: Option<TextArgument>,
        url: Option<TextArgument>,
        title: Option<TextArgument>,
        document: Option<TextArgument>,
        raw: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let text = named(py, text, "text")?;
        Ok(Self {
            start,
            end,
            text: text.map(|text| Span(text.as_str().into(), 0..text.len())),
            url: named(py, url, "url")?,
            title: named(py, title, "title")?,
            document: named(py, document, "document")?,
            raw: extra::read_value(raw.as_ref(), "raw")?.map(Raw),
        })
    }
}

value_methods!(Citation: start, end, text, url, title, document, raw);

/// A span of a text that all citations of a choice share: many of them may name the same words.
#[derive(Clone)]
struct Span(Arc<str>, Range<usize>);

impl Span {
    fn text(&self) -> &str {
        self.0.get(self.1.clone()).unwrap_or_default()
    }
}

impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Span {}

impl Hash for Span {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl<'py> IntoPyObject<'py> for &Span {
    type Target = pyo3::types::PyString;
    type Output = Bound<'py, Self::Target>;
    type Error = std::convert::Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.text().into_pyobject(py)
    }
}

/// A JSON value that becomes a Python value when it is read.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Raw(RawJson);

impl<'py> IntoPyObject<'py> for &Raw {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(extra::value(py, Some(&self.0))?.unwrap_or_else(|| py.None().into_bound(py)))
    }
}
