//! One part of a message, as the caller wrote it. Its fields are JSON text.

use std::borrow::Cow;
use std::rc::Rc;

use super::blocks::check_url;
use crate::error::Error;
use crate::json::{Reader, write_string};
use crate::wire::body::{Fields, fields, invalid};
use crate::wire::providers::Provider;

/// One part.
pub(super) struct Part<'a> {
    pub(super) kind: Cow<'a, str>,
    /// The path of the list that it is in, and its place there.
    list: Rc<str>,
    at: usize,
    pub(super) fields: Fields<'a>,
}

impl<'a> Part<'a> {
    /// Reads a part. Error messages name it by its list and its place in it.
    pub(super) fn read(raw: &'a str, list: &Rc<str>, at: usize) -> Result<Self, Error> {
        let fields = fields(raw, format_args!("{list}[{at}]"))?;
        let mut part = Self {
            kind: Cow::Borrowed(""),
            list: list.clone(),
            at,
            fields,
        };
        part.kind = plain(part.text("type")?);
        Ok(part)
    }

    /// What error messages call it.
    pub(super) fn path(&self) -> String {
        format!("{}[{}]", self.list, self.at)
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

    /// The keys of the object in `key`, if there is one.
    pub(super) fn object(&self, key: &str) -> Result<Fields<'a>, Error> {
        match self.get(key) {
            Some(raw) => fields(raw, format_args!("{}[{}].{key}", self.list, self.at)),
            None => Ok(Fields::new()),
        }
    }

    /// An error about this part; `why` goes on from its path.
    pub(super) fn invalid(&self, why: &str) -> Error {
        invalid(format!("{}{why}", self.path()))
    }

    /// Whether `model` was asked for it.
    pub(super) fn is_of(&self, model: &str) -> bool {
        self.get("model").is_some_and(|raw| plain(raw) == model)
    }

    /// Whether it is from `provider`.
    pub(super) fn is_from(&self, provider: &Provider) -> bool {
        self.get("provider")
            .is_some_and(|raw| plain(raw) == provider.name)
    }
}

/// Writes a comma, a key and a JSON value.
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

/// The text of a JSON string; empty for any other value.
pub(super) fn plain(raw: &str) -> Cow<'_, str> {
    let text = Reader::over(raw).string().unwrap_or_default();
    text.into_lossy()
}

/// The content block of an image, audio or file.
pub(super) fn media(part: &Part<'_>) -> Result<String, Error> {
    let url = |default: &str| -> Result<String, Error> {
        if let Some(url) = part.get("url") {
            check_url(&format!("{}.url", part.path()), url)?;
            return Ok(url.to_owned());
        }
        let kind = part.get("media_type").map_or(default, inner);
        let data = part
            .text("data")
            .map_err(|_| part.invalid(": it needs url, or data in base64"))?;
        let data = inner(data);
        Ok(format!("\"data:{kind};base64,{data}\""))
    };
    let optional = |key: &str| {
        part.get(key)
            .map(|raw| format!(",\"{key}\":{raw}"))
            .unwrap_or_default()
    };
    let extra = part.extra(&[
        "url",
        "data",
        "media_type",
        "detail",
        "format",
        "file_id",
        "filename",
    ]);
    Ok(match &*part.kind {
        "image" => format!(
            r#"{{"type":"image_url","image_url":{{"url":{}{}}}{extra}}}"#,
            url("image/png")?,
            optional("detail")
        ),
        "audio" => format!(
            r#"{{"type":"input_audio","input_audio":{{"data":{},"format":{}}}{extra}}}"#,
            part.text("data")?,
            part.text("format")?
        ),
        _ => match part.get("file_id") {
            Some(id) => format!(r#"{{"type":"file","file":{{"file_id":{id}}}{extra}}}"#),
            None => format!(
                r#"{{"type":"file","file":{{"file_data":{}{}}}{extra}}}"#,
                url("application/pdf")?,
                optional("filename")
            ),
        },
    })
}
