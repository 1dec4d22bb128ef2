//! The parameters of Responses, and their places in its body.

use super::tools;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::wire::body::{Body, Fields, fields, invalid, object};
use crate::wire::openai::families;
use crate::wire::params::{Param, Set, Type, param, refuse};
use crate::wire::providers::Provider;

/// The parameters that it takes.
pub(in crate::wire::openai::responses) const PARAMETERS: &[Param] = &[
    param("max_tokens", Type::Count),
    param("max_completion_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("logprobs", Type::BoolOrCount),
    param("top_logprobs", Type::FromZero),
    param("tools", Type::Objects),
    param("tool_choice", Type::TextOrObject),
    param("parallel_tool_calls", Type::Bool),
    param("response_format", Type::Object),
    param("verbosity", Type::Text),
    param("reasoning_effort", Type::Text),
    param("store", Type::Bool),
    param("previous_response_id", Type::Text),
    param("conversation", Type::TextOrObject),
    param("background", Type::Bool),
    param("prompt_cache_key", Type::Text),
    param("user", Type::Text),
    param("metadata", Type::Object),
];

/// Refuses the parameters that the model refuses, or leaves them out if the caller wants that.
pub(super) fn check_family(
    params: &mut Set<'_>,
    request: &Request<'_>,
    provider: &Provider,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    refuse(params, (request, "this value"), dropped, |name, value| {
        families::refusal(provider, &request.model, (name, value))
    })
}

/// Writes the parameters, each at its place.
pub(super) fn write(body: &mut Body<'_>, params: &Set<'_>) -> Result<(), Error> {
    if params.get("reasoning_effort").is_some() && body.given("thinking").is_some() {
        return Err(invalid(
            "params.reasoning_effort: extra_body has thinking, too; give only one of them",
        ));
    }
    let is_both = |one, other| params.get(one).is_some() && params.get(other).is_some();
    if is_both("previous_response_id", "conversation") {
        let message = "params.conversation: previous_response_id is set too; a reply continues only one of them";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let described = params.get("response_format").map(format).transpose()?;
    let mut text: Vec<_> = described.iter().map(|json| ("format", &**json)).collect();
    for (name, value) in params.iter() {
        match (name, value) {
            ("max_tokens" | "max_completion_tokens", _) => body.raw("max_output_tokens", value),
            // `include` asks for the probabilities, and the format is written below.
            ("logprobs", "true" | "false") | ("response_format", _) => {}
            ("logprobs", count) => body.raw("top_logprobs", count),
            ("tools", _) => {
                if let Some(out) = body.open("tools") {
                    tools::write(value, out)?;
                }
            }
            ("tool_choice", _) => {
                if let Some(out) = body.open("tool_choice") {
                    tools::write_choice(value, out)?;
                }
            }
            ("verbosity", _) => text.push(("verbosity", value)),
            ("reasoning_effort", _) => {
                body.object("reasoning", &format!("{{\"effort\":{value}}}"))?;
            }
            _ => body.raw(name, value),
        }
    }
    if !text.is_empty() {
        body.object("text", &object(text.into_iter()))?;
    }
    Ok(())
}

/// The format of the answer: what Chat Completions has inside `json_schema` is beside the type here.
fn format(value: &str) -> Result<String, Error> {
    let path = "params.response_format";
    let mut flat = Fields::new();
    for (key, raw) in fields(value, path)? {
        if key == "json_schema" {
            let described = fields(raw, format_args!("{path}.json_schema"))?;
            flat.extend(described.into_iter().filter(|(_, raw)| *raw != "null"));
        } else {
            flat.push((key, raw));
        }
    }
    Ok(object(flat.iter().map(|(key, raw)| (&**key, *raw))))
}
