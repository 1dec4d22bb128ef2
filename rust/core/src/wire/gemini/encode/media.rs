//! Images, documents, audio and video.

use std::borrow::Cow;

use super::part::Target;
use crate::error::Error;
use crate::json::write_string;
use crate::wire::body::field;
use crate::wire::gemini::families;
use crate::wire::messages::{Part, inner, plain};

/// Keys of media that we know.
pub(super) const OF_MEDIA: [&str; 7] = [
    "url",
    "data",
    "media_type",
    "detail",
    "format",
    "file_id",
    "filename",
];

/// Where the Files API of AI Studio keeps its files.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/files/";

/// Types of files by the ends of their names, for addresses that come without a type.
///
/// Source: ai.google.dev/gemini-api/docs: image-, video-, audio- and document-understanding.
const TYPES: [(&str, &str); 27] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("html", "text/html"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("xml", "text/xml"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("aac", "audio/aac"),
    ("m4a", "audio/mp4"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mpeg", "video/mpeg"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
    ("3gp", "video/3gpp"),
];

impl Target<'_> {
    /// Writes `"inlineData":{…}` or `"fileData":{…}`.
    pub(super) fn media(&self, part: &Part<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let given = kind_of(part);
        if let Some(id) = part.get("file_id") {
            let id = plain(id);
            let uri = if self.is_vertex || id.contains("://") {
                id
            } else {
                Cow::Owned(format!(
                    "{FILES}{}",
                    id.strip_prefix("files/").unwrap_or(&id)
                ))
            };
            file_data(&uri, given, out);
            return Ok(());
        }
        if part.get("url").is_none() {
            let data = part
                .text("data")
                .map_err(|_| part.invalid(": it needs url, file_id, or data in base64"))?;
            let usual = match &*part.kind {
                "image" => "image/png",
                "video" => "video/mp4",
                "audio" => "audio/wav",
                _ => "application/pdf",
            };
            inline_data(&given.unwrap_or(usual.into()), inner(data), out);
            return Ok(());
        }
        // It refuses the path of a file.
        let url = part.url("")?;
        if !is_data(&url) {
            let url = plain(&url);
            if !self.reads(&url) {
                return Err(part.invalid(&format!(
                    ".url: {} takes no address from elsewhere; give data= or path=, or the id of an uploaded file",
                    self.model.escape_debug()
                )));
            }
            file_data(&url, given, out);
            return Ok(());
        }
        // A slash may be escaped.
        let url = if url.contains('\\') {
            plain(&url)
        } else {
            Cow::Borrowed(inner(&url))
        };
        let (head, data) = url.split_once(',').unwrap_or_default();
        let head = head.get("data:".len()..).unwrap_or_default();
        let mut words = head.split(';');
        let kind = words.next().filter(|kind| kind.contains('/'));
        if !words.any(|word| word.eq_ignore_ascii_case("base64")) {
            return Err(part.invalid(
                ".url: its data: URL is not in base64; give data=, or a data: URL in base64",
            ));
        }
        let kind = kind.map(Cow::Borrowed).or(given);
        inline_data(&kind.unwrap_or("text/plain".into()), data, out);
        Ok(())
    }

    /// Whether the server can read what is at an address.
    fn reads(&self, url: &str) -> bool {
        let known = [
            FILES,
            "gs://",
            "https://youtu.be/",
            "https://www.youtube.com/",
            "https://m.youtube.com/",
            "https://youtube.com/",
        ];
        let is_known = || known.iter().any(|start| url.starts_with(start));
        self.is_vertex || families::reads_addresses(self.model) || is_known()
    }

    /// Writes the resolution that an image is read in, if the model takes one for each. Returns whether it did, or nothing
    /// was asked for.
    pub(super) fn resolution(&self, part: &Part<'_>, out: &mut Vec<u8>) -> bool {
        let level = match part.get("detail") {
            None | Some("\"auto\"") => return true,
            Some("\"low\"") => "LOW",
            Some("\"medium\"") => "MEDIUM",
            Some("\"high\"") => "HIGH",
            Some("\"ultra_high\"" | "\"original\"") => "ULTRA_HIGH",
            Some(_) => return false,
        };
        if !families::is_3(self.model) {
            return false;
        }
        let level = format!("{{\"level\":\"MEDIA_RESOLUTION_{level}\"}}");
        field(out, "mediaResolution", &level);
        true
    }
}

/// The type that the part itself has.
fn kind_of<'a>(part: &Part<'a>) -> Option<Cow<'a, str>> {
    if let Some(kind) = part.get("media_type") {
        return Some(plain(kind));
    }
    let format = plain(part.get("format")?);
    Some(if format.contains('/') {
        format
    } else {
        Cow::Owned(format!("{}/{format}", part.kind))
    })
}

fn is_data(url: &str) -> bool {
    let start = inner(url).get(.."data:".len());
    start.is_some_and(|start| start.eq_ignore_ascii_case("data:"))
}

/// `data` is the inside of a JSON string, or base64.
fn inline_data(kind: &str, data: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"inlineData\":{\"mimeType\":");
    write_string(out, kind);
    out.extend_from_slice(b",\"data\":");
    if data
        .bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
    {
        out.push(b'"');
        out.extend_from_slice(data.as_bytes());
        out.push(b'"');
    } else {
        write_string(out, data);
    }
    out.push(b'}');
}

fn file_data(uri: &str, kind: Option<Cow<'_, str>>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"fileData\":{");
    if let Some(kind) = kind.or_else(|| type_of(uri).map(Cow::Borrowed)) {
        out.extend_from_slice(b"\"mimeType\":");
        write_string(out, &kind);
        out.push(b',');
    }
    out.extend_from_slice(b"\"fileUri\":");
    write_string(out, uri);
    out.push(b'}');
}

/// The type that the end of an address stands for.
fn type_of(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let (_, path) = path.split_once("://")?;
    let (_, name) = path.rsplit_once('/')?;
    let (_, end) = name.rsplit_once('.')?;
    let known = TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(end));
    known.map(|(_, kind)| *kind)
}
