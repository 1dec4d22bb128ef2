//! Messages that the caller wrote in the form of Chat Completions, and the fields of any message that hold reasoning.

use super::part::{field, plain};
use super::parts::Written;
use super::twice::{DETAILS, REASONING};
use crate::error::Error;
use crate::wire::body::{Fields, fields};
use crate::wire::reasoning::ReasoningBack;

/// Writes a message as it is, except for reasoning that the provider refuses or has another name for. `known` has its
/// fields, or all but some of those that hold no reasoning.
pub(super) fn write(
    path: &str,
    (role, raw, known): (&str, &str, &Fields<'_>),
    to: &mut Written<'_>,
) -> Result<(), Error> {
    to.separate();
    let is_kept = role != "assistant" || to.reasoning == ReasoningBack::AsSent;
    let calls_tools = known
        .iter()
        .any(|(key, raw)| key == "tool_calls" && has_items(raw));
    let sent = if is_kept {
        None
    } else {
        reasoning(path, known, calls_tools, to)
    };
    let has_it = |(name, text): &(String, &str)| {
        let mut fields = known.iter();
        fields.any(|(key, raw)| key == name && raw == text)
    };
    let count = known.iter().filter(|(key, _)| to.is_reasoning(key)).count();
    let is_same = match &sent {
        Some(sent) => count == 1 && has_it(sent),
        None => count == 0,
    };
    if is_kept || is_same {
        to.out.extend_from_slice(raw.as_bytes());
        return Ok(());
    }
    let start = to.out.len();
    for (key, raw) in fields(raw, path)? {
        if !to.is_reasoning(&key) {
            field(to.out, &key, raw);
        }
    }
    if let Some((name, text)) = &sent {
        field(to.out, name, text);
    }
    // Every field begins with a comma.
    if let Some(first) = to.out.get_mut(start) {
        *first = b'{';
    }
    to.out.push(b'}');
    Ok(())
}

/// The field for reasoning that an assistant message with these fields is sent with, and its text. What has no place in it
/// is noted as dropped.
pub(super) fn reasoning<'a>(
    path: &str,
    fields: &Fields<'a>,
    calls_tools: bool,
    to: &mut Written<'_>,
) -> Option<(String, &'a str)> {
    let get = |name: &str| fields.iter().find(|(key, _)| key == name);
    let text = |name: &str| {
        get(name)
            .map(|(_, raw)| *raw)
            .filter(|raw| raw.starts_with('"'))
    };
    // The model would go on after an empty thought.
    let is_begun = get("prefix").is_some_and(|(_, raw)| *raw == "true");
    let name = to.reasoning_field(calls_tools, is_begun);
    let sent = name.and_then(|(name, is_needed)| {
        let mut texts = REASONING.into_iter().filter_map(text);
        let said = text(name).or_else(|| texts.find(|raw| !plain(raw).is_empty()));
        Some((
            name.to_owned(),
            said.or_else(|| is_needed.then_some("\"\""))?,
        ))
    });
    let lost = fields.iter().filter(|(key, raw)| {
        let is_empty = matches!(*raw, "null" | "\"\"" | "[]");
        to.is_reasoning(key) && !is_empty && sent.as_ref().is_none_or(|(_, sent)| raw != sent)
    });
    let lost: Vec<String> = lost.map(|(key, _)| format!("{path}.{key}")).collect();
    to.dropped.extend(lost);
    sent
}

impl Written<'_> {
    /// Whether the field of this name holds reasoning.
    pub(super) fn is_reasoning(&self, key: &str) -> bool {
        let own = self.reasoning_field(false, false);
        key == DETAILS || REASONING.contains(&key) || own.is_some_and(|(name, _)| key == name)
    }
}

fn has_items(raw: &str) -> bool {
    raw.strip_prefix('[')
        .is_some_and(|rest| rest.trim_start() != "]")
}
