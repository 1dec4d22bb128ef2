//! What is known of families of models by their names. Responses asks models that reason for their encrypted reasoning,
//! and refuses a temperature that a family does not take.
//!
//! Sources: the page of each model at developers.openai.com, docs.x.ai (reasoning), and for gpt-5.6 reports of its error
//! 400 for any temperature but 1.

use crate::wire::model_name;
use crate::wire::providers::Provider;

/// Whether the model is known to reason.
pub(super) fn reasons(model: &str) -> bool {
    let model = plain(model);
    let is = |start: &str| model.starts_with(start);
    let has = |part: &str| model.contains(part);
    let of_openai = is_o(model) || is("codex-") || version(model) >= Some((5, 0)) && !has("-chat");
    let of_xai = ["grok-3-mini", "grok-4", "grok-code"].into_iter().any(is);
    of_openai || of_xai && !has("non-reasoning")
}

/// Why the model refuses a parameter with this value; `None` if it takes it, as far as is known.
pub(super) fn refusal(
    provider: &Provider,
    model: &str,
    (name, value): (&str, &str),
) -> Option<&'static str> {
    // Other servers may leave out what a model does not take.
    let is_own = matches!(&*provider.name, "openai" | "azure");
    let is_fixed = is_own && version(plain(model)) == Some((5, 6));
    (is_fixed && name == "temperature" && value.parse() != Ok(1.0))
        .then_some("it takes only temperature=1")
}

/// Whether the model takes marks where a cached prefix ends. Older ones cache by themselves.
pub(in crate::wire) fn takes_breakpoints(model: &str) -> bool {
    version(plain(model)) >= Some((5, 6))
}

/// The name without the vendor before it (`openai/`); of a fine-tuned model, the name of the one that it is based on.
fn plain(model: &str) -> &str {
    model_name::base(model.rsplit('/').next().unwrap_or(model))
}

/// Whether it is one of `o1`, `o3`, `o4-mini`.
fn is_o(model: &str) -> bool {
    let mut rest = model.strip_prefix('o').unwrap_or_default().chars();
    let number = rest.next().is_some_and(|c| c.is_ascii_digit());
    number && rest.next().is_none_or(|c| matches!(c, '-' | ':'))
}

/// The version of a GPT model: (5, 6) for `gpt-5.6-sol`.
fn version(model: &str) -> Option<(u32, u32)> {
    let version = model_name::version(model, "gpt-");
    // Azure calls an old model gpt-35-turbo.
    version.filter(|(major, _)| *major < 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::providers;

    #[test]
    fn models_that_reason_are_known_by_their_names() {
        for model in [
            "o3",
            "o4-mini",
            "o3-pro",
            "o1-2024-12-17",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5.4",
            "gpt-6-astra",
            "gpt-5.3-codex",
            "codex-mini-latest",
            "openai/gpt-5",
            "ft:o4-mini:org",
            "ft:gpt-5:my-chat",
            "openai/gpt-5.6:free",
            "x-ai/grok-4",
            "grok-4-1-fast-reasoning",
            "grok-3-mini",
            "grok-code-fast-1",
            "o4-mini-deep-research",
        ] {
            assert!(reasons(model), "{model}");
        }
        for model in [
            "gpt-4o",
            "gpt-4.1",
            "gpt-5-chat-latest",
            "gpt-5.2-chat-latest",
            "gpt-35-turbo",
            "gpt-oss-120b",
            "grok-3",
            "grok-4-1-fast-non-reasoning",
            "orca",
            "qwen3",
            "omni-moderation",
            "",
        ] {
            assert!(!reasons(model), "{model}");
        }
    }

    #[test]
    fn gpt_5_6_takes_only_temperature_1() {
        let refused = |provider: &str, model: &str, name: &str, value: &str| {
            let provider = providers::find(provider).unwrap();
            refusal(&provider, model, (name, value)).is_some()
        };
        assert!(refused("openai", "gpt-5.6", "temperature", "0"));
        assert!(refused("azure", "gpt-5.6-sol", "temperature", "0.5"));
        assert!(!refused("openai", "gpt-5.6", "temperature", "1.0"));
        assert!(!refused("openai", "gpt-5.6", "top_p", "0.5"));
        // These take it when they do not reason.
        assert!(!refused("openai", "gpt-5.4-nano", "temperature", "0"));
        assert!(!refused("openai", "gpt-5", "temperature", "0"));
        assert!(!refused("vllm", "gpt-5.6", "temperature", "0"));
    }

    #[test]
    fn breakpoints_are_for_models_that_take_them() {
        assert!(takes_breakpoints("gpt-5.6-sol") && takes_breakpoints("gpt-6-astra"));
        assert!(!takes_breakpoints("gpt-5.5") && !takes_breakpoints("o3"));
    }
}
