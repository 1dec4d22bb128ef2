//! One part of a message as the caller wrote it: its fields are JSON text.

use crate::error::Error;
use crate::json::{Kind, Reader, write_string};
use crate::wire::dialect::Provider;
use crate::wire::invalid::invalid;
use crate::wire::openai::body::{Fields, fields};

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
            .ok_or_else(|| {
                invalid(format!(
                    "{}.{key}: it is missing, or it is not a string",
                    self.path
                ))
            })
    }

    /// Keys that we do not know, which go along: providers have their own (`cache_control`).
    pub(super) fn extra(&self, known: &[&str]) -> String {
        let mut extra = String::new();
        for (key, raw) in &self.fields {
            if key != "type" && *raw != "null" && !known.contains(&&**key) {
                let mut name = Vec::new();
                field(&mut name, key, raw);
                extra.push_str(&String::from_utf8_lossy(&name));
            }
        }
        extra
    }

    /// Whether it came from `provider`.
    pub(super) fn is_from(&self, provider: &Provider) -> bool {
        self.get("provider")
            .is_some_and(|raw| plain(raw) == provider.name)
    }
}

/// The items of a JSON list.
pub(super) fn items<'a>(raw: &'a str, path: &str) -> Result<Vec<&'a str>, Error> {
    let mut reader = Reader::over(raw);
    if reader.peek()? != Kind::Array {
        return Err(invalid(format!("{path}: it must be a list")));
    }
    let mut items = Vec::new();
    reader.array(|reader| {
        items.push(reader.raw()?);
        Ok(())
    })?;
    Ok(items)
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
