//! What a provider counts beyond the counts that all providers have.

use crate::json::{Error, Reader, push_string};
use crate::message::RawJson;

/// The members of an object that are left, as JSON text.
#[derive(Debug, Default)]
pub(super) struct Details(String);

impl Details {
    /// Adds a member, unless its value is null or an empty object.
    pub(super) fn push(&mut self, key: &str, raw: &str) {
        let inside = raw.strip_prefix('{').unwrap_or(raw).trim_ascii_start();
        if raw == "null" || inside == "}" {
            return;
        }
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        push_string(&mut self.0, key);
        self.0.push(':');
        self.0.push_str(raw);
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The object, which may be empty.
    pub(super) fn object(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }

    /// The object, unless it is empty.
    pub(super) fn json(self) -> Option<RawJson> {
        (!self.0.is_empty()).then(|| RawJson::read(&self.object()))?
    }
}

/// The digits of an amount, unless it is not a number.
pub(super) fn amount(reader: &mut Reader<'_>) -> Result<Option<String>, Error> {
    let digits = reader.number()?;
    Ok(digits
        .ends_with(|last: char| last.is_ascii_digit())
        .then(|| digits.to_owned()))
}
