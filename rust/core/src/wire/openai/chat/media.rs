//! Images, audio and documents as content blocks of Chat Completions.

use crate::error::Error;
use crate::wire::messages::Part;

/// The content block of an image, audio or file, with `mark` at its end.
pub(super) fn media(part: &Part<'_>, mark: &str) -> Result<String, Error> {
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
    ]) + mark;
    if part.kind == "image" && part.get("file_id").is_some() {
        return Err(part.invalid(".file_id: chat takes no image by its id; api=\"responses\" does"));
    }
    Ok(match &*part.kind {
        "image" => format!(
            r#"{{"type":"image_url","image_url":{{"url":{}{}}}{extra}}}"#,
            part.url("image/png")?,
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
                part.url("application/pdf")?,
                optional("filename")
            ),
        },
    })
}
