//! Messages in the form of Chat Completions are sent as they are, but no server can read a file of this machine.

use memchr::memmem;

use super::part::plain;
use crate::error::{Error, ErrorKind};
use crate::local_file::names_local_file;
use crate::wire::body::{fields, items};

/// Refuses a message whose content has the path of a file where a URL belongs.
pub(super) fn check(path: &str, content: &str) -> Result<(), Error> {
    let may_have = |key: &str| memmem::find(content.as_bytes(), key.as_bytes()).is_some();
    if !content.starts_with('[') || !(may_have("_url\"") || may_have("\"file_data\"")) {
        return Ok(());
    }
    for (at, block) in items(content, &format!("{path}.content"))?
        .into_iter()
        .enumerate()
    {
        if !block.starts_with('{') {
            continue;
        }
        for (key, value) in fields(block, format_args!("{path}.content[{at}]"))? {
            let inner = if key.ends_with("_url") {
                "url"
            } else if key == "file" {
                "file_data"
            } else {
                continue;
            };
            let place = format!("{path}.content[{at}].{key}");
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
    }
    Ok(())
}

/// Refuses the path of a file; `raw` is a JSON value.
pub(super) fn check_url(place: &str, raw: &str) -> Result<(), Error> {
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
