//! The keys of `extra_body`. The server takes each of its own keys in two spellings, `generationConfig` and
//! `generation_config`, and a body must not have both.

use std::borrow::Cow;

use crate::error::Error;
use crate::wire::body::{fields, object, value};

/// Keys of objects whose keys are the API's own, too. Others may be the caller's, such as those of `labels`.
const NESTED: [&str; 4] = [
    "generationConfig",
    "thinkingConfig",
    "toolConfig",
    "functionCallingConfig",
];

/// The object with the API's keys in the spelling that we write. Anything but an object stays as it is.
pub(super) fn camel_keys(extra: &str) -> Result<Cow<'_, str>, Error> {
    if !(extra.starts_with('{') && extra.contains('_')) {
        return Ok(Cow::Borrowed(extra));
    }
    let mut all: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (key, raw) in fields(extra, "extra_body")? {
        let key = camel(key);
        let raw = if NESTED.contains(&&*key) {
            camel_keys(raw)?
        } else {
            Cow::Borrowed(raw)
        };
        all.retain(|(known, _)| *known != key);
        all.push((key, raw));
    }
    let all = all.iter().map(|(key, raw)| (&**key, &**raw));
    Ok(Cow::Owned(object(all)))
}

/// `generationConfig` for `generation_config`.
fn camel(key: Cow<'_, str>) -> Cow<'_, str> {
    if !key.contains('_') {
        return key;
    }
    let mut out = String::with_capacity(key.len());
    let mut is_next_upper = false;
    for letter in key.chars() {
        match letter {
            '_' if !out.is_empty() => is_next_upper = true,
            _ if is_next_upper => {
                out.push(letter.to_ascii_uppercase());
                is_next_upper = false;
            }
            _ => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// The value of a key in an object, if both are there.
pub(super) fn inside<'a>(raw: Option<&'a str>, key: &str) -> Result<Option<&'a str>, Error> {
    let Some(raw) = raw.filter(|raw| raw.starts_with('{')) else {
        return Ok(None);
    };
    let found = value(&fields(raw, "extra_body")?, key);
    Ok(found.filter(|raw| *raw != "null"))
}
