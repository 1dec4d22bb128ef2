//! Which kind of error an answer describes: one table for all providers, and the rules that need no table.
//!
//! Providers say the same thing with a status, a code or a text. The first row that fits decides. A code counts with
//! every status, because it is a word of its own. A text counts only with the statuses of its row, and only where the
//! server speaks itself: what it quotes may be the caller's.

mod own_words;
mod table;

use own_words::OwnWords;
pub(super) use table::of_minimax;
use table::{Row, TABLE};

use crate::error::{ApiFailure, ErrorKind};

/// Types and codes of a failure of the server, if there is no status.
const BROKEN: [&str; 11] = [
    "server_error",
    "vector_store_timeout",
    "api_error",
    "overloaded_error",
    "engine_overloaded_error",
    "timeout_error",
    "internal",
    "internal_error",
    "internal_server_error",
    "internalservererror",
    "unavailable",
];

/// The kind of error that the server describes. `status` is the HTTP status, or the one that the error names;
/// `detail` is the code in the details of the error, and `upstream` what the provider behind a router said.
pub(super) fn of(
    status: Option<u16>,
    api: &ApiFailure,
    detail: Option<&str>,
    upstream: Option<&ApiFailure>,
) -> ErrorKind {
    if status == Some(402) || is_daily_quota(api) {
        return ErrorKind::QuotaExceeded;
    }
    let said = OwnWords::of(api);
    let row = find(status, api, detail, &said).or_else(|| {
        let api = upstream?;
        find(status, api, None, &OwnWords::of(api))
    });
    if let Some(row) = row {
        return row.kind;
    }
    let is_about_model = api.param.as_deref() == Some("model") || said.contain("model");
    match status {
        Some(404) if is_about_model => ErrorKind::ModelNotFound,
        Some(401 | 403) => ErrorKind::Authentication,
        Some(429) => ErrorKind::RateLimit,
        Some(500..) => ErrorKind::Server,
        None if is_named(api, &BROKEN) => ErrorKind::Server,
        _ => ErrorKind::Api,
    }
}

/// The first row that fits, where `said` is what the server says in its own words.
fn find(
    status: Option<u16>,
    api: &ApiFailure,
    detail: Option<&str>,
    said: &OwnWords,
) -> Option<&'static Row> {
    let fits = |row: &&Row| {
        let counts =
            status.is_none_or(|status| row.statuses.contains(&status)) && !is_about_a_setting(api);
        let is_detail = detail.is_some_and(|code| is_one_of(code, row.codes));
        is_detail
            || is_named(api, row.codes)
            || counts && row.texts.iter().any(|text| said.contain(text))
    };
    TABLE.iter().find(fits)
}

/// Whether the server complains about a parameter that holds names or descriptions of the caller, which it may repeat
/// without quotation marks.
fn is_about_a_setting(api: &ApiFailure) -> bool {
    let param = api.param.as_deref().unwrap_or_default();
    let mut settings = ["tool", "function", "response_format", "metadata", "stop"].iter();
    param.rsplit('.').next() == Some("name") || settings.any(|name| param.starts_with(name))
}

/// Whether `code` or `type` is one of `codes`.
fn is_named(api: &ApiFailure, codes: &[&str]) -> bool {
    let mut words = [api.code.as_deref(), api.error_type.as_deref()]
        .into_iter()
        .flatten();
    words.any(|word| is_one_of(word, codes))
}

fn is_one_of(word: &str, codes: &[&str]) -> bool {
    codes.iter().any(|code| word.eq_ignore_ascii_case(code))
}

/// Whether Google says that the requests of a day are used up, which no wait within a call changes.
fn is_daily_quota(api: &ApiFailure) -> bool {
    is_named(api, &["RESOURCE_EXHAUSTED"]) && memchr::memmem::find(&api.body, b"PerDay").is_some()
}

/// Whether another attempt may succeed, for an error of `kind`. There is no other list of statuses.
///
/// 408 and 409: as in the official SDKs. 425: sent too early. 498: Groq has no capacity. 520 to 524: Cloudflare did not
/// reach the server. 529: Anthropic is overloaded. A gateway may give such a status to a failure of another kind, and
/// then the same request fails again.
pub(super) fn is_retryable(kind: ErrorKind, status: Option<u16>) -> bool {
    match (kind, status) {
        (ErrorKind::RateLimit | ErrorKind::Server, None) => true,
        (ErrorKind::RateLimit | ErrorKind::Server | ErrorKind::Api, Some(status)) => matches!(
            status,
            408 | 409 | 425 | 429 | 498 | 500 | 502..=504 | 520..=524 | 529
        ),
        _ => false,
    }
}
