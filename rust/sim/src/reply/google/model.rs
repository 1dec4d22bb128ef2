//! What a family of models does. The simulator's own models, and unknown ones, do what the newest do.

/// A model, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// The version of the family, such as 2.5; `None` for a model that is not Google's.
    version: Option<(u32, u32)>,
}

impl Model {
    pub(super) fn of(name: &str) -> Self {
        Self {
            version: version(name),
        }
    }

    fn is_at_least(self, major: u32, minor: u32) -> bool {
        self.version.is_none_or(|own| own >= (major, minor))
    }

    /// Whether calls must come back with their signatures, thinking has levels, and JSON can be
    /// combined with tools.
    pub(super) fn is_new(self) -> bool {
        self.is_at_least(3, 0)
    }

    /// Whether it thinks without being asked.
    pub(super) fn signs(self) -> bool {
        self.is_at_least(2, 5)
    }

    /// Whether calls have ids.
    pub(super) fn has_ids(self) -> bool {
        self.is_at_least(3, 5)
    }
}

/// The version in a name such as `gemini-2.5-flash` or `gemini-3-pro-preview`.
fn version(name: &str) -> Option<(u32, u32)> {
    let (_, rest) = name.split_once("gemini-")?;
    let word = rest.split('-').next()?;
    let mut numbers = word.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), minor) => Some((major, minor.and_then(Result::ok).unwrap_or(0))),
        // A name such as `gemini-pro-latest` is that of a new one.
        _ => Some((u32::MAX, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_name_has_a_version() {
        for (name, expected) in [
            ("gemini-2.5-flash", Some((2, 5))),
            ("models/gemini-3-pro-preview", Some((3, 0))),
            ("gemini-3.1-pro", Some((3, 1))),
            ("gemini-flash-latest", Some((u32::MAX, 0))),
            ("chat", None),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
    }
}
