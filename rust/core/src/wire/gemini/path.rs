//! The path of a value in the arguments of a call, such as `$.recipe.steps[2]` (RFC 9535).

use crate::json::{MAX_DEPTH, Reader};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a member of an object.
    Name(String),
    /// Into an item of a list.
    Index(usize),
}

/// The steps from the arguments to a value in them; `None` if this is not the path of one.
pub(super) fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = step(rest)?;
        steps.push(step);
        rest = after;
        if steps.len() >= MAX_DEPTH as usize - 1 {
            return None;
        }
    }
    // The arguments are an object.
    matches!(steps.first(), Some(Step::Name(_))).then_some(steps)
}

/// The first step, and what follows.
fn step(path: &str) -> Option<(Step, &str)> {
    if let Some(name) = path.strip_prefix('.') {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (name, after) = name.split_at_checked(end)?;
        return (!name.is_empty()).then(|| (Step::Name(name.to_owned()), after));
    }
    let inside = path.strip_prefix('[')?;
    match inside.as_bytes().first()? {
        b'"' => {
            let mut reader = Reader::over(inside);
            let name = reader.string().ok()?.into_lossy().into_owned();
            let after = inside.get(reader.offset()..)?.strip_prefix(']')?;
            Some((Step::Name(name), after))
        }
        b'\'' => {
            let (name, after) = quoted(inside.get(1..)?)?;
            Some((Step::Name(name), after.strip_prefix(']')?))
        }
        _ => {
            let (digits, after) = inside.split_once(']')?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            let index = digits.parse().ok().filter(|_| is_number)?;
            Some((Step::Index(index), after))
        }
    }
}

/// A name up to its apostrophe, and what follows. A backslash takes the meaning from the character after it, or gives it the
/// one that it has in JSON.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut json = String::from("\"");
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => {
                json.push('"');
                let name = Reader::over(&json).string().ok()?.into_lossy().into_owned();
                return Some((name, text.get(at + 1..)?));
            }
            '"' => json.push_str("\\\""),
            '\\' => match chars.next()?.1 {
                '\'' => json.push('\''),
                escaped => json.extend(['\\', escaped]),
            },
            c => json.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Step, steps};

    fn name(name: &str) -> Step {
        Step::Name(name.to_owned())
    }

    #[test]
    fn a_path_has_names_and_indexes_in_every_notation() {
        for (path, expected) in [
            ("$.a", vec![name("a")]),
            ("$.a-b c.é", vec![name("a-b c"), name("é")]),
            (
                "$.a[0].b[12]",
                vec![name("a"), Step::Index(0), name("b"), Step::Index(12)],
            ),
            ("$['a.b'][\"c]\\\"\"]", vec![name("a.b"), name("c]\"")]),
            ("$['it\\'s \"x\" \\u00e9']", vec![name("it's \"x\" é")]),
        ] {
            assert_eq!(steps(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_is_not_the_path_of_an_argument_is_refused() {
        let deep = format!("${}", ".a".repeat(200));
        for path in [
            "",
            "a",
            "$",
            "$[0]",
            "$.",
            "$..a",
            "$.a[",
            "$.a[]",
            "$.a[-1]",
            "$.a[*]",
            "$.a[+1]",
            "$.a['b'",
            "$.a['b]",
            "$a",
            "$.a[0]b",
            "$.a[99999999999999999999999]",
            &deep,
        ] {
            assert_eq!(steps(path), None, "{path}");
        }
    }
}
