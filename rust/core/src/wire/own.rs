//! Providers of the caller's own: rows beside the table's.

use parking_lot::Mutex;

use super::providers::{self, Provider};
use crate::error::Error;

/// A row as a caller gives it; what it does not name is as for any OpenAI-shaped server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnProvider {
    /// Its name in errors and replies.
    pub name: String,
    /// Environment variables that may hold the key; messages name them.
    pub key_vars: Vec<String>,
    /// Environment variables that may hold the address; messages name them.
    pub base_url_vars: Vec<String>,
    /// Whether a call without a key is refused before it is sent.
    pub key_required: bool,
    /// Header that carries the key; `authorization` gets the `Bearer ` prefix.
    pub auth_header: String,
    /// Name of the chat field for the token limit.
    pub max_tokens_field: String,
    /// Whether `stream_options` is taken.
    pub stream_options: bool,
}

// One for each different row that the process has used, for as long as it lives, like the table
// itself: clients come and go by thousands, and their providers do not.
static ROWS: Mutex<Vec<&'static Provider>> = Mutex::new(Vec::new());

/// The row of a provider of the caller's own.
pub(crate) fn row(own: &OwnProvider) -> Result<&'static Provider, Error> {
    let base = providers::find("openai-compatible")?;
    let mut rows = ROWS.lock();
    if let Some(row) = rows.iter().find(|row| is_of(row, own)) {
        return Ok(row);
    }
    let row: &'static Provider = Box::leak(Box::new(Provider {
        name: kept(&own.name),
        key_vars: all_kept(&own.key_vars),
        base_url_vars: all_kept(&own.base_url_vars),
        key_required: own.key_required,
        auth_header: kept(&own.auth_header),
        max_tokens_field: kept(&own.max_tokens_field),
        stream_options: own.stream_options,
        ..base.clone()
    }));
    rows.push(row);
    Ok(row)
}

fn is_of(row: &Provider, own: &OwnProvider) -> bool {
    row.name == own.name
        && row.key_vars == own.key_vars
        && row.base_url_vars == own.base_url_vars
        && row.key_required == own.key_required
        && row.auth_header == own.auth_header
        && row.max_tokens_field == own.max_tokens_field
        && row.stream_options == own.stream_options
}

fn kept(text: &str) -> &'static str {
    Box::leak(Box::from(text))
}

fn all_kept(texts: &[String]) -> &'static [&'static str] {
    Box::leak(texts.iter().map(|text| kept(text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_one_and_others_are_not() {
        let own = OwnProvider {
            name: "acme-of-this-test".into(),
            auth_header: "x-api-key".into(),
            max_tokens_field: "max_output".into(),
            ..OwnProvider::default()
        };
        let first = row(&own).unwrap();
        assert!(std::ptr::eq(first, row(&own.clone()).unwrap()));
        let changed = OwnProvider {
            stream_options: true,
            ..own
        };
        let second = row(&changed).unwrap();
        assert!(!std::ptr::eq(first, second));
        assert_eq!(
            (second.name, second.auth_header, second.base_url),
            (first.name, "x-api-key", None)
        );
    }
}
