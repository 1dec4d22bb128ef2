//! What a request asks for, checked the way the real API checks it.

use serde_json::Value;

use super::input::{Input, read_input};
use super::tools::{custom_names, tools};
use crate::reply::api::Checks;
use crate::reply::ask::{Ask, TALKER, ledger_id};
use crate::reply::body::{Checked, present, stream_id};
use crate::reply::openai::api::{bad_request, refusal};
use crate::reply::openai::question::{check_number, field, flag, whole};
use crate::reply::openai::tools::minor_of_gpt5;
use crate::reply::schema::instance;
use crate::script::ErrorReply;

/// Parameters of chat that this API knows under another name.
const MOVED: [(&str, &str); 6] = [
    ("messages", "input"),
    ("max_tokens", "max_output_tokens"),
    ("max_completion_tokens", "max_output_tokens"),
    ("response_format", "text.format"),
    ("reasoning_effort", "reasoning.effort"),
    ("verbosity", "text.verbosity"),
];

/// Parameters of chat that this API does not have. What else is unknown passes, because the real
/// API may know it by now.
const UNKNOWN: [&str; 15] = [
    "stop",
    "seed",
    "n",
    "logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "functions",
    "function_call",
    "prediction",
    "modalities",
    "audio",
    "web_search_options",
    "prompt_logprobs",
    "best_of",
];

const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What a model of this API thinks if the request asks to see it.
const THOUGHT: &str = "**Reading the question**\n\nThe simulator reads it, and has no opinion.";

/// What a stream carries in addition to the reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamOptions {
    /// Whether its events hide the length of a piece.
    pub(super) obfuscation: bool,
}

/// A checked request: what any API asks for, and what this one adds.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) ask: Ask<'a>,
    /// `None` asks for a whole reply.
    pub(super) stream: Option<StreamOptions>,
    /// Number of alternatives to each token; `None` asks for no log probabilities.
    pub(super) logprobs: Option<u64>,
    /// Whether reasoning has encrypted content.
    pub(super) encrypts: bool,
    /// Whether the reply can be asked for again.
    pub(super) is_stored: bool,
    /// Whether the reply is only queued.
    pub(super) is_background: bool,
    pub(super) tools: &'a [Value],
    /// The names of the tools that take text instead of JSON.
    pub(super) custom: Vec<String>,
}

impl<'a> Question<'a> {
    pub(super) fn read(json: &'a Value, checks: Checks) -> Checked<Self> {
        let is_text = |text: &&str| !text.is_empty();
        let model =
            field(json, "model", "a non-empty string", is_text)?.ok_or_else(|| missing("model"))?;
        if checks.are_own {
            check_names(json)?;
        }
        let is_stored = field(json, "store", "a boolean", |_| true)?.unwrap_or(true);
        let Input { prompt, results } = read_input(json, is_stored, checks)?;
        let max_tokens = whole(json, "max_output_tokens", 1, u64::MAX)?;
        check_number(json, "temperature", 2.0)?;
        check_number(json, "top_p", 1.0)?;
        let include = included(json)?;
        let has = |name: &str| include.contains(&name);
        let wants_encrypted = has("reasoning.encrypted_content");
        if checks.are_own && wants_encrypted && never_reasons(model) {
            let message = "Encrypted content is not supported with this model.";
            return Err(bad_request("include", message));
        }
        let top = whole(json, "top_logprobs", 0, 20)?;
        let options = json.get("stream_options");
        if let Some(name) = options.and_then(|options| {
            options
                .as_object()?
                .keys()
                .find(|name| *name != "include_obfuscation")
        }) {
            return Err(unknown(&format!("stream_options.{name}")));
        }
        let obfuscation = options.and_then(|options| options.get("include_obfuscation"));
        let stream = StreamOptions {
            obfuscation: obfuscation != Some(&Value::Bool(false)),
        };
        let prompts = vec![prompt];
        let made_up = tools(model, json)?;
        Ok(Self {
            stream: flag(json, "stream")?.then_some(stream),
            logprobs: has("message.output_text.logprobs").then(|| top.unwrap_or(0)),
            encrypts: wants_encrypted || !is_stored,
            is_stored,
            is_background: flag(json, "background")?,
            tools: offered(json),
            custom: custom_names(json),
            ask: Ask {
                model,
                n: 1,
                max_tokens,
                fills: true,
                stop: Vec::new(),
                seed: 0,
                ledger_id: ledger_id(stream_id(json), &prompts),
                prompts,
                json: structured(json)?,
                tools: Some(made_up),
                talks: model == TALKER,
                results,
                reasoning: reasoning(model, json, checks)?,
            },
        })
    }
}

pub(super) fn offered(json: &Value) -> &[Value] {
    let tools = json.get("tools").and_then(Value::as_array);
    tools.map_or(&[], Vec::as_slice)
}

/// Refuses parameters that belong to chat.
fn check_names(json: &Value) -> Checked<()> {
    let exists = |name: &str| json.get(name).is_some();
    if let Some((name, place)) = MOVED.iter().find(|(name, _)| exists(name)) {
        let message = format!(
            "Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to \
             '{place}'. Try again with the new parameter. See the API documentation for more \
             information: https://platform.openai.com/docs/api-reference/responses/create."
        );
        return Err(refusal(
            400,
            &message,
            Some(name),
            Some("unsupported_parameter"),
        ));
    }
    match UNKNOWN.iter().find(|name| exists(name)) {
        Some(name) => Err(unknown(name)),
        None if exists("previous_response_id") && exists("conversation") => {
            let message = "Mutually exclusive parameters: 'previous_response_id' and \
                           'conversation'. Ensure you are only providing one of: \
                           'previous_response_id' or 'conversation'.";
            Err(refusal(
                400,
                message,
                None,
                Some("mutually_exclusive_parameters"),
            ))
        }
        None => Ok(()),
    }
}

fn included(json: &Value) -> Checked<Vec<&str>> {
    let rule = "a list of strings";
    Ok(field(json, "include", rule, |_| true)?.unwrap_or_default())
}

/// The reasoning that is made up if the request gives an effort: a summary if it asks for one,
/// otherwise an item without text.
fn reasoning(model: &str, json: &Value, checks: Checks) -> Checked<Option<String>> {
    let Some(asked) = present(json, "reasoning") else {
        return Ok(None);
    };
    let Some(effort) = present(asked, "effort") else {
        return Ok(None);
    };
    if checks.are_own && never_reasons(model) {
        let message = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
        let code = Some("unsupported_parameter");
        return Err(refusal(400, message, Some("reasoning.effort"), code));
    }
    let word = effort.as_str().unwrap_or_default();
    if !EFFORTS.contains(&word) {
        return Err(invalid_value("reasoning.effort", effort, &EFFORTS));
    }
    let is_shown = present(asked, "summary").is_some();
    let text = if is_shown { THOUGHT } else { "" };
    Ok((word != "none").then(|| text.to_owned()))
}

/// The JSON that `text.format` asks for.
fn structured(json: &Value) -> Checked<Option<String>> {
    let Some(format) = json
        .pointer("/text/format")
        .filter(|format| !format.is_null())
    else {
        return Ok(None);
    };
    let has =
        |name: &str| present(format, name).ok_or_else(|| missing(&format!("text.format.{name}")));
    match has("type")?.as_str() {
        Some("json_object") => Ok(Some("{\"ok\":true}".to_owned())),
        Some("json_schema") => {
            has("name")?;
            Ok(Some(instance(has("schema")?).to_string()))
        }
        Some("text" | "grammar" | "python") => Ok(None),
        _ => {
            let known = ["json_object", "json_schema", "text"];
            Err(invalid_value("text.format.type", has("type")?, &known))
        }
    }
}

/// Whether no model of this name reasons.
fn never_reasons(model: &str) -> bool {
    let names = ["gpt-3.5", "gpt-4", "chatgpt-4o"];
    names.iter().any(|name| model.starts_with(name))
}

/// Whether models of this name mark comments and answers, which the real ones do from
/// gpt-5.3-codex on.
pub(super) fn knows_phases(model: &str) -> bool {
    model.starts_with("gpt-5.3-codex") || minor_of_gpt5(model).is_some_and(|minor| minor >= 4)
}

/// The 400 for a parameter that must be there.
pub(super) fn missing(param: &str) -> Box<ErrorReply> {
    let message = format!("Missing required parameter: '{param}'.");
    refusal(
        400,
        &message,
        Some(param),
        Some("missing_required_parameter"),
    )
}

fn unknown(param: &str) -> Box<ErrorReply> {
    let message = format!("Unknown parameter: '{param}'.");
    refusal(400, &message, Some(param), Some("unknown_parameter"))
}

/// The 400 for a word that is not one of these.
pub(super) fn invalid_value(param: &str, value: &Value, known: &[&str]) -> Box<ErrorReply> {
    let word = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let known: Vec<String> = known.iter().map(|word| format!("'{word}'")).collect();
    let known = match known.as_slice() {
        [first, last] => format!("{first} and {last}"),
        [others @ .., last] => format!("{}, and {last}", others.join(", ")),
        [] => String::new(),
    };
    let message = format!("Invalid value: '{word}'. Supported values are: {known}.");
    refusal(400, &message, Some(param), Some("invalid_value"))
}
