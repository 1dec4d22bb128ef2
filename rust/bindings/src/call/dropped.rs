//! What was left out of a request, by its place in the caller's own messages.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The paths as the caller would write them; None where nothing was left out.
pub(crate) fn in_input(dropped: &[String], input: &Bound<'_, PyAny>) -> Option<Arc<[String]>> {
    let paths = dropped.iter();
    (!dropped.is_empty()).then(|| paths.map(|path| path_in(input, path)).collect())
}

/// The engine reads the parts of every message as `parts`; of an `LlmMessage` they are the `content`.
fn path_in(input: &Bound<'_, PyAny>, path: &str) -> String {
    if let Some((message, part)) = path.split_once(".parts[")
        && let Some(number) = message.strip_prefix("messages[")
        && let Ok(number) = number.trim_end_matches(']').parse::<usize>()
        && let Ok(given) = input.get_item(number)
        && !given.is_instance_of::<PyDict>()
    {
        return format!("{message}.content[{part}");
    }
    path.to_owned()
}
