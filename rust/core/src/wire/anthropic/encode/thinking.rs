//! How a model is asked to think, and what it does not take then.
//!
//! Sources: the pages on extended thinking, adaptive thinking and effort at platform.claude.com.

use super::super::families::{Model, Thinking};
use crate::error::Error;
use crate::wire::body::{Body, fields, invalid, value};
use crate::wire::params::Set;

/// The least tokens that a model can be given to think.
const LEAST_BUDGET: u64 = 1_024;

/// Tokens of an answer besides what the model thinks.
const ANSWER: u64 = 4_096;

/// Tokens to think for each effort.
const BUDGETS: [(&str, u64); 6] = [
    ("minimal", LEAST_BUDGET),
    ("low", LEAST_BUDGET),
    ("medium", 4_096),
    ("high", 16_384),
    ("xhigh", 24_576),
    ("max", 32_000),
];

/// How a request asks for thoughts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// `thinking`.
    pub(super) thinking: Option<String>,
    /// The effort in `output_config`: a JSON string.
    pub(super) effort: Option<String>,
    /// The limit of the whole answer, if it depends on the thoughts.
    pub(super) max_tokens: Option<u64>,
}

/// Whether the request asks a model to think, by `reasoning_effort` or in `extra_body`.
pub(super) fn is_on(params: &Set<'_>, body: &Body<'_>) -> bool {
    let effort = params.get("reasoning_effort");
    let is_thinking = |raw: &str| raw.contains("\"enabled\"") || raw.contains("\"adaptive\"");
    effort.is_some_and(|effort| effort != "\"none\"")
        || body.given("thinking").is_some_and(is_thinking)
}

/// The limits of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The caller's, if there is one.
    pub(super) given: Option<u64>,
    /// Ours, without one of the caller.
    pub(super) usual: u64,
    /// The model's, if it is known.
    pub(super) largest: Option<u64>,
}

/// What `effort`, a word, becomes for a model. A model of another vendor is asked as Anthropic's older ones are, which all
/// servers understand.
pub(super) fn asked(effort: &str, model: Option<Model>, limits: Limits) -> Result<Asked, Error> {
    let thinking = model.map_or(Thinking::Budget, Model::thinking);
    let disabled = || Some(r#"{"type":"disabled"}"#.to_owned());
    match (thinking, effort) {
        (Thinking::Never, _) => Ok(Asked::default()),
        (_, "none") => Ok(Asked {
            thinking: disabled(),
            ..Asked::default()
        }),
        (Thinking::Adaptive { hides }, _) => {
            let display = if hides {
                r#","display":"summarized""#
            } else {
                ""
            };
            let effort = match effort {
                "minimal" => "low",
                _ => known(effort)?.0,
            };
            Ok(Asked {
                thinking: Some(format!(r#"{{"type":"adaptive"{display}}}"#)),
                effort: Some(format!("\"{effort}\"")),
                max_tokens: None,
            })
        }
        (Thinking::Budget, _) => budget(effort, limits),
    }
}

/// An effort that there is, and its budget.
fn known(effort: &str) -> Result<(&'static str, u64), Error> {
    let found = BUDGETS.iter().find(|(name, _)| *name == effort);
    found.copied().ok_or_else(|| {
        invalid(
            "params.reasoning_effort: it must be none, minimal, low, medium, high, xhigh or max",
        )
    })
}

/// The budget of the caller's own `thinking`.
pub(super) fn budget_of(thinking: &str) -> Option<u64> {
    let known = fields(thinking, "thinking").ok()?;
    value(&known, "budget_tokens")?.parse().ok()
}

/// The limit of an answer that has room for thoughts as well: 400 "`max_tokens` must be greater than
/// `thinking.budget_tokens`".
pub(super) fn whole(usual: u64, budget: u64, largest: Option<u64>) -> u64 {
    if budget == 0 {
        return usual;
    }
    let most = largest.unwrap_or(u64::MAX);
    usual.max(budget.saturating_add(ANSWER)).min(most)
}

/// Asks with a budget, which is a part of the whole answer.
fn budget(effort: &str, limits: Limits) -> Result<Asked, Error> {
    let (_, wanted) = known(effort)?;
    let whole = limits
        .given
        .unwrap_or_else(|| whole(limits.usual, wanted, limits.largest));
    if whole <= LEAST_BUDGET {
        return Err(invalid(format!(
            "params.max_tokens: {whole} leaves no room to think, which takes {LEAST_BUDGET} tokens; give more, or reasoning_effort=\"none\""
        )));
    }
    let budget = wanted.min((whole / 2).max(LEAST_BUDGET));
    Ok(Asked {
        thinking: Some(format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#)),
        effort: None,
        max_tokens: limits.given.is_none().then_some(whole),
    })
}
