//! Checks of settings. Each error names the setting and the fix, and never shows a key.

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};

use crate::config::{ClientConfig, MAX_RETRIES, Secret, Timeout, TimeoutSetting};
use crate::error::{Error, ErrorKind};

/// Longest header value.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// A longer limit counts as no limit, so that sums of instants stay far from overflow.
const FOREVER: Duration = Duration::from_secs(366 * 24 * 3_600);

/// Headers that the HTTP layer sets. With another value, request and connection could disagree on where a
/// message ends, or the server could send a body that we cannot read.
const OWNED: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "accept-encoding",
];

pub(super) fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

/// Checks everything that does not depend on the provider.
pub(super) fn settings(config: &ClientConfig) -> Result<(), Error> {
    if config.model.trim().is_empty() {
        return Err(refused("model is empty: give the model's id"));
    }
    if let Some(secret) = &config.api_key {
        key(secret, &config.key_name)?;
    }
    timeout(config.timeout)?;
    max_retries(config.retry.max_retries)?;
    if let Some(name) = &config.retry.idempotency_header {
        header(name, "x")?;
    }
    let limits = &config.limits;
    for (name, is_zero) in [
        ("max_connections", limits.max_connections == Some(0)),
        ("keepalive", limits.keepalive == Some(Duration::ZERO)),
        ("max_event_bytes", limits.max_event_bytes == 0),
        ("max_reply_bytes", limits.max_reply_bytes == 0),
        ("buffer_bytes", limits.buffer_bytes == 0),
        ("max_head_bytes", limits.max_head_bytes == 0),
    ] {
        if is_zero {
            return Err(refused(format!(
                "Limits({name}=0) lets nothing through: give at least 1"
            )));
        }
    }
    Ok(())
}

/// Refuses what cannot be a key. `name` is what the message calls it.
pub(super) fn key(key: &Secret, name: &str) -> Result<(), Error> {
    match key_problem(key.expose()) {
        None => Ok(()),
        Some(problem) => Err(refused(format!("{name} {problem}"))),
    }
}

/// What is wrong with a text that is meant to be a key, without any part of it; `None` if it may be one.
///
/// A key is sent in a header as it is, so it must be visible ASCII. Common mistakes, such as a whole line of a shell
/// script, are named for what they are.
#[must_use]
pub fn key_problem(text: &str) -> Option<String> {
    const QUOTES: [char; 3] = ['\'', '"', '`'];
    if text.is_empty() {
        return Some("is empty: leave it out or give the key".to_owned());
    }
    if text.trim().is_empty() {
        return Some("is blank: leave it out or give the key".to_owned());
    }
    if text.len() > MAX_HEADER_BYTES {
        return Some("is over 64 KiB: it cannot be a key".to_owned());
    }
    let trimmed = text.trim();
    let first_word = trimmed.split_whitespace().next().unwrap_or_default();
    let has_words = first_word.len() < trimmed.len();
    let problem = if text.starts_with('\u{feff}') {
        "begins with a byte order mark: give the key alone, as issued"
    } else if trimmed.starts_with(QUOTES) || trimmed.ends_with(QUOTES) {
        "is in quotes, which would be sent, too: leave them out"
    } else if has_words
        && first_word
            .trim_end_matches(':')
            .eq_ignore_ascii_case("bearer")
    {
        "begins with the word Bearer: give only the key"
    } else if has_words && matches!(first_word, "export" | "set") || is_assignment(trimmed) {
        "begins with the name of a variable: give only what follows the ="
    } else if is_reference(trimmed) {
        "is the name of a variable instead of its value: give the key"
    } else if trimmed.starts_with('<') && trimmed.ends_with('>') {
        "is a placeholder: give the key itself"
    } else if ["...", "***", "\u{2026}", "\u{2022}"]
        .iter()
        .any(|gap| text.contains(gap))
    {
        // As dashboards list keys that they no longer show.
        "is shortened or a placeholder: give the whole key"
    } else {
        let position = text.chars().position(|c| !c.is_ascii_graphic())?;
        let what = match text.chars().nth(position) {
            Some('\r' | '\n') => "a line break",
            Some(' ' | '\t') => "a space",
            Some(c) if c.is_control() => "a control character",
            _ => "a character outside ASCII",
        };
        return Some(format!(
            "has {what} at position {position}: give the key alone, as issued"
        ));
    };
    Some(problem.to_owned())
}

/// Whether this is `NAME_KEY=…`, as in a shell or an environment file.
fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else {
        return false;
    };
    is_variable(name) && name.contains('_')
}

/// Whether this is `$NAME`, `${NAME}` or `%NAME%`.
fn is_reference(text: &str) -> bool {
    let braced = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    let percent = text
        .strip_prefix('%')
        .and_then(|rest| rest.strip_suffix('%'));
    let name = braced.or(percent).or_else(|| text.strip_prefix('$'));
    name.is_some_and(is_variable)
}

/// Whether this is the name of an environment variable in capitals.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
}

/// Whether the HTTP layer sets this header.
pub(super) fn is_owned(name: &HeaderName) -> bool {
    OWNED.contains(&name.as_str())
}

/// Checks a header of the caller's.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    // The name may be anything, even a pasted key, so the error does not show it.
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        let why = match name.find(|c: char| !c.is_ascii_graphic() || c == ':') {
            Some(position) => format!("an invalid character at position {position}"),
            None => "an invalid form".to_owned(),
        };
        refused(format!("a name in headers= has {why}"))
    })?;
    if is_owned(&parsed) {
        return Err(refused(format!(
            "the header {parsed} is set by the HTTP layer: leave it out of headers="
        )));
    }
    if value.len() > MAX_HEADER_BYTES {
        return Err(refused(format!("the header {parsed} is over 64 KiB")));
    }
    let mut checked = HeaderValue::from_str(value).map_err(|_| {
        let wrong = |c: char| c.is_ascii_control() && c != '\t';
        let position = value.chars().position(wrong).unwrap_or_default();
        refused(format!(
            "the header {parsed} has a control character at position {position}"
        ))
    })?;
    // Only the caller knows which of these headers are secret.
    checked.set_sensitive(true);
    Ok((parsed, checked))
}

pub(super) fn timeout(setting: TimeoutSetting) -> Result<(), Error> {
    let zero = match setting {
        TimeoutSetting::Bare(Duration::ZERO) => Some("timeout".to_owned()),
        TimeoutSetting::Full(mut timeout) => {
            let mut limits = timeout.limits().into_iter();
            let zero = limits.find(|(_, limit)| **limit == Some(Duration::ZERO));
            zero.map(|(name, _)| format!("Timeout.{name}"))
        }
        _ => None,
    };
    match zero {
        None => Ok(()),
        Some(name) => Err(refused(format!(
            "{name} is 0: give seconds above 0, or None for no limit"
        ))),
    }
}

/// Drops limits that no call can reach.
pub(super) fn bounded(mut timeout: Timeout) -> Timeout {
    for (_, limit) in timeout.limits() {
        *limit = limit.filter(|limit| *limit < FOREVER);
    }
    timeout
}

pub(super) fn max_retries(retries: u32) -> Result<(), Error> {
    if retries > MAX_RETRIES {
        return Err(refused(format!(
            "max_retries={retries} is over {MAX_RETRIES}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_key_is_refused_by_position_and_never_shown() {
        for (text, why) in [
            ("", "empty"),
            (" \n", "blank"),
            ("sk-canary\n", "a line break at position 9"),
            ("sk-canary\r\nX: y", "a line break at position 9"),
            ("sk-\0canary", "a control character at position 3"),
            ("sk-canäry", "a character outside ASCII at position 6"),
            (
                "sk-canary\u{200b}",
                "a character outside ASCII at position 9",
            ),
            (" sk-canary", "a space at position 0"),
            ("\u{feff}sk-canary", "a byte order mark"),
            ("\"sk-canary\"", "in quotes"),
            ("'sk-canary'\n", "in quotes"),
            ("sk-canary`", "in quotes"),
            ("Bearer sk-canary", "the word Bearer"),
            ("bearer: sk-canary", "the word Bearer"),
            ("export OPENAI_API_KEY=sk-canary", "the name of a variable"),
            ("OPENAI_API_KEY=sk-canary", "the name of a variable"),
            ("$OPENAI_API_KEY", "the name of a variable"),
            ("${OPENAI_API_KEY}", "the name of a variable"),
            ("%OPENAI_API_KEY%", "the name of a variable"),
            ("sk-...", "a placeholder"),
            ("sk-...nary", "shortened"),
            ("sk-********nary", "shortened"),
            ("********", "shortened"),
            ("sk-canary\u{2026}", "shortened"),
            ("\u{2022}\u{2022}\u{2022}\u{2022}", "shortened"),
            ("<canary>", "a placeholder"),
        ] {
            let error = key(&Secret::new(text.to_owned()), "A_KEY").unwrap_err();
            assert!(error.message().starts_with("A_KEY "), "{text:?}: {error}");
            assert!(error.message().contains(why), "{text:?}: {error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
        for text in [
            "sk-good",
            "EMPTY",
            "-",
            "c2VjcmV0Cg==",
            "KEY=x",
            "a$B",
            "Bearer",
            "$2b$x",
            "eyJh..iv.text.tag",
            "a**b",
        ] {
            assert_eq!(key_problem(text), None, "{text}");
        }
    }

    #[test]
    fn headers_of_the_http_layer_and_broken_ones_are_refused() {
        for name in ["Host", "content-length", "Transfer-Encoding", "CONNECTION"] {
            let error = header(name, "x").unwrap_err();
            assert!(error.message().contains("leave it out"), "{error}");
        }
        for (name, value) in [
            ("", "x"),
            ("a b", "x"),
            ("a:b", "x"),
            ("a\r\n", "x"),
            ("a", "secret\r\nb: c"),
            ("a", "secret\0"),
            ("a", &"secret".repeat(20_000)),
        ] {
            let error = header(name, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.message().contains("secret"), "{error}");
            assert!(!error.message().contains(['\r', '\n', '\0']), "{error}");
        }
        let (name, value) = header("X-Title", "My app\t1").unwrap();
        assert_eq!(
            (name.as_str(), value.to_str().unwrap()),
            ("x-title", "My app\t1")
        );
    }

    #[test]
    fn a_zero_timeout_is_refused_and_an_endless_one_is_none() {
        assert!(timeout(TimeoutSetting::Bare(Duration::ZERO)).is_err());
        let full = Timeout {
            idle: Some(Duration::ZERO),
            ..Timeout::default()
        };
        let error = timeout(TimeoutSetting::Full(full)).unwrap_err();
        assert!(error.message().contains("Timeout.idle"), "{error}");
        let endless = TimeoutSetting::Bare(Duration::MAX).for_stream();
        assert_eq!(bounded(endless).idle, None);
    }
}
