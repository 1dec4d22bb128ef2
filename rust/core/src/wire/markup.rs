//! HTML and XML where an API should have answered.

use crate::redact::one_line;

/// How many characters of a title are shown.
const SHOWN_TITLE: usize = 120;

/// Whether a body is a web page.
pub(super) fn is_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = body.trim_ascii_start();
    body.starts_with(b"<") && !body.starts_with(b"<?xml")
}

/// What a page is called, as in `an HTML page ("502 Bad Gateway")`.
pub(super) fn page(body: &[u8]) -> String {
    let page = String::from_utf8_lossy(body);
    match text_of(&page, "title").or_else(|| text_of(&page, "h1")) {
        Some(title) => format!("an HTML page (\"{}\")", one_line(&title, SHOWN_TITLE)),
        None => "an HTML page".to_owned(),
    }
}

/// A text as an error shows it: of a page only what it is called.
pub(super) fn shown(text: &str) -> String {
    let start = text.trim_start();
    let is_page = ["<!doctype html", "<html"].iter().any(|tag| {
        let start = start.get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
    });
    if is_page {
        page(text.as_bytes())
    } else {
        text.to_owned()
    }
}

/// The text in the first element of this name, without the elements in it; `None` if it is empty.
pub(super) fn text_of(markup: &str, name: &str) -> Option<String> {
    let lower = markup.to_ascii_lowercase();
    let open = format!("<{}", name.to_ascii_lowercase());
    let mut from = 0;
    let start = loop {
        let at = from + lower.get(from..)?.find(&open)? + open.len();
        let rest = lower.get(at..)?;
        // `<message` also begins `<messages>`.
        if rest.starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
            break at + rest.find('>')? + 1;
        }
        from = at;
    };
    let end = start + lower.get(start..)?.find('<')?;
    let text = markup.get(start..end)?.trim();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| unescaped(&text))
}

/// How many bytes a character reference has at most, after its `&`.
const LONGEST_REFERENCE: usize = 10;

/// A text with its character references replaced: those that XML has, and numbers.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after
            .bytes()
            .take(LONGEST_REFERENCE)
            .position(|b| b == b';');
        let named = end.and_then(|end| Some((referred(after.get(..end)?)?, after.get(end + 1..)?)));
        let (character, after) = named.unwrap_or(('&', after));
        out.push(character);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn referred(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_element_is_found() {
        for (markup, name, text) in [
            (
                "<html><title>\n 502\n Bad</title>",
                "title",
                Some("502 Bad"),
            ),
            ("<HTML><TITLE lang=\"en\">No</TITLE>", "title", Some("No")),
            ("<titles>a</titles><title>b</title>", "title", Some("b")),
            ("<title></title>", "title", None),
            ("<title>never closed", "title", None),
            (
                "<E><Code>c</Code><Message>é</Message></E>",
                "Message",
                Some("é"),
            ),
            (
                "<title>Sorry | you&#39;re &lt;out&gt; &#X26; &amp;lt; &nope; & &#xd800; &#124;</title>",
                "title",
                Some("Sorry | you're <out> & &lt; &nope; & &#xd800; |"),
            ),
            ("no markup", "title", None),
            ("<title", "title", None),
        ] {
            assert_eq!(text_of(markup, name).as_deref(), text, "{markup}");
        }
    }

    #[test]
    fn a_page_is_shown_by_its_title() {
        assert_eq!(
            page(b"<title>No\x1b</title>"),
            "an HTML page (\"No\\u{1b}\")"
        );
        assert_eq!(page(b"<html>"), "an HTML page");
        assert_eq!(
            page(b"<title></title><h1>Out</h1>"),
            "an HTML page (\"Out\")"
        );
        assert_eq!(
            shown(" <!DOCTYPE HTML><title>t</title>"),
            "an HTML page (\"t\")"
        );
        assert_eq!(shown("<think> is text"), "<think> is text");
        assert!(is_html(b"\xef\xbb\xbf <p>") && !is_html(b"<?xml?>") && !is_html(b"{}"));
    }
}
