//! What a request asks for, checked the way the real API checks it.

use serde_json::Value;

use super::contents::Contents;
use super::fields::{check_names, get, invalid_value, list, text, whole};
use super::model::Model;
use super::refusal::invalid;
use super::signatures::check_signatures;
use super::tools::tools;
use crate::hash::fnv;
use crate::reply::api::Checks;
use crate::reply::ask::{Ask, TALKER, ledger_id};
use crate::reply::body::Checked;
use crate::reply::schema::instance;

const FIELDS: [&str; 12] = [
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "labels",
    "serviceTier",
    "store",
    "modelArmorConfig",
];

const CONFIG_FIELDS: [&str; 29] = [
    "candidateCount",
    "stopSequences",
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "logprobs",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseFormat",
    "responseModalities",
    "mediaResolution",
    "speechConfig",
    "thinkingConfig",
    "imageConfig",
    "audioTimestamp",
    "routingConfig",
    "modelConfig",
    "modelSelectionConfig",
    "enableAffectiveDialog",
    "enableEnhancedCivicAnswers",
    "continuationToken",
    "translationConfig",
    "videoConfig",
];

const THINKING_FIELDS: [&str; 3] = ["thinkingBudget", "thinkingLevel", "includeThoughts"];

const LEVELS: [&str; 5] = ["minimal", "low", "medium", "high", "xhigh"];

/// What a model thinks if the request asks to see it.
const THOUGHT: &str = "**Reading the question**\n\nThe simulator reads it, and has no opinion.";

/// The most candidates of a reply.
const MAX_CANDIDATES: i64 = 8;

/// A checked request: what any API asks for, and what this one adds.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) ask: Ask<'a>,
    pub(super) model: Model,
}

impl<'a> Question<'a> {
    pub(super) fn read(json: &'a Value, name: &'a str, checks: Checks) -> Checked<Self> {
        let is_own = checks.are_own;
        let model = Model::of(name);
        let empty = &Value::Null;
        let config = get(json, "generationConfig").unwrap_or(empty);
        if is_own {
            check_names(json, "", &FIELDS)?;
            check_names(config, "generation_config", &CONFIG_FIELDS)?;
        }
        let place = "generation_config";
        let contents = Contents::read(json, is_own)?;
        if checks.are_sealed {
            check_signatures(&contents, model)?;
        }
        check_number(config, "temperature", 2.0)?;
        check_number(config, "topP", 1.0)?;
        whole(config, "topK", place)?;
        let max_tokens = whole(config, "maxOutputTokens", place)?;
        let max_tokens = max_tokens.map(|limit| {
            let wrong = || invalid(format!("max_output_tokens must be positive, not {limit}."));
            u64::try_from(limit)
                .ok()
                .filter(|limit| *limit > 0)
                .ok_or_else(wrong)
        });
        let n = whole(config, "candidateCount", place)?.unwrap_or(1);
        if !(1..=MAX_CANDIDATES).contains(&n) {
            return Err(invalid(format!(
                "Unable to submit request because it has a candidateCount value of {n} but the \
                 supported range is from 1 (inclusive) to {} (exclusive).",
                MAX_CANDIDATES + 1
            )));
        }
        let stop = list(config, "stopSequences", "generation_config.stop_sequences")?;
        let stop = stop.iter().filter_map(Value::as_str).map(str::to_owned);
        let seed = whole(config, "seed", place)?;
        let results = contents.results();
        let tools = tools(name, json, !results.is_empty(), is_own)?;
        let answer = structured(config)?;
        if is_own && answer.is_some() && !tools.wanted.is_empty() && !model.is_new() {
            return Err(invalid(
                "Function calling with a response mime type: 'application/json' is unsupported",
            ));
        }
        let prompts = vec![contents.prompt];
        Ok(Self {
            model,
            ask: Ask {
                model: name,
                n: n.unsigned_abs(),
                max_tokens: max_tokens.transpose()?,
                fills: true,
                stop: stop.collect(),
                seed: seed.map_or(0, |seed| fnv(seed.to_string().as_bytes())),
                ledger_id: ledger_id(
                    json.pointer("/labels/stream_id").and_then(Value::as_str),
                    &prompts,
                ),
                prompts,
                json: answer,
                tools: Some(tools),
                talks: name == TALKER,
                results,
                reasoning: thinking(config, model, is_own)?,
            },
        })
    }
}

fn check_number(config: &Value, name: &str, most: f64) -> Checked<()> {
    match get(config, name) {
        None => Ok(()),
        Some(value) => match value.as_f64() {
            Some(number) if (0.0..=most).contains(&number) => Ok(()),
            Some(number) => Err(invalid(format!(
                "* GenerateContentRequest.generation_config.{}: {} must be in the range [0.0, \
                 {most:.1}].\n(got {number})",
                super::fields::snake(name),
                super::fields::snake(name),
            ))),
            None => {
                let place = format!("generation_config.{}", super::fields::snake(name));
                Err(invalid_value(&place, "TYPE_FLOAT", value))
            }
        },
    }
}

/// The reasoning of a made-up reply.
fn thinking(config: &Value, model: Model, is_own: bool) -> Checked<Option<String>> {
    let Some(thinking) = get(config, "thinkingConfig") else {
        return Ok(None);
    };
    let place = "generation_config.thinking_config";
    if is_own {
        check_names(thinking, place, &THINKING_FIELDS)?;
    }
    let budget = whole(thinking, "thinkingBudget", place)?;
    let level = text(thinking, "thinkingLevel").map(str::to_ascii_lowercase);
    if budget.is_some() && level.is_some() {
        return Err(invalid(
            "You can only set only one of thinking budget and thinking level.",
        ));
    }
    if let Some(level) = &level {
        if !LEVELS.contains(&level.as_str()) {
            let place = format!("{place}.thinking_level");
            let kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.\
                        ThinkingLevel";
            return Err(invalid_value(&place, kind, &Value::from(level.as_str())));
        }
        if is_own && !model.is_new() {
            return Err(invalid("Thinking level is not supported for this model."));
        }
    }
    let is_shown = get(thinking, "includeThoughts") == Some(&Value::Bool(true));
    Ok((is_shown && budget != Some(0)).then(|| THOUGHT.to_owned()))
}

/// The JSON that `responseMimeType` and a schema ask for.
fn structured(config: &Value) -> Checked<Option<String>> {
    let json_schema = get(config, "responseJsonSchema");
    let schema = get(config, "responseSchema");
    if json_schema.is_some() && schema.is_some() {
        return Err(invalid(
            "* GenerateContentRequest.generation_config: only one of response_schema and \
             response_json_schema can be set.\n",
        ));
    }
    let mime = text(config, "responseMimeType").unwrap_or("text/plain");
    let schema = json_schema.cloned().or_else(|| schema.map(of_openapi));
    match (mime, schema) {
        ("application/json", Some(schema)) => Ok(Some(instance(&schema).to_string())),
        ("application/json", None) => Ok(Some("{\"ok\":true}".to_owned())),
        ("text/x.enum", Some(schema)) => {
            let value = instance(&schema);
            Ok(Some(value.as_str().unwrap_or_default().to_owned()))
        }
        (_, Some(_)) => Err(invalid(format!(
            "* GenerateContentRequest.generation_config.response_mime_type: '{mime}' is not \
             supported with a response schema; use application/json.\n"
        ))),
        (_, None) => Ok(None),
    }
}

/// A schema in `OpenAPI`'s form as JSON Schema: the words of its types are in lower case.
pub(super) fn of_openapi(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("type", Value::String(word)) => Value::from(word.to_ascii_lowercase()),
                    ("enum" | "default" | "example", value) => value.clone(),
                    (_, value) => of_openapi(value),
                };
                (name.clone(), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(values) => values.iter().map(of_openapi).collect(),
        other => other.clone(),
    }
}
