//! Messages that the caller wrote in the form of Chat Completions.

use super::part::{field, plain};
use super::parts::Written;
use super::twice::{DETAILS, REASONING};
use crate::error::Error;
use crate::wire::body::{Fields, fields};
use crate::wire::reasoning::ReasoningBack;

/// Writes a message as it is, except for reasoning that the provider refuses or has another name for.
pub(super) fn write(path: &str, role: &str, raw: &str, to: &mut Written<'_>) -> Result<(), Error> {
    to.separate();
    let changed = match role {
        "assistant" if to.reasoning != ReasoningBack::AsSent => with_its_reasoning(path, raw, to)?,
        _ => None,
    };
    match changed {
        Some(message) => to.out.extend_from_slice(&message),
        None => to.out.extend_from_slice(raw.as_bytes()),
    }
    Ok(())
}

/// The message with the reasoning that the provider takes; `None` if that is what it has.
fn with_its_reasoning(
    path: &str,
    raw: &str,
    to: &mut Written<'_>,
) -> Result<Option<Vec<u8>>, Error> {
    let all = fields(raw, path)?;
    let get = |name: &str| all.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw);
    let text = |name: &str| get(name).filter(|raw| raw.starts_with('"'));
    let name = to.reasoning_field(get("tool_calls").is_some_and(has_items), is_begun(&all));
    let name = name.map(|(name, is_needed)| (name.to_owned(), is_needed));
    let sent = name.as_ref().and_then(|(name, is_needed)| {
        let mut texts = REASONING.into_iter().filter_map(text);
        let said = text(name).or_else(|| texts.find(|raw| !plain(raw).is_empty()));
        Some((&**name, said.or_else(|| is_needed.then_some("\"\""))?))
    });
    let is_reasoning = |key: &str| {
        key == DETAILS || REASONING.contains(&key) || sent.is_some_and(|(name, _)| key == name)
    };
    let mut has_changed = false;
    for (key, raw) in all.iter().filter(|(key, _)| is_reasoning(key)) {
        if sent.is_some_and(|(name, sent)| key == name && *raw == sent) {
            continue;
        }
        has_changed = true;
        let is_empty = matches!(*raw, "null" | "\"\"" | "[]");
        if !is_empty && sent.is_none_or(|(_, sent)| *raw != sent) {
            to.dropped.push(format!("{path}.{key}"));
        }
    }
    let has_it = |(name, _): (&str, &str)| get(name).is_some();
    if !has_changed && sent.is_none_or(has_it) {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(raw.len());
    for (key, raw) in all.iter().filter(|(key, _)| !is_reasoning(key)) {
        field(&mut out, key, raw);
    }
    if let Some((name, sent)) = sent {
        field(&mut out, name, sent);
    }
    // Every field begins with a comma.
    if let Some(first) = out.first_mut() {
        *first = b'{';
    }
    out.push(b'}');
    Ok(Some(out))
}

/// Whether the message is the beginning of a reply that the model is to go on with.
pub(super) fn is_begun(fields: &Fields<'_>) -> bool {
    fields
        .iter()
        .any(|(key, raw)| key == "prefix" && *raw == "true")
}

fn has_items(raw: &str) -> bool {
    raw.starts_with('[') && raw.trim_start_matches(['[', ' ', '\n']) != "]"
}
