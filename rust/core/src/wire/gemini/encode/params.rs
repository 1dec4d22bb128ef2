//! The parameters of Gemini, and their places in its body: most are in `generationConfig`.

use std::borrow::Cow;

use super::spelling::inside;
use super::{schema, thinking, tools};
use crate::error::Error;
use crate::request::Request;
use crate::wire::body::{Body, Fields, fields, invalid, object, value as value_of};
use crate::wire::gemini::families;
use crate::wire::messages::plain;
use crate::wire::params::{Param, Set, Type, param, refuse};

/// The parameters that it takes.
pub(in crate::wire::gemini) const PARAMETERS: &[Param] = &[
    param("max_tokens", Type::Count),
    param("max_completion_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("seed", Type::Integer),
    param("random_seed", Type::Integer),
    param("n", Type::Count),
    param("logprobs", Type::BoolOrCount),
    param("top_logprobs", Type::FromZero),
    param("frequency_penalty", Type::Number),
    param("presence_penalty", Type::Number),
    param("tools", Type::Objects),
    param("tool_choice", Type::TextOrObject),
    param("response_format", Type::Object),
    param("reasoning_effort", Type::Text),
    param("metadata", Type::Object),
    param("store", Type::Bool),
];

const CONFIG: &str = "generationConfig";

/// Refuses the parameters that the model refuses, or leaves them out if the caller wants that.
pub(super) fn check_family(
    params: &mut Set<'_>,
    request: &Request<'_>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    refuse(params, (request, "it"), dropped, |name, _| {
        families::refusal(&request.model, name)
    })
}

/// Writes the parameters, each at its place, and adds to `dropped` what has none.
pub(super) fn write(
    body: &mut Body<'_>,
    request: &Request<'_>,
    params: &Set<'_>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let mut config: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (name, value) in params.iter() {
        let key = match name {
            "max_tokens" | "max_completion_tokens" => "maxOutputTokens",
            "temperature" => "temperature",
            "top_p" => "topP",
            "top_k" => "topK",
            "seed" | "random_seed" => "seed",
            "n" => "candidateCount",
            "presence_penalty" => "presencePenalty",
            "frequency_penalty" => "frequencyPenalty",
            "stop" if value.starts_with('[') => "stopSequences",
            "stop" => {
                config.push(("stopSequences", format!("[{value}]").into()));
                continue;
            }
            "response_format" => {
                format(value, &mut config)?;
                continue;
            }
            "reasoning_effort" => {
                refuse_two_thoughts(body)?;
                let written = thinking::config(&request.model, &plain(value))?;
                config.push(("thinkingConfig", written.into()));
                continue;
            }
            "tools" => {
                if let Some(out) = body.open("tools") {
                    tools::write(value, out, dropped)?;
                }
                continue;
            }
            "tool_choice" => {
                body.object("toolConfig", &tools::choice(value)?)?;
                continue;
            }
            "metadata" => {
                body.raw("labels", value);
                continue;
            }
            "store" => {
                body.raw("store", value);
                continue;
            }
            // Below.
            _ => continue,
        };
        config.push((key, Cow::Borrowed(value)));
    }
    logprobs(params, &mut config);
    if params.get("tools").is_some_and(tools::has_any) {
        refuse_schema_with_tools(request, params)?;
    }
    if !config.is_empty() {
        let config = config.iter().map(|(key, raw)| (*key, &**raw));
        body.object(CONFIG, &object(config))?;
    }
    Ok(())
}

/// How many candidates are asked for.
pub(super) fn choices(body: &Body<'_>, params: &Set<'_>) -> Result<usize, Error> {
    let asked = inside(body.given(CONFIG), "candidateCount")?.or_else(|| params.get("n"));
    Ok(asked.and_then(|raw| raw.parse().ok()).unwrap_or(1))
}

/// A flag asks for the probabilities, and a number beside it for alternatives.
fn logprobs(params: &Set<'_>, config: &mut Vec<(&str, Cow<'_, str>)>) {
    let asked = params.get("logprobs").filter(|raw| *raw != "false");
    let count = asked
        .filter(|raw| *raw != "true")
        .or(params.get("top_logprobs"));
    if asked.is_none() && count.is_none() {
        return;
    }
    config.push(("responseLogprobs", "true".into()));
    if let Some(count) = count.filter(|raw| *raw != "0") {
        config.push(("logprobs", count.to_owned().into()));
    }
}

/// Writes the form of the answer.
fn format(value: &str, config: &mut Vec<(&str, Cow<'_, str>)>) -> Result<(), Error> {
    let mut path = "params.response_format".to_owned();
    let mut given: Fields<'_> = fields(value, &path)?;
    let kind = value_of(&given, "type").map(|raw| plain(raw).into_owned());
    match kind.as_deref() {
        Some("text") => return Ok(()),
        Some("json_object" | "json_schema") => {}
        _ => {
            return Err(invalid(format!(
                "{path}.type: gemini takes text, json_object or json_schema"
            )));
        }
    }
    config.push(("responseMimeType", "\"application/json\"".into()));
    if kind.as_deref() == Some("json_object") {
        return Ok(());
    }
    if let Some(described) = value_of(&given, "json_schema") {
        path.push_str(".json_schema");
        given = fields(described, &path)?;
    }
    path.push_str(".schema");
    let Some(schema) = value_of(&given, "schema").filter(|raw| raw.starts_with('{')) else {
        return Err(invalid(format!(
            "{path}: it is missing, or it is not an object"
        )));
    };
    let written = schema::of_answer(schema, &path)?.into_owned();
    config.push(("responseJsonSchema", written.into()));
    Ok(())
}

/// What the caller says of thinking is not mixed with ours.
fn refuse_two_thoughts(body: &Body<'_>) -> Result<(), Error> {
    let given = body.given("thinking").is_some()
        || body.given("thinkingConfig").is_some()
        || inside(body.given(CONFIG), "thinkingConfig")?.is_some();
    if !given {
        return Ok(());
    }
    Err(invalid(
        "params.reasoning_effort: extra_body has thinkingConfig, too; give only one of them",
    ))
}

/// 400 "Function calling with a response mime type: 'application/json' is unsupported", before Gemini 3.
fn refuse_schema_with_tools(request: &Request<'_>, params: &Set<'_>) -> Result<(), Error> {
    let is_json = |raw: &str| raw.contains("\"json_");
    if families::is_3(&request.model) || !params.get("response_format").is_some_and(is_json) {
        return Ok(());
    }
    Err(invalid(format!(
        "params.response_format: {} takes no JSON answer together with tools, which need Gemini 3; leave one out, or give output_mode=\"tool\"",
        request.model.escape_debug()
    )))
}
