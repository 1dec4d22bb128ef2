//! A text that a regular expression matches, for the `pattern` of a schema.

use std::iter::Peekable;
use std::str::Chars;

/// The longest pattern that is read, in bytes. Groups may be nested as deeply as a pattern is long.
const MAX_PATTERN: usize = 1000;

/// The longest text, in bytes. Repetitions of repetitions can ask for billions.
const MAX_TEXT: usize = 10_000;

/// Returns a short text that `pattern` matches; `None` if it has what is not known here, such as a
/// look-around or a back-reference, or if it or the text is too long.
pub(crate) fn example(pattern: &str) -> Option<String> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    let mut rest = pattern.chars().peekable();
    let text = alternatives(&mut rest)?;
    rest.peek().is_none().then_some(text)
}

/// The first of the alternatives, up to the end or a closing bracket.
fn alternatives(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut first = None;
    let mut text = String::new();
    loop {
        match rest.peek() {
            None | Some(')') => return Some(first.unwrap_or(text)),
            Some('|') => {
                rest.next();
                first.get_or_insert(std::mem::take(&mut text));
            }
            Some('^' | '$') => {
                rest.next();
            }
            Some(_) => {
                let part = part(rest)?;
                let repeats = repeats(rest)?;
                if text.len() + part.len().checked_mul(repeats)? > MAX_TEXT {
                    return None;
                }
                text.extend(std::iter::repeat_n(part.as_str(), repeats));
            }
        }
    }
}

/// One character, class or group.
fn part(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let found = match rest.next()? {
        '(' => {
            if rest.next_if_eq(&'?').is_some() {
                match rest.next()? {
                    ':' => {}
                    // A name: `(?P<name>…)` or `(?<name>…)`.
                    'P' | '<' => {
                        let name: String = rest.by_ref().take_while(|c| *c != '>').collect();
                        if name.starts_with(['=', '!']) {
                            return None;
                        }
                    }
                    _ => return None,
                }
            }
            let text = alternatives(rest)?;
            rest.next_if_eq(&')')?;
            return Some(text);
        }
        '[' => class(rest)?,
        '\\' => {
            let escaped = rest.next()?;
            if matches!(escaped, 'b' | 'A' | 'Z' | 'z') {
                return Some(String::new());
            }
            of_escape(escaped)?
        }
        '.' => 'a',
        '*' | '+' | '?' | '{' => return None,
        c => c,
    };
    Some(found.to_string())
}

/// What `\d` and its like stand for; a character that is not a letter or a digit stands for itself.
fn of_escape(escaped: char) -> Option<char> {
    Some(match escaped {
        'd' => '0',
        'w' | 'D' | 'S' => 'a',
        's' => ' ',
        'W' => '-',
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        c if c.is_ascii_alphanumeric() => return None,
        c => c,
    })
}

/// A character of a class, whose opening bracket has been read.
fn class(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    let is_negated = rest.next_if_eq(&'^').is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let mut next = rest.next()?;
        if next == ']' && !ranges.is_empty() {
            break;
        }
        if next == '\\' {
            let escaped = rest.next()?;
            if matches!(escaped, 'd' | 'w' | 's') {
                ranges.extend(members(escaped));
                continue;
            }
            next = of_escape(escaped)?;
        }
        let mut last = next;
        let mut ahead = rest.clone();
        if ahead.next() == Some('-') && ahead.peek().is_some_and(|end| *end != ']') {
            rest.next();
            last = match rest.next()? {
                '\\' => of_escape(rest.next()?)?,
                end => end,
            };
        }
        ranges.push((next, last));
    }
    let is_in = |c: &char| {
        ranges
            .iter()
            .any(|(first, last)| (first..=last).contains(&c))
    };
    if is_negated {
        return ('a'..='z').chain(' '..='~').find(|c| !is_in(c));
    }
    ranges.first().map(|(first, _)| *first)
}

fn members(escaped: char) -> Vec<(char, char)> {
    match escaped {
        'd' => vec![('0', '9')],
        's' => vec![(' ', ' '), ('\t', '\r')],
        _ => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
    }
}

/// The least number of times that the part before is repeated.
fn repeats(rest: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let least = match rest.peek() {
        Some('*' | '?') => 0,
        Some('+') => 1,
        Some('{') => {
            rest.next();
            let bounds: String = rest.by_ref().take_while(|c| *c != '}').collect();
            let least = bounds.split(',').next()?;
            let least = if least.is_empty() {
                0
            } else {
                least.parse().ok()?
            };
            rest.next_if(|c| matches!(c, '?' | '+'));
            // An empty part may be repeated as often as it likes.
            return (least <= MAX_TEXT).then_some(least);
        }
        _ => return Some(1),
    };
    rest.next();
    rest.next_if(|c| matches!(c, '?' | '+'));
    Some(least)
}

#[cfg(test)]
mod tests {
    use super::example;

    #[test]
    fn a_pattern_has_an_example() {
        for (pattern, expected) in [
            ("^abc$", "abc"),
            (r"^[A-Z]{2,3}\d{4}$", "AA0000"),
            (r"^(?:red|green)-\w+?$", "red-a"),
            (r"^(?P<year>\d{4})-(?<month>0[1-9]|1[0-2])$", "0000-01"),
            (r"[^a-c]x*y?\.[\]\-]", "d.]"),
            (r"^\+?[1-9]\d{1,14}$", "10"),
            (r"^(?!0)\d+$", ""),
            (r"(a)\1", ""),
        ] {
            let found = example(pattern);
            assert_eq!(found.unwrap_or_default(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_asks_for_too_much_has_no_example() {
        for pattern in [
            "(".repeat(100_000),
            "a".repeat(100_000),
            "((a{1000}){1000}){1000}".to_owned(),
            "(){99999999}".to_owned(),
            "a{1000}".repeat(100),
        ] {
            assert_eq!(example(&pattern), None);
        }
        // As deep as is read.
        let nested = "(".repeat(499) + "a" + &")".repeat(499);
        assert_eq!(example(&nested).as_deref(), Some("a"));
    }
}
