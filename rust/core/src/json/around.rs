//! What models and servers leave around JSON: Markdown, marks of the end, and space.

/// How models mark the end of a text. Servers with a wrong template leave that in it.
const ENDS: &[&str] = &[
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<|eot|>",
    "<end_of_turn>",
    "<turn|>",
    "<eos>",
    "</s>",
    "[EOS]",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
];

/// The contents of a Markdown code block or span whose end may be missing; otherwise the text without the space around
/// it. No JSON begins or ends with a backtick, so the marks can mean nothing else.
pub(super) fn unfenced(text: &str) -> &str {
    let text = text.trim_matches(is_blank);
    let text = match without_tildes(text) {
        Some(text) => text,
        None => text.trim_end_matches('`').trim_end_matches(is_blank),
    };
    let Some(after) = without_tildes_before(text).or_else(|| {
        let after = text.trim_start_matches('`');
        (after.len() < text.len()).then_some(after)
    }) else {
        return text;
    };
    let (line, rest) = after
        .split_once('\n')
        .map_or((after, None), |(line, rest)| (line, Some(rest)));
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '.');
    let after_word = line
        .trim_start_matches(is_word)
        .trim_start_matches(is_blank);
    let body = match (after_word, rest) {
        // A word fills the line: the language, or else the contents.
        ("", rest) => rest.unwrap_or(line),
        (attributes, Some(rest)) if !attributes.starts_with(['{', '[', '"']) => rest,
        _ => after
            .get(line.len() - after_word.len()..)
            .unwrap_or_default(),
    };
    body.trim_matches(is_blank)
}

/// The text without the tildes at its end. Fewer than three mean something else.
fn without_tildes(text: &str) -> Option<&str> {
    let rest = text.strip_suffix("~~~")?;
    Some(rest.trim_end_matches('~').trim_end_matches(is_blank))
}

fn without_tildes_before(text: &str) -> Option<&str> {
    Some(text.strip_prefix("~~~")?.trim_start_matches('~'))
}

/// The text without marks of its end.
pub(super) fn without_ends(mut text: &str) -> &str {
    loop {
        text = text.trim_end_matches(is_blank);
        match ENDS.iter().find_map(|end| text.strip_suffix(end)) {
            Some(before) => text = before,
            None => return text,
        }
    }
}

/// White space, or a character without width that comes with copied text, such as a byte order mark.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}')
}
