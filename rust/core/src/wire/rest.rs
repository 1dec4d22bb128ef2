//! The members of a JSON object that nothing else came from.

use crate::json::write_string;
use crate::message::RawJson;

/// The members of an object that are left, as JSON text.
#[derive(Debug, Default)]
pub(super) struct Rest(String);

impl Rest {
    /// Adds a member, unless its value is null or an empty object.
    pub(super) fn push(&mut self, key: &str, raw: &str) {
        let inside = raw.strip_prefix('{').unwrap_or(raw).trim_ascii_start();
        if raw == "null" || inside == "}" {
            return;
        }
        let mut name = Vec::with_capacity(key.len() + 2);
        write_string(&mut name, key);
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&String::from_utf8_lossy(&name));
        self.0.push(':');
        self.0.push_str(raw);
    }

    /// The object with those members.
    pub(super) fn object(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }

    /// The object, unless it is empty.
    pub(super) fn json(self) -> Option<RawJson> {
        if self.0.is_empty() {
            return None;
        }
        RawJson::read(&self.object())
    }
}
