//! Images, audio and files, written as content blocks of Chat Completions.

use super::part::{Part, inner};
use crate::error::Error;

/// The content block of a part.
pub(super) fn media(part: &Part<'_>) -> Result<String, Error> {
    let url = |default: &str| -> Result<String, Error> {
        if let Some(url) = part.get("url") {
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
