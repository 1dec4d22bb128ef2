//! Content blocks.

use crate::error::Error;
use crate::json::Reader;
use crate::wire::body::field;
use crate::wire::messages::{Content, Part, inner};
use crate::wire::providers::Provider;

use super::super::NAME;

/// What a message of a role holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What the model reads.
    Input,
    /// What the model wrote.
    Output,
}

/// Who is asked.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) provider: &'a Provider,
    pub(super) model: &'a str,
}

/// Keys of a text or a refusal that we know.
const KNOWN: [&str; 2] = ["text", "item"];
/// Keys of an image or a document that we know.
const OF_MEDIA: [&str; 7] = [
    "url",
    "data",
    "media_type",
    "detail",
    "format",
    "file_id",
    "filename",
];

impl Target<'_> {
    /// Whether the part came from this provider by this API.
    pub(super) fn sent(&self, part: &Part<'_>) -> bool {
        part.is_from(self.provider, NAME)
    }

    /// Whether what the part has besides its content belongs to another provider or API.
    pub(super) fn is_foreign(&self, part: &Part<'_>) -> bool {
        part.is_of_another(self.provider, NAME)
    }

    /// Writes the block of a text, a refusal, an image or a document, or a block in a form that we do not know.
    pub(super) fn block(
        &self,
        part: &Part<'_>,
        side: Side,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let known: &[&str] = match &*part.kind {
            "image" | "file" => &OF_MEDIA,
            _ => &KNOWN,
        };
        let extra = if self.sent(part) {
            part.extra_as_sent(known)
        } else if self.is_foreign(part) {
            String::new()
        } else {
            part.extra(known)
        };
        let (kind, key) = match (&*part.kind, side) {
            ("text", Side::Input) => ("input_text", "text"),
            ("text", Side::Output) => ("output_text", "text"),
            ("refusal", _) => ("refusal", "refusal"),
            ("image", _) => ("input_image", ""),
            ("file", _) => ("input_file", ""),
            ("", _) => {
                out.extend_from_slice(part.raw.as_bytes());
                return Ok(());
            }
            ("audio", _) => {
                return Err(part.invalid(&format!(
                    ": {NAME} takes no audio; api=\"chat\" does, if the model does"
                )));
            }
            (other, _) => {
                return Err(part.invalid(&format!(".type: there is no part of type {other} here")));
            }
        };
        out.extend_from_slice(format!("{{\"type\":\"{kind}\"").as_bytes());
        match kind {
            "input_image" => image(part, out)?,
            "input_file" => file(part, out)?,
            _ => field(out, key, part.text("text")?),
        }
        out.extend_from_slice(extra.as_bytes());
        let marks = self.provider.cache_marks;
        let mark = marks.mark(part.get("cache"), || part.path(), self.model)?;
        if kind.starts_with("input_") {
            out.extend_from_slice(mark.as_bytes());
        }
        out.push(b'}');
        Ok(())
    }

    /// Writes the content of a tool's result: a string, or a list of blocks. There is no field for an error, so the text
    /// begins with `Error: `.
    pub(super) fn output(&self, result: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let is_error = result.get("error") == Some("true");
        let parts = match result.content()? {
            Content::Text(text) => return string(text, is_error, out),
            Content::Parts(parts) => parts,
        };
        if let [only] = &*parts
            && only.kind == "text"
            && only.extra(&KNOWN).is_empty()
            && only.get("cache").is_none()
        {
            return string(only.text("text")?, is_error, out);
        }
        out.push(b'[');
        if is_error {
            out.extend_from_slice(br#"{"type":"input_text","text":"Error:"}"#);
        }
        for part in &parts {
            if out.last() != Some(&b'[') {
                out.push(b',');
            }
            self.block(part, Side::Input, out)?;
        }
        out.push(b']');
        Ok(())
    }
}

/// Writes the text of a result, which is a JSON string.
fn string(text: &str, is_error: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    let says_so = Reader::over(text).string()?.into_lossy();
    let says_so = says_so.trim_start().get(..5).unwrap_or_default();
    if is_error && !says_so.eq_ignore_ascii_case("error") {
        out.extend_from_slice(b"\"Error: ");
        out.extend_from_slice(inner(text).as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

fn image(part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match part.get("file_id") {
        Some(id) => field(out, "file_id", id),
        None => field(out, "image_url", &part.url("image/png")?),
    }
    // Some servers demand it.
    field(out, "detail", part.get("detail").unwrap_or("\"auto\""));
    Ok(())
}

fn file(part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut name = part.get("filename");
    if let Some(id) = part.get("file_id") {
        field(out, "file_id", id);
    } else {
        let url = part.url("application/pdf")?;
        if inner(&url)
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
        {
            field(out, "file_data", &url);
            // OpenAI demands one.
            name = name.or(Some(usual_name(&url)));
        } else {
            field(out, "file_url", &url);
        }
    }
    if let Some(name) = name {
        field(out, "filename", name);
    }
    if let Some(detail) = part.get("detail") {
        field(out, "detail", detail);
    }
    Ok(())
}

/// A name for a document without one, as a JSON string; it says the type.
fn usual_name(url: &str) -> &'static str {
    let types = [
        ("text/plain", "\"document.txt\""),
        ("text/markdown", "\"document.md\""),
        ("text/html", "\"document.html\""),
        ("text/csv", "\"document.csv\""),
        ("application/json", "\"document.json\""),
    ];
    let kind = inner(url).get(5..).unwrap_or_default();
    let known = types.into_iter().find(|(name, _)| kind.starts_with(name));
    known.map_or("\"document.pdf\"", |(_, name)| name)
}
