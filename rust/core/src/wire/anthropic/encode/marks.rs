//! Marks where a cached prefix ends. A request has four at most.

use crate::error::Error;
use crate::wire::body::invalid;
use crate::wire::cache_marks::CacheMarks;

/// The most marks of a request: 400 "A maximum of 4 blocks with `cache_control` may be provided".
const MOST: usize = 4;

/// The marks of a request.
#[derive(Default)]
pub(super) struct Marks {
    count: usize,
    /// Where the first one too many is.
    too_many: Option<String>,
}

impl Marks {
    /// What is written for the `cache` of the part or tool at `path`: a comma and a field, or nothing. Servers that cache by
    /// themselves ignore it.
    pub(super) fn mark(
        &mut self,
        cache: Option<&str>,
        path: impl Fn() -> String,
        model: &str,
    ) -> Result<&'static str, Error> {
        let mark = CacheMarks::Control.mark(cache, &path, model)?;
        if !mark.is_empty() {
            self.note(|| format!("{}.cache", path()));
        }
        Ok(mark)
    }

    /// Notes the mark at a path, such as one that the caller wrote in the form of this API.
    pub(super) fn note(&mut self, path: impl FnOnce() -> String) {
        self.count += 1;
        if self.count > MOST && self.too_many.is_none() {
            self.too_many = Some(path());
        }
    }

    /// Refuses more marks than the API takes.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(path) = &self.too_many else {
            return Ok(());
        };
        Err(invalid(format!(
            "{path}: messages takes {MOST} marks of cached prefixes, and there are {}; leave out {} of them",
            self.count,
            self.count - MOST
        )))
    }
}
