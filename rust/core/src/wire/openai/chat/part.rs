//! One part of a message as the caller wrote it: its fields are JSON text.

use crate::error::Error;
use crate::json::{Reader, write_string};
use crate::wire::body::{Fields, fields, invalid};
use crate::wire::providers::Provider;

/// One part.
pub(super) struct Part<'a> {
    pub(super) kind: String,
    pub(super) path: String,
    pub(super) fields: Fields<'a>,
}

impl<'a> Part<'a> {
    /// Reads a part; `path` is for messages.
    pub(super) fn read(raw: &'a str, path: String) -> Result<Self, Error> {
        let fields = fields(raw, &path)?;
        let mut part = Self {
            kind: String::new(),
            path,
            fields,
        };
        part.kind = plain(part.text("type")?);
        Ok(part)
    }

    /// A field that is not null.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let found = self.fields.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| *raw).filter(|raw| *raw != "null")
    }

    /// A field that must be a string, as JSON text.
    pub(super) fn text(&self, key: &str) -> Result<&'a str, Error> {
        self.get(key)
            .filter(|raw| raw.starts_with('"'))
            .ok_or_else(|| self.invalid(&format!(".{key}: it is missing, or it is not a string")))
    }

    /// The keys that we do not know. They are sent along, because providers have their own (`cache_control`).
    pub(super) fn extra(&self, known: &[&str]) -> String {
        let mut extra = Vec::new();
        for (key, raw) in &self.fields {
            if key != "type" && *raw != "null" && !known.contains(&&**key) {
                field(&mut extra, key, raw);
            }
        }
        String::from_utf8_lossy(&extra).into_owned()
    }

    /// An error about this part; `why` goes on from its path.
    pub(super) fn invalid(&self, why: &str) -> Error {
        invalid(format!("{}{why}", self.path))
    }

    /// Whether it came from `provider`.
    pub(super) fn is_from(&self, provider: &Provider) -> bool {
        self.get("provider")
            .is_some_and(|raw| plain(raw) == provider.name)
    }
}

/// Writes a comma, a key and its value, which is JSON.
pub(super) fn field(out: &mut Vec<u8>, key: &str, json: &str) {
    out.push(b',');
    write_string(out, key);
    out.push(b':');
    out.extend_from_slice(json.as_bytes());
}

/// A JSON string without its quotes.
pub(super) fn inner(raw: &str) -> &str {
    raw.strip_prefix('"')
        .and_then(|raw| raw.strip_suffix('"'))
        .unwrap_or(raw)
}

/// A JSON string's text; empty for another value.
pub(super) fn plain(raw: &str) -> String {
    let text = Reader::over(raw).string().unwrap_or_default();
    text.into_lossy().into_owned()
}
