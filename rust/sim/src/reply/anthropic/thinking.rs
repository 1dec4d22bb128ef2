//! Whether a model thinks, and whether that is shown.

use serde_json::Value;

use super::model::Model;
use super::refusal::{extra, invalid, missing, wrong, wrong_tag, wrong_word};
use crate::reply::body::{Checked, present};

/// What a model thinks if the request asks it to.
const THOUGHT: &str = "The simulator reads the question, and has no opinion.";

/// The least budget, in tokens.
const LEAST_BUDGET: u64 = 1024;

const KINDS: [&str; 4] = ["adaptive", "between_tools", "disabled", "enabled"];

/// The address that the real errors name.
const DOCUMENTATION: &str = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking";

/// What a request says about thinking.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Thinking {
    /// Whether the model thinks.
    pub(super) is_on: bool,
    is_shown: bool,
}

impl Thinking {
    /// Reads `thinking`. `is_own` says whether the model's own rules are checked.
    pub(super) fn read(
        json: &Value,
        model: Model,
        max_tokens: Option<u64>,
        is_own: bool,
    ) -> Checked<Self> {
        let Some(thinking) = present(json, "thinking") else {
            return Ok(Self::default());
        };
        let Some(fields) = thinking.as_object() else {
            return Err(wrong("thinking", "Input should be a valid dictionary"));
        };
        let kind = present(thinking, "type").ok_or_else(|| missing("thinking.type"))?;
        let kind = kind.as_str().unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Err(wrong_tag("thinking", kind, &KINDS));
        }
        let known: &[&str] = match kind {
            "enabled" => &["type", "budget_tokens", "display"],
            "adaptive" => &["type", "display"],
            _ => &["type"],
        };
        if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(extra(&format!("thinking.{kind}.{name}")));
        }
        if kind == "enabled" {
            check_budget(thinking, max_tokens)?;
        }
        if is_own {
            check_model(kind, model)?;
        }
        let thinks = kind != "disabled";
        if thinks && is_own {
            check_sampling(json)?;
        }
        let choice = json.pointer("/tool_choice/type").and_then(Value::as_str);
        // Adaptive thinking gives way to a tool that is forced.
        if kind == "enabled" && is_own && matches!(choice, Some("any" | "tool")) {
            let message = "Thinking may not be enabled when tool_choice forces tool use.";
            return Err(invalid(message));
        }
        let display = present(thinking, "display").map(|display| display.as_str());
        let is_shown = match display {
            None => model.shows_thinking(),
            Some(Some("summarized")) => true,
            Some(Some("omitted")) => false,
            Some(_) => {
                let place = format!("thinking.{kind}.display");
                return Err(wrong_word(&place, &["summarized", "omitted"]));
            }
        };
        Ok(Self {
            is_on: thinks,
            is_shown,
        })
    }

    /// The reasoning of a made-up reply.
    pub(super) fn made_up(self) -> Option<String> {
        let text = if self.is_shown { THOUGHT } else { "" };
        self.is_on.then(|| text.to_owned())
    }
}

fn check_budget(thinking: &Value, max_tokens: Option<u64>) -> Checked<()> {
    let place = "thinking.enabled.budget_tokens";
    let budget = present(thinking, "budget_tokens").ok_or_else(|| missing(place))?;
    match budget.as_u64() {
        None => Err(wrong(place, "Input should be a valid integer")),
        Some(0..LEAST_BUDGET) => {
            let rule = format!("Input should be greater than or equal to {LEAST_BUDGET}");
            Err(wrong(place, &rule))
        }
        Some(budget) if max_tokens.is_some_and(|most| most <= budget) => Err(invalid(format!(
            "`max_tokens` must be greater than `thinking.budget_tokens`. \
             {DOCUMENTATION}#max-tokens-and-context-window-size"
        ))),
        Some(_) => Ok(()),
    }
}

fn check_model(kind: &str, model: Model) -> Checked<()> {
    match kind {
        "enabled" if !model.takes_budget() => Err(invalid(
            "\"thinking.type.enabled\" is not supported for this model. Use \
             \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
        )),
        "adaptive" | "between_tools" if !model.adapts() => {
            Err(invalid("adaptive thinking is not supported on this model"))
        }
        _ => Ok(()),
    }
}

/// What cannot be combined with thinking.
fn check_sampling(json: &Value) -> Checked<()> {
    let number = |name: &str| present(json, name).and_then(Value::as_f64);
    if number("temperature").is_some_and(|value| value < 1.0) {
        return Err(invalid(format!(
            "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode. \
             {DOCUMENTATION}#important-considerations-when-using-extended-thinking"
        )));
    }
    if number("top_p").is_some_and(|value| value < 0.95) {
        return Err(invalid(format!(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or in \
             adaptive mode. {DOCUMENTATION}"
        )));
    }
    if present(json, "top_k").is_some() {
        return Err(invalid(format!(
            "`top_k` must be unset when thinking is enabled or in adaptive mode. {DOCUMENTATION}"
        )));
    }
    Ok(())
}
