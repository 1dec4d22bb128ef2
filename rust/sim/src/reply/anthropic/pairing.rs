//! What must come back of earlier replies: the result of each call right after it, and thinking as
//! it was.

use std::collections::HashSet;

use serde_json::Value;

use super::content::{SEAL, follows_thinking};
use super::conversation::{Placed, Turn};
use super::refusal::{invalid, wrong};
use crate::reply::body::Checked;
use crate::reply::sealed;

/// Each call has its result in the next turn, and each result its call in the turn before. `is_own`
/// says whether results must come before anything else.
pub(super) fn check_calls(turns: &[Turn<'_>], is_own: bool) -> Checked<()> {
    // System messages can come between a call and its result.
    let turns = turns.iter().filter(|turn| turn.role != "system");
    let mut before: Option<&Turn<'_>> = None;
    for turn in turns {
        if let Some(before) = before {
            check_answered(before, Some(turn), is_own)?;
        }
        check_results(before, turn)?;
        let mut known = HashSet::new();
        for call in of_kind(turn, "tool_use") {
            if !known.insert(text(call, "id")) {
                return Err(wrong(&call.place, "`tool_use` ids must be unique"));
            }
        }
        before = Some(turn);
    }
    before.map_or(Ok(()), |last| check_answered(last, None, is_own))
}

/// The results of a turn belong to calls of the turn before.
fn check_results(before: Option<&Turn<'_>>, turn: &Turn<'_>) -> Checked<()> {
    let calls = before
        .into_iter()
        .flat_map(|turn| of_kind(turn, "tool_use"));
    let calls: HashSet<&str> = calls.map(|call| text(call, "id")).collect();
    let mut answered = HashSet::new();
    for result in of_kind(turn, "tool_result") {
        let id = text(result, "tool_use_id");
        let place = &result.place;
        if !calls.contains(id) {
            return Err(invalid(format!(
                "{place}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each \
                 `tool_result` block must have a corresponding `tool_use` block in the previous \
                 message."
            )));
        }
        if !answered.insert(id) {
            return Err(invalid(format!(
                "{place}: each tool_use must have a single result. Found multiple `tool_result` \
                 blocks with id: {id}"
            )));
        }
    }
    Ok(())
}

/// The calls of a turn have their results in the next one.
fn check_answered(turn: &Turn<'_>, next: Option<&Turn<'_>>, is_own: bool) -> Checked<()> {
    let blocks = next.into_iter().flat_map(|next| next.blocks.iter());
    let is_result = |placed: &&Placed<'_>| placed.kind == "tool_result";
    let results: HashSet<&str> = if is_own {
        let leading = blocks.take_while(is_result);
        leading.map(|result| text(result, "tool_use_id")).collect()
    } else {
        let all = blocks.filter(is_result);
        all.map(|result| text(result, "tool_use_id")).collect()
    };
    let ids = of_kind(turn, "tool_use").map(|call| text(call, "id"));
    let open: Vec<&str> = ids.filter(|id| !results.contains(id)).collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: \
         {}. Each `tool_use` block must have a corresponding `tool_result` block in the next \
         message.",
        turn.number,
        open.join(", ")
    )))
}

/// Thinking that was made here comes back as it was. If the model goes on thinking, the calls that
/// followed thinking come back with it.
pub(super) fn check_thinking(turns: &[Turn<'_>], is_on: bool) -> Checked<()> {
    for placed in turns.iter().flat_map(|turn| turn.blocks.iter()) {
        check_seal(placed)?;
    }
    if !is_on {
        return Ok(());
    }
    // The turns since the last message of a person.
    for turn in turns.iter().rev() {
        match turn.role {
            "user" if of_kind(turn, "tool_result").next().is_none() => break,
            "assistant" => check_order(turn)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_seal(placed: &Placed<'_>) -> Checked<()> {
    let (name, of) = match placed.kind {
        // Without text, nothing is known of it.
        "thinking" => (
            "signature",
            Some(text(placed, "thinking")).filter(|text| !text.is_empty()),
        ),
        "redacted_thinking" => ("data", None),
        _ => return Ok(()),
    };
    if sealed::check(text(placed, name), SEAL, of).is_ok() {
        return Ok(());
    }
    let kind = placed.kind;
    let rule = format!("Invalid `{name}` in `{kind}` block");
    Err(wrong(&placed.place, &rule))
}

fn check_order(turn: &Turn<'_>) -> Checked<()> {
    let mut thinks = false;
    for placed in &turn.blocks {
        match placed.kind {
            "thinking" | "redacted_thinking" => thinks = true,
            "tool_use" if !thinks && follows_thinking(text(placed, "id")) => {
                let first = turn.blocks.first().unwrap_or(placed);
                return Err(invalid(format!(
                    "{}.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When \
                     `thinking` is enabled, a final `assistant` message must start with a thinking \
                     block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). \
                     We recommend you include thinking blocks from previous turns. To avoid this \
                     requirement, disable `thinking`. Please consult our documentation at \
                     https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
                    first.place, first.kind
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn of_kind<'t, 'a>(turn: &'t Turn<'a>, kind: &'static str) -> impl Iterator<Item = &'t Placed<'a>> {
    turn.blocks.iter().filter(move |placed| placed.kind == kind)
}

fn text<'a>(placed: &Placed<'a>, name: &str) -> &'a str {
    let value = placed.json.get(name).and_then(Value::as_str);
    value.unwrap_or_default()
}
