//! What is known of Anthropic's families of models by their names.
//!
//! Sources: the pages on extended and adaptive thinking, effort, structured outputs and migration at platform.claude.com,
//! the page on adaptive thinking at docs.aws.amazon.com/bedrock, and reports of the API's error 400 where one is quoted.

/// A model of Anthropic's, wherever it is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// Its version: (4, 6) for `claude-opus-4-6`. A name without a version is the newest.
    version: (u32, u32),
    /// Whether it always thinks.
    always_thinks: bool,
}

/// How a model is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It cannot.
    Never,
    /// With a number of tokens that it may think for.
    Budget,
    /// It decides for itself. If it `hides` its thoughts, it has to be asked to show a summary.
    Adaptive { hides: bool },
}

/// No number in the name of a model is larger, except a date.
const LARGEST: u32 = 99;

impl Model {
    /// Reads the name of a model, with what a platform or a gateway writes around it: `anthropic/claude-opus-4.6`,
    /// `us.anthropic.claude-opus-4-6-v1:0`, `claude-opus-4-5@20251101`. `None` if it is not one of Anthropic's.
    pub(super) fn read(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (_, rest) = name.split_once("claude")?;
        let words = rest.split(|c: char| !c.is_ascii_alphanumeric());
        let mut numbers = words
            .clone()
            .skip_while(|word| word.parse::<u32>().is_err())
            .map_while(|word| word.parse().ok().filter(|number| *number <= LARGEST));
        let version = match numbers.next() {
            Some(major) => (major, numbers.next().unwrap_or(0)),
            None => (u32::MAX, 0),
        };
        let mut words = words;
        Some(Self {
            version,
            always_thinks: words.any(|word| matches!(word, "fable" | "mythos")),
        })
    }

    /// How it is asked to think.
    pub(super) fn thinking(self) -> Thinking {
        if self.is_newest() {
            return Thinking::Adaptive { hides: true };
        }
        match self.version {
            // 400 "thinking.type.enabled is not supported for this model. Use thinking.type.adaptive": from 4.7 on.
            version if version >= (4, 6) => Thinking::Adaptive { hides: false },
            version if version >= (3, 7) => Thinking::Budget,
            _ => Thinking::Never,
        }
    }

    /// Whether it can be asked not to think. 400 "thinking.type.disabled is not supported for this model".
    pub(super) fn can_stop_thinking(self) -> bool {
        !self.always_thinks
    }

    /// Whether it takes `temperature`, `top_p` and `top_k`. 400 "`temperature` is deprecated for this model".
    pub(super) fn takes_sampling(self) -> bool {
        !self.is_newest()
    }

    /// Whether it takes `temperature` and `top_p` together. 400 "`temperature` and `top_p` cannot both be specified for
    /// this model".
    pub(super) fn takes_both(self) -> bool {
        self.version < (4, 1)
    }

    /// Whether it takes a schema of the answer.
    pub(super) fn takes_schema(self) -> bool {
        self.version >= (4, 1)
    }

    /// Whether it is from version 4.7 on, from where thinking is adaptive alone.
    fn is_newest(self) -> bool {
        self.version >= (4, 7) || self.always_thinks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Model {
        Model::read(name).unwrap()
    }

    #[test]
    fn a_version_is_read_from_the_names_of_every_platform() {
        for (name, version) in [
            ("claude-3-opus-20240229", (3, 0)),
            ("claude-3-haiku-20240307", (3, 0)),
            ("claude-3-5-sonnet-latest", (3, 5)),
            ("claude-3-7-sonnet-20250219", (3, 7)),
            ("anthropic/claude-3.7-sonnet:thinking", (3, 7)),
            ("claude-opus-4-20250514", (4, 0)),
            ("claude-sonnet-4-0", (4, 0)),
            ("claude-sonnet-4@20250514", (4, 0)),
            ("claude-opus-4-1-20250805", (4, 1)),
            ("claude-opus-4.1", (4, 1)),
            ("claude-haiku-4-5", (4, 5)),
            ("claude-opus-4-5@20251101", (4, 5)),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", (4, 5)),
            ("anthropic.claude-opus-4-6-v1", (4, 6)),
            ("claude-opus-4-7", (4, 7)),
            ("claude-opus-4-10", (4, 10)),
            ("claude-sonnet-5", (5, 0)),
            ("anthropic.claude-fable-5-1", (5, 1)),
            ("claude-2.1", (2, 1)),
            ("claude-instant-1.2", (1, 2)),
            ("CLAUDE-OPUS-5", (5, 0)),
            ("claude-mythos-preview", (u32::MAX, 0)),
            ("claude", (u32::MAX, 0)),
        ] {
            assert_eq!(model(name).version, version, "{name}");
        }
        for name in ["gpt-5.6", "deepseek-chat", "kimi-k2", "", "glm-4.6"] {
            assert_eq!(Model::read(name), None, "{name}");
        }
    }

    #[test]
    fn thinking_is_adaptive_alone_from_4_7_on_and_has_a_budget_up_to_4_5() {
        let newest = Thinking::Adaptive { hides: true };
        for (name, thinking) in [
            ("claude-3-5-haiku-latest", Thinking::Never),
            ("claude-3-7-sonnet-latest", Thinking::Budget),
            ("claude-sonnet-4-0", Thinking::Budget),
            ("claude-opus-4-1", Thinking::Budget),
            ("claude-opus-4-5", Thinking::Budget),
            ("claude-haiku-4-5", Thinking::Budget),
            ("claude-sonnet-4-6", Thinking::Adaptive { hides: false }),
            ("claude-opus-4-7", newest),
            ("claude-opus-4-8", newest),
            ("claude-opus-5", newest),
            ("claude-sonnet-5", newest),
            ("claude-fable-5", newest),
            ("claude-mythos-preview", newest),
            ("claude-epic-7", newest),
        ] {
            assert_eq!(model(name).thinking(), thinking, "{name}");
        }
    }

    #[test]
    fn fable_and_mythos_cannot_stop_thinking() {
        assert!(model("claude-opus-4-7").can_stop_thinking());
        assert!(model("claude-sonnet-5").can_stop_thinking());
        assert!(!model("claude-fable-5").can_stop_thinking());
        assert!(!model("claude-mythos-5").can_stop_thinking());
        assert!(!model("claude-mythos-preview").can_stop_thinking());
    }

    #[test]
    fn sampling_is_gone_from_4_7_on_and_one_of_its_parameters_at_a_time_from_4_1_on() {
        for (name, takes_any, takes_both) in [
            ("claude-3-7-sonnet-latest", true, true),
            ("claude-opus-4-0", true, true),
            ("claude-opus-4-1", true, false),
            ("claude-haiku-4-5", true, false),
            ("claude-sonnet-4-6", true, false),
            ("claude-opus-4-7", false, false),
            ("claude-fable-5", false, false),
        ] {
            let model = model(name);
            assert_eq!(
                (model.takes_sampling(), model.takes_both()),
                (takes_any, takes_both),
                "{name}"
            );
        }
    }

    #[test]
    fn schemas_are_for_models_from_4_1_on() {
        for name in [
            "claude-3-7-sonnet-latest",
            "claude-opus-4-0",
            "claude-sonnet-4-20250514",
        ] {
            assert!(!model(name).takes_schema(), "{name}");
        }
        for name in [
            "claude-opus-4-1",
            "claude-sonnet-4-5",
            "claude-fable-5",
            "claude-new",
        ] {
            assert!(model(name).takes_schema(), "{name}");
        }
    }
}
