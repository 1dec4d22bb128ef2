//! Calls of tools in an assistant's message.

use std::borrow::Cow;

use super::NAME;
use super::parts::Written;
use crate::error::Error;
use crate::wire::body::{field, fields};
use crate::wire::messages::Part;

/// Keys of a call that we know.
const CALL_KEYS: [&str; 7] = [
    "type",
    "id",
    "name",
    "arguments",
    "provider",
    "api",
    "extra",
];

/// A call as it came: with the keys that we do not know, in it and in its function.
pub(super) fn write(part: &Part<'_>, to: &mut Written<'_>) -> Result<String, Error> {
    let name = part.text("name")?;
    let mut extra = part.object("extra")?;
    // What a call came with in Responses.
    let is_item = extra.iter().any(|(key, _)| key == "item");
    if !extra.is_empty() && (is_item || part.is_of_another(to.provider, NAME)) {
        to.dropped.push(format!("{}.extra", part.path()));
        // It stays the call of a custom tool.
        extra.retain(|(key, raw)| key == "custom" && *raw != "null");
        if let Some((_, custom)) = extra.first_mut() {
            *custom = "{}";
        }
    }
    let own = |(key, _): &&(Cow<'_, str>, &str)| !CALL_KEYS.contains(&&**key);
    extra.extend(part.fields.iter().filter(own).cloned());
    let mut take = |key: &str| {
        let at = extra.iter().position(|(name, _)| name == key)?;
        Some(extra.remove(at).1)
    };
    let kind = take("type");
    let custom = take("custom").filter(|raw| *raw != "null");
    let function = take("function").filter(|raw| *raw != "null");
    // A call without arguments may have arrived with "", which chat templates cannot read.
    let arguments = part
        .get("arguments")
        .filter(|raw| custom.is_some() || *raw != "\"\"");
    let (word, key, value, inside) = match custom {
        Some(inside) => ("custom", "input", arguments.unwrap_or("\"\""), Some(inside)),
        None => (
            "function",
            "arguments",
            arguments.unwrap_or("\"{}\""),
            function,
        ),
    };
    let mut out = Vec::from("{");
    if let Some(id) = part.get("id") {
        out.extend_from_slice(format!("\"id\":{id},").as_bytes());
    }
    match kind {
        Some(kind) => out.extend_from_slice(format!("\"type\":{kind}").as_bytes()),
        None => out.extend_from_slice(format!("\"type\":\"{word}\"").as_bytes()),
    }
    out.extend_from_slice(format!(",\"{word}\":{{\"name\":{name},\"{key}\":{value}").as_bytes());
    if let Some(inside) = inside {
        let path = format!("{}.extra.{word}", part.path());
        for (key, raw) in fields(inside, path)? {
            field(&mut out, &key, raw);
        }
    }
    out.push(b'}');
    for (key, raw) in extra.iter().filter(|(_, raw)| *raw != "null") {
        field(&mut out, key, raw);
    }
    out.push(b'}');
    Ok(String::from_utf8_lossy(&out).into_owned())
}
