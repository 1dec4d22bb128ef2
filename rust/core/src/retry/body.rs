//! The wait that the body of an error asks for.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use memchr::memmem::Finder;
use serde_json::Value;

use super::after::{positive, seconds};
use crate::error::{ApiFailure, Error, ErrorKind};
use crate::json;

/// How many values of the body are read.
const READ_VALUES: usize = 4_096;
/// How much of a message is read.
const READ_BYTES: usize = 16 << 10;

/// What stands before a wait in a message, in lower case. The shown examples are from Google, `OpenAI`, Groq, Azure and
/// Moonshot.
static BEFORE: LazyLock<[Finder<'static>; 6]> = LazyLock::new(|| {
    [
        // "Please retry in 41.3s."
        "retry in ",
        // "Please try again in 6m0s."
        "try again in ",
        // "Please retry after 26 seconds."
        "retry after ",
        // "please try again after 1 seconds"
        "try again after ",
        // "please wait 20 seconds"
        "please wait ",
        // An error of Google that a router quotes: `"retryDelay": "41s"`.
        "retrydelay",
    ]
    .map(Finder::new)
});

/// Parts of the names of all fields with a wait, in lower case. The names may have escapes.
static FIELDS: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["retry", "estimated_time", "x-ratelimit-reset", "\\u"].map(Finder::new));

/// Fields with a wait in seconds. Hugging Face estimates the time until it has loaded a model.
const SECONDS: [&str; 5] = [
    "retry_after",
    "retry_after_seconds",
    "retry-after",
    "retryAfter",
    "estimated_time",
];

/// How long the body of an error asks to wait, if a wait can help; the longest of the waits that it names.
///
/// It is in `retryDelay` of Google's `RetryInfo`, in `retry_after` or `retry_after_ms`, in the headers that `OpenRouter`
/// passes on, or in the message. A point in time counts from `now`.
#[must_use]
pub fn wait_in_body(error: &Error, now: SystemTime) -> Option<Duration> {
    use ErrorKind as K;
    let may_pass = matches!(error.kind(), K::RateLimit | K::Server | K::StreamServer);
    if !may_pass && !error.is_retryable() {
        return None;
    }
    let api = error.api()?;
    if !may_name_a_wait(&api.body) {
        return in_text(api);
    }
    let body = json::outline(&api.body, READ_VALUES).or_else(|| {
        let start = String::from_utf8_lossy(&api.body);
        json::outline_of_start(&start, READ_VALUES)
    });
    let named = body.and_then(|body| in_value(&body, now));
    named.max(in_text(api))
}

/// Whether a field of the body may be one of those that `in_value` reads. Most bodies have none, and are not parsed.
fn may_name_a_wait(body: &[u8]) -> bool {
    let text = body.to_ascii_lowercase();
    FIELDS.iter().any(|part| part.find(&text).is_some())
}

/// The longest wait that a field names.
fn in_value(value: &Value, now: SystemTime) -> Option<Duration> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| in_value(item, now)).max(),
        Value::Object(fields) => {
            let found = fields.iter().map(|(key, value)| {
                let is = |names: &[&str]| names.iter().any(|name| key.eq_ignore_ascii_case(name));
                if is(&["retryDelay", "retry_delay"]) {
                    delay(value)
                } else if is(&["retry_after_ms", "retry-after-ms"]) {
                    seconds(&word(value), 1e-3)
                } else if is(&SECONDS) {
                    let text = word(value);
                    seconds(&text, 1.0).or_else(|| duration(&text))
                } else if is(&["x-ratelimit-reset"]) {
                    until(&word(value), now)
                } else {
                    in_value(value, now)
                }
            });
            found.flatten().max()
        }
        _ => None,
    }
}

/// A duration as JSON: `"41.3s"` or `{"seconds": 41, "nanos": 300000000}`. Source: google.protobuf.Duration.
fn delay(value: &Value) -> Option<Duration> {
    let Value::Object(fields) = value else {
        return duration(&word(value));
    };
    let part = |key: &str, unit| seconds(&word(fields.get(key)?), unit);
    let (whole, rest) = (part("seconds", 1.0), part("nanos", 1e-9));
    Some(whole.unwrap_or_default() + rest.unwrap_or_default()).filter(|wait| !wait.is_zero())
}

/// The time until a point that is given in seconds or milliseconds since 1970.
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    // Seconds reach this number in the year 5138, and milliseconds did in 1973.
    let at = seconds(text, 1.0).filter(|at| at.as_secs() < 100_000_000_000);
    let at = at.or_else(|| seconds(text, 1e-3))?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    at.checked_sub(now).filter(|wait| !wait.is_zero())
}

/// The longest wait that the message names.
fn in_text(api: &ApiFailure) -> Option<Duration> {
    let message = api.message.as_deref()?;
    let end = (0..=READ_BYTES.min(message.len())).rfind(|&at| message.is_char_boundary(at));
    let text = message.get(..end?)?.to_ascii_lowercase();
    let waits = BEFORE.iter().flat_map(|before| {
        let places = before.find_iter(text.as_bytes());
        places.filter_map(|at| {
            let rest = text.get(at + before.needle().len()..)?;
            duration(rest.trim_start_matches(['\\', '"', '\'', ':', ' ']))
        })
    });
    waits.max()
}

/// The duration at the beginning of `text`: numbers, each with its unit, as in `1h2m3.5s` or `26 seconds`.
fn duration(text: &str) -> Option<Duration> {
    let (mut sum, mut rest) = (0.0, text);
    while let Some((wait, after)) = part(rest.trim_start()) {
        sum += wait;
        rest = after;
    }
    positive(sum)
}

/// The seconds of a number with its unit at the beginning of `text`, and what follows them.
fn part(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    // Without a number, the name may be all of the text, and a message may have many places to look at.
    let (number, rest) = text.split_at_checked(end).filter(|_| end > 0)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_alphabetic());
    let (name, rest) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let unit = match name {
        "us" | "µs" | "microseconds" => 1e-6,
        "ms" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Some((number * unit, rest))
}

/// A string, or a number as text; empty for any other value.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(kind: ErrorKind, body: &Value) -> Error {
        let message = body.pointer("/error/message").and_then(Value::as_str);
        Error::new(kind, "it failed").with_api(ApiFailure {
            message: message.map(str::to_owned),
            body: body.to_string().into_bytes(),
            ..ApiFailure::default()
        })
    }

    fn millis(body: &Value) -> Option<u128> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_754_667_600);
        wait_in_body(&error(ErrorKind::RateLimit, body), now).map(|wait| wait.as_millis())
    }

    #[test]
    fn the_name_of_a_field_may_have_an_escape_or_capitals() {
        for body in [r#"{"r\u0065try_after":3}"#, r#"{"Retry-After":3}"#] {
            let error = Error::new(ErrorKind::RateLimit, "it failed").with_api(ApiFailure {
                body: body.into(),
                ..ApiFailure::default()
            });
            let wait = wait_in_body(&error, SystemTime::UNIX_EPOCH);
            assert_eq!(wait, Some(Duration::from_secs(3)), "{body}");
        }
    }

    #[test]
    fn a_message_names_its_wait_in_many_forms() {
        for (text, expected) in [
            // Google, OpenAI, Groq.
            (
                "Quota exceeded.\nPlease retry in 48.939935699s.",
                Some(48_939),
            ),
            (
                "Limit 3, Used 3. Please try again in 20s. Visit https://x",
                Some(20_000),
            ),
            ("Please try again in 20ms.", Some(20)),
            ("Please try again in 6m0s.", Some(360_000)),
            (
                "Please try again in 1h2m3.5s. Need more tokens?",
                Some(3_723_500),
            ),
            ("Please try again in 7h12m. ", Some(25_920_000)),
            // Azure, Moonshot, others.
            ("Please retry after 26 seconds.", Some(26_000)),
            (
                "max request: 3, please try again after 1 seconds",
                Some(1_000),
            ),
            ("Too many requests. Please wait 20 seconds", Some(20_000)),
            ("Try again in 5 minutes", Some(300_000)),
            ("Retry in 1 hour 30 min", Some(5_400_000)),
            (
                r#"Provider returned error: {"retryDelay": "41s"}"#,
                Some(41_000),
            ),
            (
                r#"Provider returned error: {\"retryDelay\":\"41.5s\"}"#,
                Some(41_500),
            ),
            // The longest counts.
            ("Try again in 2s or try again in 3s", Some(3_000)),
            ("Please retry shortly", None),
            ("Please try again later", None),
            ("retry after 26", None),
            ("try again in 0s", None),
            ("try again in -5s", None),
            ("try again in 5 parsecs", None),
            ("try again in .s", None),
            ("try again in 1.2.3s", None),
            ("", None),
        ] {
            let body = json!({"error": {"message": text}});
            assert_eq!(millis(&body), expected, "{text}");
        }
        let huge = format!("try again in {}s", "9".repeat(400));
        assert_eq!(millis(&json!({"error": {"message": huge}})), None);
    }

    #[test]
    fn a_field_names_its_wait_wherever_it_is() {
        let info = |delay: Value| json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
        let reset = |at: &str| json!({"error": {"metadata": {"headers": {"X-RateLimit-Limit": "1", "X-RateLimit-Reset": at}}}});
        for (body, expected) in [
            (
                json!({"error": {"details": [{"x": 1}, info(json!("41.3s"))]}}),
                Some(41_300),
            ),
            (
                json!([{"error": {"details": [info(json!("0.5s"))]}}]),
                Some(500),
            ),
            (
                json!({"error": {"details": info(json!({"seconds": 3, "nanos": 250_000_000}))}}),
                Some(3_250),
            ),
            (
                json!({"error": {"details": [info(json!({"seconds": "3"}))]}}),
                Some(3_000),
            ),
            // The message has the exact number.
            (
                json!({"error": {"message": "Please retry in 48.9s.", "details": [info(json!("48s"))]}}),
                Some(48_900),
            ),
            // Cloudflare; OpenRouter.
            (
                json!({"title": "A timeout occurred", "retry_after": 120}),
                Some(120_000),
            ),
            (json!({"error": {"retry_after": "7"}}), Some(7_000)),
            (json!({"error": {}, "retryAfter": 6}), Some(6_000)),
            (
                json!({"error": "loading", "estimated_time": 20.5}),
                Some(20_500),
            ),
            (
                json!({"details": [{"retry_delay": {"seconds": 7}}]}),
                Some(7_000),
            ),
            (json!({"error": {"retry_after_ms": 250}}), Some(250)),
            (
                json!({"error": {"metadata": {"retry_after_seconds": 27}}}),
                Some(27_000),
            ),
            (
                json!({"error": {"metadata": {"headers": {"Retry-After": "9"}}}}),
                Some(9_000),
            ),
            (reset("1754667660000"), Some(60_000)),
            (reset("1754667660"), Some(60_000)),
            (reset("1754667600000"), None),
            (reset("soon"), None),
            (json!({"error": {"retry_after": null}}), None),
            (json!({"error": {"retry_after": -1}}), None),
            (json!({"error": {"retry_after": "1e99"}}), None),
            (json!({"error": {"details": [info(json!(null))]}}), None),
            (json!("text"), None),
        ] {
            assert_eq!(millis(&body), expected, "{body}");
        }
    }

    #[test]
    fn only_a_failure_that_may_pass_has_a_wait() {
        use ErrorKind as K;
        let body = json!({"error": {"retry_after": 5}});
        let now = SystemTime::UNIX_EPOCH;
        for (kind, has_wait) in [
            (K::RateLimit, true),
            (K::Server, true),
            (K::StreamServer, true),
            (K::Api, false),
            (K::QuotaExceeded, false),
            (K::Authentication, false),
            (K::ContextLength, false),
        ] {
            let wait = wait_in_body(&error(kind, &body), now);
            assert_eq!(wait.is_some(), has_wait, "{kind:?}");
        }
        let timeout = error(K::Api, &body).retryable(true);
        assert!(wait_in_body(&timeout, now).is_some());
    }
}
