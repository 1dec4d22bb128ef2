//! The facts of a reply that belong to no candidate.

use super::event::Event;
use crate::json::Text;
use crate::message::ReplyHead;

/// Notes the facts that are not known yet.
#[inline]
pub(super) fn note(head: &mut ReplyHead, event: &mut Event<'_>) {
    let text = |text: Option<Text<'_>>| {
        let text = text.map(Text::into_lossy).filter(|text| !text.is_empty());
        text.map(std::borrow::Cow::into_owned)
    };
    if head.id.is_none() {
        head.id = text(event.id.take());
        head.request_id.clone_from(&head.id);
    }
    if head.model.is_none() {
        head.model = text(event.model.take());
    }
    if head.created.is_none() {
        head.created = event.created.take().and_then(|time| seconds(&time.body));
    }
}

/// The seconds since 1970 of a time such as `2026-05-04T20:01:02.264968Z` (RFC 3339, section 5.6); `None` for any other
/// text.
fn seconds(time: &str) -> Option<i64> {
    let (date, clock) = time.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let clock_end = clock.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(clock_end)?;
    let whole = clock.split('.').next()?;
    let [hour, minute, second] = numbers(whole, ':')?;
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let [hours, minutes] = numbers(offset, ':')?;
            let offset = hours * 3_600 + minutes * 60;
            if sign == "-" { -offset } else { offset }
        }
    };
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    let of_day = hour * 3_600 + minute * 60 + second;
    fits.then(|| days(year, month, day) * 86_400 + of_day - offset)
}

/// The numbers in a text. None of them may have more digits than a year.
fn numbers<const N: usize>(text: &str, by: char) -> Option<[i64; N]> {
    let mut parts = text.split(by);
    let mut numbers = [0; N];
    for number in &mut numbers {
        let digits = parts.next()?;
        let is_number =
            (1..=4).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
        *number = digits.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_is_read_to_the_second_and_anything_else_is_not() {
        for (time, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-05-04T20:01:02.264968Z", Some(1_777_924_862)),
            ("2000-02-29T23:59:59.9+01:30", Some(951_863_399)),
            ("1969-12-31T23:59:59-00:00", Some(-1)),
            ("2026-05-04T20:01:02", None),
            ("2026-13-04T20:01:02Z", None),
            ("2026-05-04", None),
            ("", None),
            ("T:Z", None),
            ("99999999999999999999-01-01T00:00:00Z", None),
            ("2026-05-04T20:01:02Zé", None),
        ] {
            assert_eq!(seconds(time), expected, "{time}");
        }
    }
}
