//! The choices of one reply: what each says, before it is put into a wire form.

use serde_json::{Map, Value};

use super::ask::{Ask, Prompt, Shape, Tool};
use super::hash::{derived_id, draw, fnv_from};
use super::schema;
use super::tokens::{Tokens, cut_text};
use crate::script::{Reply, ToolCallReply};
use crate::state::Prepared;

/// `created` of every reply, in seconds since 1970: fixed, so that replies are reproducible.
pub(crate) const CREATED: u64 = 1_700_000_000;

/// Length of a made-up reply when neither script nor request sets one, in tokens.
const DEFAULT_TOKENS: u64 = 16;

/// One call of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// What one choice says.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) index: u64,
    pub(crate) reasoning: Vec<String>,
    pub(crate) content: Tokens,
    pub(crate) refusal: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
}

/// Why a choice ended.
#[derive(Debug, Clone)]
pub(crate) enum Finish {
    /// Everything was said.
    Stop,
    /// It was cut.
    Length,
    /// It calls tools.
    Calls,
    /// The reason that the script gives, sent as it is.
    Scripted(String),
}

impl Choice {
    /// Tokens of this choice, and how many of them are reasoning.
    fn tokens(&self) -> (u64, u64) {
        let reasoning = self.reasoning.len() as u64;
        let calls: usize = self
            .calls
            .iter()
            .map(|call| 1 + call.arguments.len() / 4)
            .sum();
        let all = self.content.len() + reasoning + self.refusal.len() as u64 + calls as u64;
        (all, reasoning)
    }
}

/// How many tokens a reply is worth.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) prompt: u64,
    /// Includes `reasoning`.
    pub(crate) completion: u64,
    pub(crate) reasoning: u64,
}

/// All choices of a reply.
#[derive(Debug)]
pub(crate) struct Said {
    /// What the ids of the reply are derived from.
    pub(crate) seed: u64,
    pub(crate) choices: Vec<Choice>,
    pub(crate) counts: Counts,
    /// The usage of the script in the place of the counts; empty leaves it out.
    usage: Option<Map<String, Value>>,
}

impl Said {
    /// The usage: the script's, or what the API makes of the counts, or none.
    pub(crate) fn usage(&self, of_counts: impl Fn(Counts) -> Option<Value>) -> Option<Value> {
        match &self.usage {
            Some(usage) if usage.is_empty() => None,
            Some(usage) => Some(Value::Object(usage.clone())),
            None => of_counts(self.counts),
        }
    }

    /// What the reply is worth in time: the tokens of its longest choice.
    pub(crate) fn tokens(&self) -> u64 {
        let lengths = self.choices.iter().map(|choice| choice.content.len());
        lengths.max().unwrap_or(0)
    }
}

/// Decides what is said.
pub(crate) fn say(ask: &Ask<'_>, prepared: &Prepared) -> Said {
    let plain = Reply::default();
    let reply = prepared.behaviour.reply.as_ref().unwrap_or(&plain);
    let mut choices = Vec::new();
    let mut seed = ask.seed;
    for prompt in &ask.prompts {
        for _ in 0..ask.n {
            let index = choices.len() as u64;
            choices.push(choice(ask, prepared, reply, prompt, index));
        }
        seed = fnv_from(seed, &prompt.hash.to_le_bytes());
    }
    let mut counts = Counts {
        prompt: ask.prompts.iter().map(|prompt| prompt.tokens).sum(),
        ..Counts::default()
    };
    for (completion, reasoning) in choices.iter().map(Choice::tokens) {
        counts.completion += completion;
        counts.reasoning += reasoning;
    }
    Said {
        seed,
        choices,
        counts,
        usage: reply.usage.clone(),
    }
}

fn choice(
    ask: &Ask<'_>,
    prepared: &Prepared,
    reply: &Reply,
    prompt: &Prompt,
    index: u64,
) -> Choice {
    let mut seed = fnv_from(ask.seed ^ prompt.hash, &index.to_le_bytes());
    let calls = calls(ask, reply, &mut seed);
    let is_special = !calls.is_empty() || reply.refusal.is_some();
    let mut content = content(ask, prepared, reply, seed, index, is_special);
    let stopped = !reply.verbatim && !ask.stop.is_empty() && content.stop_at(&ask.stop);
    let cut = !reply.verbatim && ask.max_tokens.is_some_and(|limit| content.cut(limit));
    let made_up = reply.text.is_none() && reply.tokens.is_none() && !is_special;
    // A made-up reply that is as long as was allowed would have gone on.
    let full = made_up
        && !stopped
        && prepared.pacing.tokens.is_none()
        && ask.max_tokens.is_some_and(|limit| content.len() == limit);
    let computed = match () {
        () if cut || full => Finish::Length,
        () if !calls.is_empty() => Finish::Calls,
        () => Finish::Stop,
    };
    Choice {
        index,
        reasoning: reply.reasoning.as_deref().map(cut_text).unwrap_or_default(),
        content,
        refusal: reply.refusal.as_deref().map(cut_text).unwrap_or_default(),
        calls,
        finish: reply
            .finish_reason
            .clone()
            .map_or(computed, Finish::Scripted),
    }
}

fn content(
    ask: &Ask<'_>,
    prepared: &Prepared,
    reply: &Reply,
    seed: u64,
    index: u64,
    is_special: bool,
) -> Tokens {
    if let Some(tokens) = &reply.tokens {
        return Tokens::fixed(tokens.clone());
    }
    if let Some(text) = &reply.text {
        return Tokens::fixed(cut_text(text));
    }
    if is_special {
        return Tokens::fixed(Vec::new());
    }
    if let Some(json) = ask.shape.map(structured) {
        return Tokens::fixed(cut_json(&json));
    }
    let len = prepared
        .pacing
        .tokens
        .or(ask.max_tokens)
        .unwrap_or(DEFAULT_TOKENS);
    if prepared.behaviour.ledger {
        let id = &ask.ledger_id;
        let id = if index == 0 {
            id.clone()
        } else {
            format!("{id}/{index}")
        };
        return Tokens::ledger(id, len);
    }
    Tokens::words(seed, len)
}

/// The JSON text that the request asks for.
fn structured(shape: Shape<'_>) -> String {
    match shape {
        Shape::Object => "{\"ok\":true}".to_owned(),
        Shape::Schema(schema) => schema::instance(schema).to_string(),
    }
}

/// Pieces of about 4 characters.
fn cut_json(json: &str) -> Vec<String> {
    let characters: Vec<char> = json.chars().collect();
    characters
        .chunks(4)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// The scripted calls; else, for the model `sim-tools`, a call of each tool that the request
/// wants called.
fn calls(ask: &Ask<'_>, reply: &Reply, seed: &mut u64) -> Vec<Call> {
    let Some(tools) = &ask.tools else {
        return Vec::new();
    };
    let mut id = |given: &Option<String>| {
        given
            .clone()
            .unwrap_or_else(|| derived_id(tools.id_prefix, draw(seed), 24))
    };
    if !reply.tool_calls.is_empty() {
        let scripted = |call: &ToolCallReply| Call {
            id: id(&call.id),
            name: call.name.clone(),
            arguments: match &call.arguments {
                Value::String(text) => text.clone(),
                Value::Null => "{}".to_owned(),
                other => other.to_string(),
            },
        };
        return reply.tool_calls.iter().map(scripted).collect();
    }
    if ask.model != "sim-tools" {
        return Vec::new();
    }
    let made_up = |tool: &Tool<'_>| Call {
        id: id(&None),
        name: tool.name.to_owned(),
        arguments: tool.parameters.map_or_else(
            || "{}".to_owned(),
            |schema| schema::instance(schema).to_string(),
        ),
    };
    tools.wanted.iter().map(made_up).collect()
}
