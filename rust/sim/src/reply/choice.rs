//! The choices of one reply: what each says, before it gets the format of an API.

use serde_json::{Map, Value};

use super::ask::{Ask, Prompt};
use super::json::text_of;
use super::tokens::{Tokens, cut_text};
use super::{prose, schema};
use crate::hash::{derived_id, draw, fnv_from};
use crate::script::{Prepared, Reply};

/// `created` of every reply, in seconds since 1970. It is fixed so that replies are reproducible.
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
    /// Whether there is reasoning, if only without text.
    pub(crate) has_reasoning: bool,
    pub(crate) content: Tokens,
    pub(crate) refusal: Vec<String>,
    pub(crate) calls: Vec<Call>,
    /// The stop of the request that ended the text.
    pub(crate) stop: Option<String>,
    pub(crate) finish: Finish,
}

/// Why a choice ended.
#[derive(Debug, Clone)]
pub(crate) enum Finish {
    /// It was complete.
    Stop,
    /// It was cut.
    Length,
    /// It calls tools.
    Calls,
    /// The script gives this reason.
    Scripted(String),
}

/// How many tokens a reply has.
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
    /// The seed of the reply's ids.
    pub(crate) seed: u64,
    pub(crate) choices: Vec<Choice>,
    counts: Counts,
    /// The script's usage instead of the counts; empty leaves it out.
    usage: Option<Map<String, Value>>,
}

impl Said {
    /// The script's usage, or what the API makes of the counts. `None` leaves usage out.
    pub(crate) fn usage(&self, of_counts: impl Fn(Counts) -> Value) -> Option<Value> {
        match &self.usage {
            Some(usage) => (!usage.is_empty()).then(|| Value::Object(usage.clone())),
            None => Some(of_counts(self.counts)),
        }
    }

    /// The length of the longest choice, in tokens. It decides how long a reply takes.
    pub(crate) fn tokens(&self) -> u64 {
        let lengths = self.choices.iter().map(|choice| choice.content.len);
        lengths.max().unwrap_or(0)
    }
}

/// Decides what is said.
pub(crate) fn say(ask: &Ask<'_>, prepared: &Prepared) -> Said {
    let mut choices = Vec::new();
    let mut counts = Counts::default();
    let mut seed = ask.seed;
    for prompt in &ask.prompts {
        counts.prompt += prompt.tokens;
        for _ in 0..ask.n {
            let choice = choice(ask, prepared, prompt, choices.len() as u64);
            let reasoning = choice.reasoning.len() as u64;
            let calls = choice.calls.iter().map(|call| 1 + call.arguments.len() / 4);
            let other = choice.refusal.len() + calls.sum::<usize>();
            counts.reasoning += reasoning;
            counts.completion += choice.content.len + reasoning + other as u64;
            choices.push(choice);
        }
        seed = fnv_from(seed, &prompt.hash.to_le_bytes());
    }
    Said {
        seed,
        choices,
        counts,
        usage: prepared.reply.usage.clone(),
    }
}

fn choice(ask: &Ask<'_>, prepared: &Prepared, prompt: &Prompt, index: u64) -> Choice {
    let reply = &prepared.reply;
    let mut seed = fnv_from(ask.seed ^ prompt.hash, &index.to_le_bytes());
    let calls = calls(ask, reply, &mut seed);
    let is_special = !calls.is_empty() || reply.refusal.is_some();
    let mut content = scripted(reply).unwrap_or_else(|| {
        if is_special {
            return Tokens::fixed(Vec::new());
        }
        made_up(ask, prepared, prompt, seed, index)
    });
    let is_endless = content.is_endless();
    let stops = !reply.verbatim && !ask.stop.is_empty();
    let stop = stops.then(|| content.stop_at(&ask.stop)).flatten();
    let cut = !reply.verbatim && ask.max_tokens.is_some_and(|limit| content.cut(limit));
    // Made-up words of the greatest length that was allowed would have gone on.
    let full = is_endless
        && stop.is_none()
        && prepared.pacing.tokens.is_none()
        && ask.max_tokens.is_some_and(|limit| content.len == limit);
    let finish = match &reply.finish_reason {
        Some(reason) => Finish::Scripted(reason.clone()),
        None if cut || full => Finish::Length,
        None if !calls.is_empty() => Finish::Calls,
        None => Finish::Stop,
    };
    let says_nothing = reply.tool_calls.is_empty() && reply.refusal.is_none();
    let made_up = ask
        .reasoning
        .as_ref()
        .filter(|_| says_nothing && scripted(reply).is_none());
    let reasoning = reply.reasoning.as_ref().or(made_up);
    Choice {
        index,
        reasoning: reasoning.map(|text| cut_text(text)).unwrap_or_default(),
        has_reasoning: reasoning.is_some(),
        content,
        refusal: reply.refusal.as_deref().map(cut_text).unwrap_or_default(),
        calls,
        stop,
        finish,
    }
}

/// The text of the script.
fn scripted(reply: &Reply) -> Option<Tokens> {
    let text = reply.text.as_deref().map(cut_text);
    Some(Tokens::fixed(reply.tokens.clone().or(text)?))
}

fn made_up(ask: &Ask<'_>, prepared: &Prepared, prompt: &Prompt, seed: u64, index: u64) -> Tokens {
    if let Some(json) = &ask.json {
        return Tokens::fixed(cut_json(json));
    }
    let has_length = prepared.pacing.tokens.is_some() || prepared.behaviour.ledger;
    if !has_length && !ask.results.is_empty() {
        return Tokens::fixed(cut_text(&prose::report(&ask.results)));
    }
    if !has_length && ask.talks {
        let number = (ask.seed ^ prompt.hash).wrapping_add(index);
        return Tokens::fixed(cut_text(&prose::reply(&prompt.text, number)));
    }
    let len = prepared
        .pacing
        .tokens
        .or(ask.max_tokens.filter(|_| ask.fills));
    let len = len.unwrap_or(DEFAULT_TOKENS);
    if !prepared.behaviour.ledger {
        return Tokens::words(seed, len);
    }
    let id = &ask.ledger_id;
    match index {
        0 => Tokens::ledger(id.clone(), len),
        _ => Tokens::ledger(format!("{id}/{index}"), len),
    }
}

/// Cuts a text into pieces of 4 characters.
fn cut_json(json: &str) -> Vec<String> {
    let characters: Vec<char> = json.chars().collect();
    let pieces = characters.chunks(4);
    pieces.map(|piece| piece.iter().collect()).collect()
}

/// The scripted calls. If the script says nothing else either, each tool that the request wants
/// called is called.
fn calls(ask: &Ask<'_>, reply: &Reply, seed: &mut u64) -> Vec<Call> {
    let Some(tools) = &ask.tools else {
        return Vec::new();
    };
    let scripted = reply.tool_calls.iter().map(|call| {
        let arguments = Some(&call.arguments).filter(|arguments| !arguments.is_null());
        (call.id.clone(), call.name.as_str(), arguments.map(text_of))
    });
    let says_nothing = reply.refusal.is_none() && reply.text.is_none() && reply.tokens.is_none();
    let makes_up = reply.tool_calls.is_empty() && says_nothing;
    let made_up = tools.wanted.iter().filter(|_| makes_up).map(|tool| {
        let arguments = tool.parameters.map(schema::instance);
        (
            None,
            tool.name,
            arguments.map(|arguments| arguments.to_string()),
        )
    });
    let calls = scripted.chain(made_up).map(|(id, name, arguments)| Call {
        id: id.unwrap_or_else(|| derived_id(tools.id_prefix, draw(seed), 24)),
        name: name.to_owned(),
        arguments: arguments.unwrap_or_else(|| "{}".to_owned()),
    });
    calls.collect()
}
