//! What a family of models takes. The simulator's own models, and unknown ones, take everything.

/// A model, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// The version of the family, such as 4.6; `None` for a model that is not Anthropic's.
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

    /// Whether thinking can have a budget. From 4.7 on, the model decides itself.
    pub(super) fn takes_budget(self) -> bool {
        self.version.is_none() || !self.is_at_least(4, 7)
    }

    /// Whether thinking can be adaptive.
    pub(super) fn adapts(self) -> bool {
        self.is_at_least(4, 6)
    }

    /// Whether `temperature`, `top_p` and `top_k` are taken.
    pub(super) fn takes_sampling(self) -> bool {
        self.takes_budget()
    }

    /// Whether the conversation can end with a beginning of the answer.
    pub(super) fn takes_prefill(self) -> bool {
        self.takes_budget()
    }

    /// Whether thinking is shown unless the request says otherwise.
    pub(super) fn shows_thinking(self) -> bool {
        self.takes_budget()
    }

    /// The efforts that it takes.
    pub(super) fn efforts(self) -> &'static [&'static str] {
        if self.is_at_least(4, 7) {
            &["high", "low", "max", "medium", "xhigh"]
        } else if self.is_at_least(4, 6) {
            &["high", "low", "max", "medium"]
        } else if self.is_at_least(4, 5) {
            &["high", "low", "medium"]
        } else {
            &[]
        }
    }
}

/// The version in a name such as `claude-opus-4-7`, `claude-3-7-sonnet@20250219`, `claude-opus-5` or
/// `claude-fable-5`; a date is not one.
fn version(name: &str) -> Option<(u32, u32)> {
    let (_, rest) = name.split_once("claude-")?;
    let words = rest.split(['-', '.', '@', ':', '_']);
    let mut numbers = words
        .map(|word| word.parse().ok().filter(|number| *number < 100))
        .skip_while(Option::is_none);
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), minor) => Some((major, minor.unwrap_or(0))),
        // A name without a number, such as that of a preview, is a new one.
        (None, _) => Some((u32::MAX, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Model, version};

    #[test]
    fn a_name_has_a_version() {
        for (name, expected) in [
            ("claude-opus-4-7", Some((4, 7))),
            ("claude-opus-4-20250514", Some((4, 0))),
            ("claude-haiku-4-5-20251001", Some((4, 5))),
            ("claude-3-7-sonnet@20250219", Some((3, 7))),
            ("us.anthropic.claude-sonnet-4-6-v1:0", Some((4, 6))),
            ("anthropic/claude-opus-4.8", Some((4, 8))),
            ("claude-fable-5", Some((5, 0))),
            ("claude-mythos-preview", Some((u32::MAX, 0))),
            ("chat", None),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
    }

    #[test]
    fn a_family_takes_what_it_knows() {
        let facts = |name: &str| {
            let model = Model::of(name);
            (model.takes_budget(), model.adapts())
        };
        assert_eq!(facts("claude-haiku-4-5"), (true, false));
        assert_eq!(facts("claude-opus-4-6"), (true, true));
        assert_eq!(facts("claude-opus-4-7"), (false, true));
        assert_eq!(facts("claude-sonnet-5"), (false, true));
        assert_eq!(facts("words"), (true, true));
        assert!(Model::of("claude-sonnet-4-0").efforts().is_empty());
    }
}
