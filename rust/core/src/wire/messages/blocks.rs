//! What no server can read in a message that the caller wrote as a dict: the path of a file on this machine, and the dump
//! of one of our parts.

use memchr::memmem;

use super::part::plain;
use crate::error::{Error, ErrorKind};
use crate::local_file::names_local_file;
use crate::wire::body::{Fields, fields, items};

/// What content has that is refused. Without any of it, the content need not be read.
const SIGNS: [&str; 7] = [
    "_url\"",
    "\"file_data\"",
    "\"media_type\"",
    "\"call_id\"",
    "\"arguments\"",
    "\"signature\"",
    "\"field\"",
];

/// Types of our parts that Chat Completions does not have, each with a key that others' blocks of the type lack.
const OUR_PARTS: [(&str, &str); 5] = [
    ("image", "media_type"),
    ("tool_call", "arguments"),
    ("tool_result", "call_id"),
    ("reasoning", "signature"),
    ("opaque", "field"),
];

/// Refuses a message whose content, a list of blocks, no server can read.
pub(in crate::wire) fn check(path: &str, content: &str) -> Result<(), Error> {
    let has = |sign: &&str| memmem::find(content.as_bytes(), sign.as_bytes()).is_some();
    if !SIGNS.iter().any(has) {
        return Ok(());
    }
    let content_path = format!("{path}.content");
    for (at, block) in items(content, &content_path)?.into_iter().enumerate() {
        if block.starts_with('{') {
            let place = format!("{content_path}[{at}]");
            let block = fields(block, &place)?;
            check_part(&place, &block)?;
            check_urls(&place, &block)?;
        }
    }
    Ok(())
}

fn check_part(place: &str, block: &Fields<'_>) -> Result<(), Error> {
    let get = |key: &str| block.iter().find(|(name, _)| name == key);
    let Some((_, kind)) = get("type") else {
        return Ok(());
    };
    let kind = plain(kind);
    let is_ours = |(name, key): &(&str, &str)| *name == kind && get(key).is_some();
    if !OUR_PARTS.iter().any(is_ours) {
        return Ok(());
    }
    let message = format!(
        "{place}: it is a part of an LlmMessage; give a tokenwire.LlmMessage(…) in place of the dict, or load a saved one \
         with LlmMessage.model_validate(…)"
    );
    Err(Error::new(ErrorKind::Config, message))
}

fn check_urls(place: &str, block: &Fields<'_>) -> Result<(), Error> {
    for (key, value) in block {
        let inner = if key.ends_with("_url") {
            "url"
        } else if key == "file" {
            "file_data"
        } else {
            continue;
        };
        let place = format!("{place}.{key}");
        if value.starts_with('{') {
            for (name, url) in fields(value, &place)? {
                if name == inner {
                    check_url(&format!("{place}.{name}"), url)?;
                }
            }
        } else {
            check_url(&place, value)?;
        }
    }
    Ok(())
}

/// Refuses the path of a file; `raw` is a JSON value.
pub(in crate::wire) fn check_url(place: &str, raw: &str) -> Result<(), Error> {
    // The usual ones. They may be long.
    if !raw.starts_with('"')
        || ["\"https://", "\"http://", "\"data:"]
            .iter()
            .any(|start| raw.starts_with(start))
    {
        return Ok(());
    }
    if !names_local_file(&plain(raw)) {
        return Ok(());
    }
    let message = format!(
        "{place}: it names a file on this machine, which the server cannot read; send the file with \
         tokenwire.ImagePart(path=…), AudioPart or FilePart"
    );
    Err(Error::new(ErrorKind::Config, message))
}
