//! How a server's or a caller's text stands in the line of an error.

/// Bytes of it that are shown.
pub(super) const SHOWN: usize = 1 << 10;

/// `text` on one line: cut to 1 KiB, control characters escaped.
pub(super) fn one_line(text: &str) -> String {
    let shown = cut(text, SHOWN);
    let mut line = String::with_capacity(shown.len());
    for character in shown.trim().chars() {
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            control if control.is_control() => line.extend(control.escape_default()),
            other => line.push(other),
        }
    }
    if shown.len() < text.len() {
        line.push('…');
    }
    line
}

/// At most `most` bytes of `text`, cut between characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
