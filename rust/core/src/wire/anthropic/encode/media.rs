//! Where images and documents are: their `source`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::NAME;
use crate::error::Error;
use crate::json::write_string;
use crate::wire::body::field;
use crate::wire::messages::{Part, inner, plain};

/// What an image or a document is written as.
pub(super) struct Media {
    /// The type of its block.
    pub(super) kind: &'static str,
    /// The JSON of its source.
    pub(super) source: Vec<u8>,
    /// Whether the source is a file that was uploaded.
    pub(super) is_file: bool,
}

/// Types of documents, besides those of text, that are text.
const TEXTS: [&str; 6] = [
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/javascript",
    "application/toml",
];

/// Reads the source of an image or a document.
pub(super) fn media(part: &Part<'_>) -> Result<Media, Error> {
    let is_image = part.kind == "image";
    let said = part.get("media_type").map(inner);
    let kind_of = |media_type: Option<&str>| match media_type {
        _ if is_image => "image",
        Some(said) if said.starts_with("image/") => "image",
        _ => "document",
    };
    let of = |kind: &'static str, source: Vec<u8>| Media {
        kind,
        source,
        is_file: false,
    };
    if let Some(id) = part.get("file_id") {
        return Ok(Media {
            is_file: true,
            ..of(kind_of(said), source("file", &[("file_id", id)]))
        });
    }
    let usual = if is_image {
        "image/png"
    } else {
        "application/pdf"
    };
    let (media_type, data) = if part.get("url").is_some() {
        let url = part.url(usual)?;
        let Some(data) = of_data_url(part, &url)? else {
            refuse_other_media(part, said.unwrap_or(usual))?;
            return Ok(of(kind_of(said), source("url", &[("url", &url)])));
        };
        data
    } else {
        let data = part
            .text("data")
            .map_err(|_| part.invalid(": it needs url, file_id, or data in base64"))?;
        (
            said.unwrap_or(usual).to_owned(),
            Data::Base64(data.to_owned()),
        )
    };
    refuse_other_media(part, &media_type)?;
    let kind = kind_of(Some(&media_type));
    if kind == "image" || media_type == "application/pdf" {
        let Data::Base64(data) = data else {
            return Err(part.invalid(".url: a data: URL must have its data in base64"));
        };
        let media_type = json(&media_type);
        let known = [("media_type", &*media_type), ("data", &*data)];
        return Ok(of(kind, source("base64", &known)));
    }
    if !(media_type.starts_with("text/") || TEXTS.contains(&&*media_type)) {
        return Err(part.invalid(&format!(
            ": {NAME} takes documents in PDF and text, and not {}; convert it",
            media_type.escape_debug()
        )));
    }
    let text = json(&data.text(part)?);
    let known = [("media_type", "\"text/plain\""), ("data", &*text)];
    Ok(of(kind, source("text", &known)))
}

/// Refuses sounds and films.
fn refuse_other_media(part: &Part<'_>, media_type: &str) -> Result<(), Error> {
    for (start, what) in [("audio/", "audio"), ("video/", "video")] {
        if media_type.starts_with(start) {
            return Err(no_place(part, what));
        }
    }
    Ok(())
}

/// The error for a part that the API has no place for.
pub(super) fn no_place(part: &Part<'_>, what: &str) -> Error {
    part.invalid(&format!(
        ": {NAME} takes no {what}; write down what it says, or ask a model with another API"
    ))
}

/// The data of a part.
enum Data {
    /// A JSON string in base64.
    Base64(String),
    Text(String),
}

impl Data {
    fn text(&self, part: &Part<'_>) -> Result<String, Error> {
        let data = match self {
            Self::Text(text) => return Ok(text.clone()),
            Self::Base64(data) => plain(data),
        };
        let bytes = STANDARD.decode(data.as_bytes());
        let bytes = bytes.map_err(|_| part.invalid(": its data is not base64"))?;
        String::from_utf8(bytes)
            .map_err(|_| part.invalid(": a document of text must be in UTF-8; convert it"))
    }
}

/// The type and the data of a `data:` URL (RFC 2397), which is a JSON string; `None` for another URL.
fn of_data_url(part: &Part<'_>, url: &str) -> Result<Option<(String, Data)>, Error> {
    let url = inner(url);
    let is_data = url
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    if !is_data {
        return Ok(None);
    }
    let rest = url.get(5..).unwrap_or_default();
    let Some((head, data)) = rest.split_once(',') else {
        return Err(part.invalid(".url: a data: URL must have a comma before its data"));
    };
    let head = plain_inner(head);
    let mut words = head.split(';');
    let media_type = words.next().unwrap_or_default().to_ascii_lowercase();
    let media_type = match &*media_type {
        "" => "text/plain".to_owned(),
        _ => media_type,
    };
    if words.any(|word| word.eq_ignore_ascii_case("base64")) {
        return Ok(Some((media_type, Data::Base64(format!("\"{data}\"")))));
    }
    let text = percent_encoding::percent_decode_str(&plain_inner(data))
        .decode_utf8_lossy()
        .into_owned();
    Ok(Some((media_type, Data::Text(text))))
}

/// The text of a JSON string without its quotes.
fn plain_inner(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        return plain(&format!("\"{raw}\"")).into_owned().into();
    }
    raw.into()
}

fn source(kind: &str, known: &[(&str, &str)]) -> Vec<u8> {
    let mut out = format!("{{\"type\":\"{kind}\"").into_bytes();
    for (key, raw) in known {
        field(&mut out, key, raw);
    }
    out.push(b'}');
    out
}

fn json(text: &str) -> String {
    let mut out = Vec::new();
    write_string(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}
