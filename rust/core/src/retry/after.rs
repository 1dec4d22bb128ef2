//! What a server says about a retry.

use std::time::{Duration, SystemTime};

/// What a server asks for, as far as it makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    /// `x-should-retry`. It overrides the table of statuses.
    pub should_retry: Option<bool>,
    /// How long to wait before a retry.
    pub retry_after: Option<Duration>,
}

/// Reads the hints from the headers of a response; `header` returns the first value of a header.
///
/// `retry-after-ms` wins over `retry-after`, which is a number of seconds or a date. A date counts from the server's
/// `Date`, so that a wrong clock on our side does no harm; `now` replaces a missing `Date`. A value that cannot be
/// read, or is not positive and finite, is ignored. Source: RFC 9110, sections 10.2.3 and 5.6.7.
#[must_use]
pub fn server_hints<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Hints {
    let should_retry = match header("x-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let millis = header("retry-after-ms").and_then(|value| seconds(value, 1e-3));
    let retry_after = millis.or_else(|| {
        let value = header("retry-after")?;
        seconds(value, 1.0).or_else(|| {
            let until = httpdate::parse_http_date(value.trim()).ok()?;
            let server_now = header("date").and_then(|date| httpdate::parse_http_date(date).ok());
            let wait = until.duration_since(server_now.unwrap_or(now)).ok()?;
            (!wait.is_zero()).then_some(wait)
        })
    });
    Hints {
        should_retry,
        retry_after,
    }
}

/// A positive finite number of units, if a `Duration` can hold it.
pub(super) fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    positive(number * unit)
}

/// A positive finite number of seconds, if a `Duration` can hold it.
pub(super) fn positive(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
    const SOON: &str = "Sun, 09 Sep 2001 01:46:45 GMT";

    type Headers = &'static [(&'static str, &'static str)];

    fn hints(headers: &[(&str, &str)]) -> Hints {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let header = |name: &str| {
            let found = headers.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| *value)
        };
        server_hints(header, now)
    }

    #[test]
    fn every_form_of_the_hint_is_read_and_garbage_is_ignored() {
        let table: &[(Headers, Option<u64>)] = &[
            (&[("retry-after-ms", "250")], Some(250)),
            (&[("retry-after-ms", "1.5")], Some(1)),
            (
                &[("retry-after-ms", "250"), ("retry-after", "9")],
                Some(250),
            ),
            (
                &[("retry-after-ms", "0"), ("retry-after", "9")],
                Some(9_000),
            ),
            (
                &[("retry-after-ms", "-1"), ("retry-after", "9")],
                Some(9_000),
            ),
            (
                &[("retry-after-ms", "x"), ("retry-after", "9")],
                Some(9_000),
            ),
            (&[("retry-after", "3")], Some(3_000)),
            (&[("retry-after", " 0.25 ")], Some(250)),
            (&[("retry-after", "3600")], Some(3_600_000)),
            (&[("retry-after", SOON)], Some(5_000)),
            (&[("retry-after", SOON), ("date", NOW)], Some(5_000)),
            (
                &[
                    ("retry-after", SOON),
                    ("date", "Sun, 09 Sep 2001 01:46:43 GMT"),
                ],
                Some(2_000),
            ),
            (&[("retry-after", SOON), ("date", "nonsense")], Some(5_000)),
            (&[("retry-after", NOW)], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "0")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "1e99")], None),
            (&[("retry-after", "soon")], None),
            (&[], None),
        ];
        for (headers, expected) in table {
            let expected = expected.map(Duration::from_millis);
            let found = hints(headers)
                .retry_after
                .map(|wait| Duration::from_millis(u64::try_from(wait.as_millis()).unwrap()));
            assert_eq!(found, expected, "{headers:?}");
        }
    }

    #[test]
    fn should_retry_is_true_or_false_or_nothing() {
        for (value, expected) in [("true", Some(true)), ("false", Some(false)), ("1", None)] {
            assert_eq!(hints(&[("x-should-retry", value)]).should_retry, expected);
        }
    }
}
