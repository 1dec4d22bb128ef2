//! Messages that the caller wrote in the form of Chat Completions, and the fields of any message that hold reasoning.

use memchr::memmem;

use super::parts::Written;
use super::twice::{DETAILS, REASONING};
use crate::error::Error;
use crate::json::write_string;
use crate::wire::body::{Fields, field, fields, items};
use crate::wire::messages::plain;
use crate::wire::reasoning::ReasoningBack;

/// Writes a message as it is, except for reasoning that the provider refuses or has another name for. `known` has its
/// fields, or all but some of those that hold no reasoning.
pub(super) fn write(
    path: &str,
    (role, raw, known): (&str, &str, &Fields<'_>),
    to: &mut Written<'_>,
) -> Result<(), Error> {
    let has_own = !matches!(to.reasoning, ReasoningBack::AsSent | ReasoningBack::Blocks);
    if role == "assistant"
        && has_own
        && let Some(Parted { raw, blocks }) = without_thinking(path, raw)?
    {
        let before = to.dropped.len();
        write(path, (role, &raw, &fields(&raw, path)?), to)?;
        let moved = format!("{path}.{MOVED}");
        let lost = to
            .dropped
            .iter()
            .skip(before)
            .position(|lost| *lost == moved);
        if let Some(at) = lost {
            to.dropped.splice(before + at..=before + at, blocks);
        }
        return Ok(());
    }
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

/// The field that has the text of thinking blocks until it gets the provider's name.
const MOVED: &str = "thinking";

/// A message without thinking blocks.
struct Parted {
    raw: String,
    /// Where the blocks were.
    blocks: Vec<String>,
}

/// Moves the text of thinking blocks in the content, as Mistral and Anthropic write them, to a field. `None` if there are
/// none, or the field is taken.
fn without_thinking(path: &str, raw: &str) -> Result<Option<Parted>, Error> {
    // Most messages are decided here.
    if memmem::find(raw.as_bytes(), b"thinking\"").is_none() {
        return Ok(None);
    }
    let message = fields(raw, path)?;
    let get = |name: &str| message.iter().find(|(key, _)| key == name);
    let Some((_, content)) = get("content").filter(|(_, raw)| raw.starts_with('[')) else {
        return Ok(None);
    };
    let (mut texts, mut blocks, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for (at, item) in items(content, path)?.into_iter().enumerate() {
        let block = if item.starts_with('{') {
            fields(item, path)?
        } else {
            Fields::new()
        };
        let get = |name: &str| block.iter().find(|(key, _)| key == name);
        match get("type").map(|(_, raw)| plain(raw)).as_deref() {
            Some("thinking" | "redacted_thinking") => {
                blocks.push(format!("{path}.content[{at}]"));
                texts.extend(
                    get("thinking")
                        .map(|(_, raw)| text_of(raw, path))
                        .transpose()?,
                );
            }
            Some("text") if block.len() == 2 => rest.push((item, get("text").map(|it| it.1))),
            _ => rest.push((item, None)),
        }
    }
    if blocks.is_empty() || get(MOVED).is_some() {
        return Ok(None);
    }
    let content = match *rest {
        [] if get("tool_calls").is_some() => "null".to_owned(),
        [] => "\"\"".to_owned(),
        [(_, Some(text))] => text.to_owned(),
        _ => {
            let rest: Vec<_> = rest.iter().map(|(item, _)| *item).collect();
            format!("[{}]", rest.join(","))
        }
    };
    let mut out = Vec::with_capacity(raw.len());
    for (key, raw) in &message {
        field(&mut out, key, if key == "content" { &content } else { raw });
    }
    let mut text = Vec::new();
    write_string(&mut text, &texts.concat());
    field(&mut out, MOVED, &String::from_utf8_lossy(&text));
    // Every field begins with a comma.
    if let Some(first) = out.first_mut() {
        *first = b'{';
    }
    out.push(b'}');
    let raw = String::from_utf8_lossy(&out).into_owned();
    Ok(Some(Parted { raw, blocks }))
}

/// The text of a thinking block: a string, or a list of blocks with text.
fn text_of(raw: &str, path: &str) -> Result<String, Error> {
    if !raw.starts_with('[') {
        return Ok(plain(raw).into_owned());
    }
    let mut text = String::new();
    for item in items(raw, path)? {
        if item.starts_with('{') {
            let block = fields(item, path)?;
            let said = block.iter().find(|(key, _)| key == "text");
            text.extend(said.map(|(_, raw)| plain(raw)));
        }
    }
    Ok(text)
}

fn has_items(raw: &str) -> bool {
    raw.strip_prefix('[')
        .is_some_and(|rest| rest.trim_start() != "]")
}
