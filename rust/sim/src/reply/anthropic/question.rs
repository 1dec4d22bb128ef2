//! What a request asks for, checked the way the real API checks it.

use serde::Deserialize;
use serde_json::Value;

use super::conversation::{Cached, Conversation};
use super::model::Model;
use super::pairing::{check_calls, check_thinking};
use super::refusal::{extra, invalid, missing, wrong, wrong_word};
use super::subset;
use super::thinking::Thinking;
use super::tools::tools;
use crate::reply::api::Checks;
use crate::reply::ask::{Ask, TALKER, ledger_id};
use crate::reply::body::{Checked, present, stream_id};
use crate::reply::schema::instance;

/// The fields of a request, with those of betas
/// (`anthropic/types/beta/message_create_params.py`) and of Vertex.
const FIELDS: [&str; 32] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "stream",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "cache_control",
    "metadata",
    "service_tier",
    "speed",
    "container",
    "inference_geo",
    "diagnostics",
    "user_profile_id",
    "workspace_id",
    "context_management",
    "compaction",
    "mcp_servers",
    "fallbacks",
    "fallback_credit_token",
    "billing_policy",
    "thread",
    "anthropic_version",
    "anthropic_beta",
];

const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

/// A checked request: what any API asks for, and what this one adds.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) ask: Ask<'a>,
    /// How much of the prompt is cached.
    pub(super) cached: Cached,
}

impl<'a> Question<'a> {
    /// Reads a request to this model. Only an answer needs `max_tokens`, a count does not.
    pub(super) fn read(
        json: &'a Value,
        model: &'a str,
        is_count: bool,
        checks: Checks,
    ) -> Checked<Self> {
        let is_own = checks.are_own;
        let family = Model::of(model);
        if is_own {
            check_names(json)?;
        }
        let max_tokens = whole(json, "max_tokens")?;
        if max_tokens.is_none() && !is_count {
            return Err(missing("max_tokens"));
        }
        check_sampling(json, family, is_own)?;
        let stop: Vec<String> = field(
            json,
            "stop_sequences",
            "Input should be a valid list of strings",
        )?
        .unwrap_or_default();
        if is_own && stop.iter().any(|stop| stop.trim().is_empty()) {
            let rule = "each stop sequence must contain non-whitespace";
            return Err(wrong("stop_sequences", rule));
        }
        let thinking = Thinking::read(json, family, max_tokens, is_own)?;
        let conversation = Conversation::read(json, is_own)?;
        // The earlier messages of a thread are not in the request.
        let continues = json.pointer("/thread/type") == Some(&Value::from("continue"));
        if !continues {
            check_calls(&conversation.turns, is_own)?;
        }
        if checks.are_sealed {
            check_thinking(&conversation.turns, thinking.is_on)?;
        }
        if is_own {
            check_prefill(&conversation, family)?;
        }
        let results = conversation.results();
        let tools = tools(model, json, !results.is_empty(), is_own)?;
        let prompts = vec![conversation.prompt];
        let user = json.pointer("/metadata/user_id").and_then(Value::as_str);
        Ok(Self {
            cached: conversation.cached,
            ask: Ask {
                model,
                n: 1,
                max_tokens,
                fills: false,
                stop,
                seed: 0,
                ledger_id: ledger_id(stream_id(json).or(user), &prompts),
                prompts,
                json: structured(json, family, is_own)?,
                tools: Some(tools),
                talks: model == TALKER,
                results,
                reasoning: thinking.made_up(),
            },
        })
    }
}

/// Reads a field that may be absent. `rule` says in the error what it must be.
fn field<'v, T: Deserialize<'v>>(json: &'v Value, name: &str, rule: &str) -> Checked<Option<T>> {
    match present(json, name).map(T::deserialize) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(wrong(name, rule)),
    }
}

/// Whether the reply is streamed.
pub(super) fn streams(json: &Value) -> Checked<bool> {
    Ok(field(json, "stream", "Input should be a valid boolean")?.unwrap_or(false))
}

fn whole(json: &Value, name: &str) -> Checked<Option<u64>> {
    match present(json, name) {
        Some(Value::Number(number)) if number.as_i64().is_some_and(|number| number < 0) => {
            let rule = "Input should be greater than or equal to 0";
            Err(wrong(name, rule))
        }
        _ => field(json, name, "Input should be a valid integer"),
    }
}

fn check_names(json: &Value) -> Checked<()> {
    let fields = json.as_object().into_iter().flat_map(|json| json.keys());
    let mut unknown = fields.filter(|name| !FIELDS.contains(&name.as_str()));
    unknown.next().map_or(Ok(()), |name| Err(extra(name)))
}

fn check_sampling(json: &Value, model: Model, is_own: bool) -> Checked<()> {
    for name in ["temperature", "top_p"] {
        let number: Option<f64> = field(json, name, "Input should be a valid number")?;
        if number.is_some_and(|number| !(0.0..=1.0).contains(&number)) {
            return Err(wrong(name, "range: 0..1"));
        }
    }
    whole(json, "top_k")?;
    let is_refused = |name: &&&str| present(json, name).is_some();
    let names = ["temperature", "top_p", "top_k"];
    match names.iter().find(is_refused) {
        Some(name) if is_own && !model.takes_sampling() => {
            Err(invalid(format!("`{name}` is deprecated for this model.")))
        }
        _ => Ok(()),
    }
}

/// The beginning of an answer, which the conversation may end with.
fn check_prefill(conversation: &Conversation<'_>, model: Model) -> Checked<()> {
    let last = conversation.turns.last();
    let Some(last) = last.filter(|turn| turn.role == "assistant") else {
        return Ok(());
    };
    if !model.takes_prefill() {
        return Err(invalid(
            "This model does not support assistant message prefill. The conversation must end \
             with a user message.",
        ));
    }
    let text = last.blocks.last().and_then(|placed| match placed.json {
        Value::String(text) => Some(text.as_str()),
        block => block.get("text")?.as_str(),
    });
    if text.is_some_and(|text| text.trim_end() != text) {
        let message = "final assistant content cannot end with trailing whitespace";
        return Err(wrong("messages", message));
    }
    Ok(())
}

/// The JSON that `output_config.format` asks for; `output_format` is its older place.
fn structured(json: &Value, model: Model, is_own: bool) -> Checked<Option<String>> {
    let config = present(json, "output_config");
    if config.is_some_and(|config| !config.is_object()) {
        return Err(wrong("output_config", "Input should be a valid dictionary"));
    }
    if let Some(effort) = config.and_then(|config| present(config, "effort")) {
        check_effort(effort, model, is_own)?;
    }
    let new = config.and_then(|config| present(config, "format"));
    let new = new.map(|format| ("output_config.format", format));
    let old = present(json, "output_format").map(|format| ("output_format", format));
    let Some((place, format)) = new.or(old) else {
        return Ok(None);
    };
    let has = |name: &str| {
        let value = present(format, name);
        value.ok_or_else(|| missing(&format!("{place}.{name}")))
    };
    if has("type")? != "json_schema" {
        return Err(wrong_word(&format!("{place}.type"), &["json_schema"]));
    }
    let schema = has("schema")?;
    let place = format!("{place}.schema");
    if !schema.is_object() {
        return Err(wrong(&place, "Input should be a valid dictionary"));
    }
    if is_own {
        subset::check(&place, schema)?;
    }
    Ok(Some(instance(schema).to_string()))
}

fn check_effort(effort: &Value, model: Model, is_own: bool) -> Checked<()> {
    let word = effort.as_str().unwrap_or_default();
    if !EFFORTS.contains(&word) {
        return Err(wrong_word("output_config.effort", &EFFORTS));
    }
    let known = model.efforts();
    if !is_own || known.contains(&word) {
        return Ok(());
    }
    if known.is_empty() {
        return Err(invalid("This model does not support the effort parameter."));
    }
    Err(invalid(format!(
        "This model does not support effort level '{word}'. Supported levels: {}.",
        known.join(", ")
    )))
}
