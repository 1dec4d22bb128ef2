//! Parts of a content that are neither calls nor results.

use super::super::NAME;
use super::media::OF_MEDIA;
use crate::error::Error;
use crate::wire::body::{field, fields, value};
use crate::wire::cache_marks::CacheMarks;
use crate::wire::messages::{Part, plain};
use crate::wire::providers::Provider;

/// Who is asked.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) provider: &'a Provider,
    pub(super) model: &'a str,
    pub(super) is_vertex: bool,
}

impl Target<'_> {
    /// Whether the part came from this provider by this API.
    pub(super) fn sent(&self, part: &Part<'_>) -> bool {
        part.is_from(self.provider, NAME)
    }

    /// Whether what the part has besides its content belongs to another provider or API.
    pub(super) fn is_foreign(&self, part: &Part<'_>) -> bool {
        part.is_of_another(self.provider, NAME)
    }

    /// Writes a text, a refusal or media, or a part in Gemini's own form. Adds to `dropped` what has no place.
    pub(super) fn part(
        &self,
        part: &Part<'_>,
        out: &mut Vec<u8>,
        dropped: &mut Vec<String>,
    ) -> Result<(), Error> {
        let mark = part.get("cache");
        CacheMarks::None.mark(mark, || part.path(), self.model)?;
        match &*part.kind {
            "text" | "refusal" => {
                out.extend_from_slice(b"{\"text\":");
                out.extend_from_slice(part.text("text")?.as_bytes());
                out.extend_from_slice(self.extra(part, &["text", "item"]).as_bytes());
            }
            "image" | "audio" | "file" | "video" => {
                out.push(b'{');
                self.media(part, out)?;
                if !self.resolution(part, out) {
                    dropped.push(format!("{}.detail", part.path()));
                }
                if part.get("filename").is_some() {
                    dropped.push(format!("{}.filename", part.path()));
                }
                out.extend_from_slice(self.extra(part, &OF_MEDIA).as_bytes());
            }
            "" => return own(part, out),
            other => {
                return Err(part.invalid(&format!(".type: there is no part of type {other} here")));
            }
        }
        out.push(b'}');
        Ok(())
    }

    /// What a part has besides its content.
    fn extra(&self, part: &Part<'_>, known: &[&str]) -> String {
        if self.sent(part) {
            part.extra_as_sent(known)
        } else if self.is_foreign(part) {
            String::new()
        } else {
            part.extra(known)
        }
    }
}

/// Writes reasoning that this provider sent.
pub(super) fn thought(part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend_from_slice(b"{\"text\":");
    out.extend_from_slice(part.text("text")?.as_bytes());
    field(out, "thought", "true");
    if let Some(signature) = part.get("signature") {
        field(out, "thoughtSignature", signature);
    }
    let known = ["text", "signature", "field", "model", "item", "thought"];
    out.extend_from_slice(part.extra_as_sent(&known).as_bytes());
    out.push(b'}');
    Ok(())
}

/// Writes a part that the caller wrote in Gemini's own form, which has no `type`.
fn own(part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let given = fields(part.raw, part.path())?;
    if let Some(kind) = value(&given, "type") {
        return Err(part.invalid(&format!(
            ".type: {NAME} has no part of type {}",
            plain(kind).escape_debug()
        )));
    }
    out.extend_from_slice(part.raw.as_bytes());
    Ok(())
}
