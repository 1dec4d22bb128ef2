//! The choices of one reply: what each says, before it is put into a wire form.

use serde_json::Value;

use super::openai::ask::{Api, Ask, Prompt};
use super::openai::usage::Usage;
use super::schema;
use super::tokens::{Tokens, cut_text};
use super::{draw, fnv_from};
use crate::script::{Reply, ToolCallReply};
use crate::state::Prepared;

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
    /// The prompt, when it is echoed.
    pub(crate) echo: Option<String>,
    pub(crate) reasoning: Vec<String>,
    pub(crate) content: Tokens,
    pub(crate) refusal: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: String,
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

/// All choices of a reply, and its usage: the made-up one, the scripted one, or none.
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Option<Value>,
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
    let prompt_tokens = ask.prompts.iter().map(|prompt| prompt.tokens).sum();
    let (mut all, mut reasoning) = (0, 0);
    for (more, more_reasoning) in choices.iter().map(Choice::tokens) {
        all += more;
        reasoning += more_reasoning;
    }
    let usage = match &reply.usage {
        Some(usage) if usage.is_empty() => None,
        Some(usage) => Some(Value::Object(usage.clone())),
        None => serde_json::to_value(Usage::new(prompt_tokens, all, reasoning)).ok(),
    };
    let prefix = if ask.api == Api::Chat {
        "chatcmpl-"
    } else {
        "cmpl-"
    };
    Said {
        id: derived_id(prefix, seed, 29),
        choices,
        usage,
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
        () if cut || full => "length",
        () if !calls.is_empty() => "tool_calls",
        () => "stop",
    };
    Choice {
        index,
        echo: ask.echo.then(|| prompt.text.clone()),
        reasoning: reply.reasoning.as_deref().map(cut_text).unwrap_or_default(),
        content,
        refusal: reply.refusal.as_deref().map(cut_text).unwrap_or_default(),
        calls,
        finish: reply
            .finish_reason
            .clone()
            .unwrap_or_else(|| computed.to_owned()),
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
    if let Some(json) = structured(ask.json) {
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

/// The JSON text that `response_format` asks for.
fn structured(json: &Value) -> Option<String> {
    let format = json.get("response_format")?;
    match format.get("type").and_then(Value::as_str)? {
        "json_object" => Some("{\"ok\":true}".to_owned()),
        "json_schema" => {
            let schema = format.pointer("/json_schema/schema")?;
            Some(schema::instance(schema).to_string())
        }
        _ => None,
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
/// offers (of the first alone without parallel calls), unless the last message is a tool's
/// result.
fn calls(ask: &Ask<'_>, reply: &Reply, seed: &mut u64) -> Vec<Call> {
    if ask.api == Api::Completions {
        return Vec::new();
    }
    let mut id = |given: &Option<String>| {
        given
            .clone()
            .unwrap_or_else(|| derived_id("call_", draw(seed), 24))
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
    let is_answered = ask
        .json
        .get("messages")
        .and_then(Value::as_array)
        .and_then(|messages| messages.last())
        .is_some_and(|last| last.get("role").and_then(Value::as_str) == Some("tool"));
    let tool_choice = ask.json.get("tool_choice");
    if ask.model != "sim-tools" || is_answered || tool_choice == Some(&Value::from("none")) {
        return Vec::new();
    }
    let forced = tool_choice
        .and_then(|c| c.pointer("/function/name"))
        .and_then(Value::as_str);
    let is_parallel = ask
        .json
        .get("parallel_tool_calls")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let tools = ask
        .json
        .get("tools")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    tools
        .unwrap_or_default()
        .iter()
        .filter_map(|tool| {
            let name = tool.pointer("/function/name")?.as_str()?;
            let parameters = tool.pointer("/function/parameters");
            let arguments = parameters.map_or_else(
                || "{}".to_owned(),
                |schema| schema::instance(schema).to_string(),
            );
            Some((name, arguments))
        })
        .filter(|(name, _)| forced.is_none_or(|forced| forced == *name))
        .take(if is_parallel { usize::MAX } else { 1 })
        .map(|(name, arguments)| Call {
            id: id(&None),
            name: name.to_owned(),
            arguments,
        })
        .collect()
}

/// An id of `len` letters and digits after its prefix.
fn derived_id(prefix: &str, mut seed: u64, len: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut id = String::with_capacity(prefix.len() + len);
    id.push_str(prefix);
    let mut bits = 0;
    for place in 0..len {
        if place % 12 == 0 {
            bits = draw(&mut seed);
        }
        let letter = usize::try_from(bits & 31)
            .ok()
            .and_then(|at| LETTERS.get(at));
        id.push(letter.copied().map_or('a', char::from));
        bits >>= 5;
    }
    id
}
