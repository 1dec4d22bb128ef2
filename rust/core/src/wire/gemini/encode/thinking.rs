//! How much the model thinks.

use crate::error::Error;
use crate::wire::body::invalid;
use crate::wire::gemini::families::{Thinking, thinking};

/// Budgets in tokens for efforts, as Google's address for `OpenAI`'s API has them
/// (<https://ai.google.dev/gemini-api/docs/openai#thinking>).
const BUDGETS: [(&str, u32); 4] = [
    ("minimal", 1_024),
    ("low", 1_024),
    ("medium", 8_192),
    ("high", 24_576),
];

/// The levels that there are (google-genai: `types.ThinkingLevel`).
const LEVELS: [&str; 5] = ["minimal", "low", "medium", "high", "xhigh"];

/// The `thinkingConfig` for an effort: a JSON object with a level or a budget, never both.
pub(super) fn config(model: &str, effort: &str) -> Result<String, Error> {
    let refused = |why: &str| {
        let model = model.escape_debug();
        Err(invalid(format!("params.reasoning_effort: {model} {why}")))
    };
    match (thinking(model), effort) {
        (Thinking::Never, _) => refused("does not think; leave it out"),
        (Thinking::Level { least }, "none") => {
            refused(&format!("always thinks; \"{least}\" is the least"))
        }
        (Thinking::Level { least }, "minimal") => Ok(leveled(least)),
        (Thinking::Level { .. }, _) if LEVELS.contains(&effort) => Ok(leveled(effort)),
        (Thinking::Level { .. }, _) => {
            refused("takes \"minimal\", \"low\", \"medium\", \"high\" or \"xhigh\"")
        }
        // 400 "include_thoughts is only enabled when thinking is enabled".
        (
            Thinking::Budget {
                may_be_off: true, ..
            },
            "none",
        ) => Ok("{\"thinkingBudget\":0}".to_owned()),
        (Thinking::Budget { .. }, "none") => refused("always thinks; \"minimal\" is the least"),
        (Thinking::Budget { most, .. }, _) => {
            let known = BUDGETS.iter().find(|(name, _)| *name == effort);
            match (known, effort) {
                (Some((_, budget)), _) => Ok(budgeted(*budget)),
                (None, "xhigh") => Ok(budgeted(most)),
                _ => refused("takes \"minimal\", \"low\", \"medium\", \"high\" or \"xhigh\""),
            }
        }
    }
}

fn leveled(level: &str) -> String {
    format!("{{\"thinkingLevel\":\"{level}\",\"includeThoughts\":true}}")
}

fn budgeted(budget: u32) -> String {
    format!("{{\"thinkingBudget\":{budget},\"includeThoughts\":true}}")
}
