//! What is known of Gemini's families by the names of their models.
//!
//! A name without a version, such as `gemini-flash-latest` or that of a tuned model, counts as the newest family.
//!
//! Sources: ai.google.dev/gemini-api/docs: thinking, openai (how efforts become levels and budgets), function-calling,
//! structured-output, media-resolution; docs.cloud.google.com: the page of each model.

use crate::wire::model_name;
use crate::wire::providers::OutputMode;

/// How a request says how much a model should think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// By `thinkingLevel`. It always thinks.
    Level {
        /// `minimal` if it is taken, else the lowest level.
        least: &'static str,
    },
    /// By `thinkingBudget` in tokens.
    Budget {
        /// The largest budget.
        most: u32,
        /// Whether a budget of 0 is taken, which means not to think.
        may_be_off: bool,
    },
    /// Not at all.
    Never,
}

/// How a request says how much `model` should think.
pub(super) fn thinking(model: &str) -> Thinking {
    let is_pro = name(model).contains("-pro");
    match version(model) {
        Some(version) if version < (2, 5) => Thinking::Never,
        Some(version) if version < (3, 0) => Thinking::Budget {
            most: if is_pro { 32_768 } else { 24_576 },
            may_be_off: !is_pro,
        },
        _ => Thinking::Level {
            least: if is_pro { "low" } else { "minimal" },
        },
    }
}

/// Whether the model is of Gemini 3 or later. Those demand thought signatures, take a schema together with tools, media in
/// the result of a tool, and a resolution for each image.
pub(super) fn is_3(model: &str) -> bool {
    version(model).is_none_or(|version| version >= (3, 0))
}

/// How `model` is asked for JSON that fits a schema. `responseJsonSchema` came with Gemini 2.5, and Gemma 3 has neither that nor
/// tools.
pub(super) fn output_mode(model: &str) -> OutputMode {
    let is_old = version(model).is_some_and(|version| version < (2, 5));
    let gemma = model_name::version(name(model), "gemma-");
    if gemma.is_some_and(|version| version < (4, 0)) {
        OutputMode::Prompt
    } else if is_old {
        OutputMode::Tool
    } else {
        OutputMode::JsonSchema
    }
}

/// Why the model refuses a parameter; `None` if it takes it, as far as is known.
pub(super) fn refusal(model: &str, parameter: &str) -> Option<&'static str> {
    let is_lite = name(model).contains("-flash-lite");
    let is_from = |version| version >= (3, 6) || version >= (3, 5) && is_lite;
    match parameter {
        "presence_penalty" | "frequency_penalty" if version(model).is_some_and(is_from) => {
            Some("it takes no penalties")
        }
        "reasoning_effort" if thinking(model) == Thinking::Never => Some("it does not think"),
        _ => None,
    }
}

/// Whether AI Studio reads media from any address for the model, and not only its own files and `YouTube`'s videos
/// (<https://ai.google.dev/gemini-api/docs/file-input-methods>).
pub(super) fn reads_addresses(model: &str) -> bool {
    version(model).is_none_or(|version| version >= (2, 5))
}

/// The name without what stands before it, such as `models/`.
fn name(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// The version: (2, 5) for `gemini-2.5-flash`.
fn version(model: &str) -> Option<(u32, u32)> {
    let name = name(model);
    if matches!(name, "gemini-pro" | "gemini-pro-vision" | "gemini-ultra") {
        return Some((1, 0));
    }
    model_name::version(name, "gemini-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_thinks_by_level_or_by_budget_or_not() {
        let by_level = |least| Thinking::Level { least };
        let by_budget = |most, may_be_off| Thinking::Budget { most, may_be_off };
        for (model, expected) in [
            ("gemini-3-pro-preview", by_level("low")),
            ("gemini-3.1-pro-preview", by_level("low")),
            ("gemini-3-flash-preview", by_level("minimal")),
            ("gemini-3.6-flash", by_level("minimal")),
            ("gemini-10-flash", by_level("minimal")),
            ("gemini-flash-latest", by_level("minimal")),
            ("tunedModels/mine-1", by_level("minimal")),
            ("gemini-2.5-pro", by_budget(32_768, false)),
            ("models/gemini-2.5-flash", by_budget(24_576, true)),
            (
                "publishers/google/models/gemini-2.5-flash-lite",
                by_budget(24_576, true),
            ),
            ("gemini-2.0-flash-001", Thinking::Never),
            ("gemini-1.5-pro", Thinking::Never),
            ("gemini-pro", Thinking::Never),
        ] {
            assert_eq!(thinking(model), expected, "{model}");
        }
    }

    #[test]
    fn what_has_no_version_counts_as_the_newest() {
        for model in [
            "gemini-3-flash-preview",
            "gemini-flash-latest",
            "endpoints/123",
            "gemini-3.5-flash",
        ] {
            assert!(is_3(model), "{model}");
        }
        for model in [
            "gemini-2.5-pro",
            "models/gemini-2.0-flash",
            "gemini-1.5-flash",
        ] {
            assert!(!is_3(model), "{model}");
        }
    }

    #[test]
    fn older_models_answer_by_a_tool_or_as_the_prompt_says() {
        for (model, expected) in [
            ("gemini-3-flash-preview", OutputMode::JsonSchema),
            ("gemini-2.5-flash", OutputMode::JsonSchema),
            ("gemini-flash-latest", OutputMode::JsonSchema),
            ("models/gemini-2.0-flash", OutputMode::Tool),
            ("gemma-3-27b-it", OutputMode::Prompt),
            ("gemma-4-26b", OutputMode::JsonSchema),
        ] {
            assert_eq!(output_mode(model), expected, "{model}");
        }
    }

    #[test]
    fn the_newest_families_take_no_penalties() {
        for model in [
            "gemini-3.6-flash",
            "gemini-3.8-flash",
            "gemini-3.5-flash-lite",
        ] {
            assert!(refusal(model, "presence_penalty").is_some(), "{model}");
            assert!(refusal(model, "temperature").is_none(), "{model}");
        }
        for model in [
            "gemini-3.5-flash",
            "gemini-2.5-flash-lite",
            "gemini-flash-latest",
        ] {
            assert!(refusal(model, "frequency_penalty").is_none(), "{model}");
        }
    }

    #[test]
    fn models_before_2_5_neither_think_nor_read_addresses() {
        for (model, is_newer) in [
            ("gemini-2.0-flash", false),
            ("gemini-2.5-flash", true),
            ("gemini-flash-latest", true),
        ] {
            assert_eq!(
                refusal(model, "reasoning_effort").is_none(),
                is_newer,
                "{model}"
            );
            assert_eq!(reads_addresses(model), is_newer, "{model}");
        }
    }
}
