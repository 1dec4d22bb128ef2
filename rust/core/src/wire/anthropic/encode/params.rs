//! The parameters of Messages, and their places in its body.

use super::super::NAME;
use super::super::families::{Model, Thinking};
use super::content::Blocks;
use super::conversation::Written;
use super::schema;
use super::thinking::{self, Limits};
use super::tools::{self, Choice};
use crate::error::Error;
use crate::request::Request;
use crate::wire::body::{Body, Fields, fields, invalid, object};
use crate::wire::messages::plain;
use crate::wire::params::{Param, Set, Type, param, refuse};

/// The parameters that it takes.
pub(in crate::wire::anthropic) const PARAMETERS: &[Param] = &[
    // With 0, the server only fills its cache.
    param("max_tokens", Type::FromZero),
    param("max_completion_tokens", Type::FromZero),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("tools", Type::Objects),
    param("tool_choice", Type::TextOrObject),
    param("parallel_tool_calls", Type::Bool),
    param("response_format", Type::Object),
    param("reasoning_effort", Type::Text),
    param("user", Type::Text),
    param("metadata", Type::Object),
];

/// Tokens of the answer where neither the caller nor the registry says how many.
const USUAL_MAX_TOKENS: u64 = 4_096;

/// The most tokens that we ask for on our own. Longer answers need a longer timeout, too.
const MOST_MAX_TOKENS: u64 = 32_000;

/// Refuses the parameters that the model refuses, or leaves them out if the caller wants that.
pub(super) fn check_family(
    params: &mut Set<'_>,
    body: &Body<'_>,
    (request, model): (&Request<'_>, Option<Model>),
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    if params.get("reasoning_effort").is_some() && body.given("thinking").is_some() {
        return Err(invalid(
            "params.reasoning_effort: extra_body has thinking, too; give only one of them",
        ));
    }
    let Some(model) = model else {
        return Ok(());
    };
    let thinks = thinking::is_on(params, body) && model.thinking() != Thinking::Never;
    let temperature = params.get("temperature");
    let has_temperature =
        temperature.is_some_and(|value| refusal(model, ("temperature", value), thinks).is_none());
    refuse(params, (request, "this value"), dropped, |name, value| {
        refusal(model, (name, value), thinks).or_else(|| {
            (name == "top_p" && has_temperature && !model.takes_both())
                .then_some("it takes temperature or top_p, and not both")
        })
    })
}

/// Why the model refuses a parameter with this value; `None` if it takes it, as far as is known.
fn refusal(model: Model, (name, value): (&str, &str), thinks: bool) -> Option<&'static str> {
    let number: f64 = value.parse().unwrap_or_default();
    match name {
        "temperature" | "top_p" | "top_k" if !model.takes_sampling() => {
            Some("it has no parameters of sampling")
        }
        "temperature" if !(0.0..=1.0).contains(&number) => Some("it takes 0 to 1"),
        "temperature" if thinks && value.parse() != Ok(1.0) => {
            Some("it takes only 1 while it thinks")
        }
        "top_p" if thinks && number < 0.95 => Some("it takes 0.95 to 1 while it thinks"),
        "top_k" if thinks => Some("it takes none while it thinks"),
        "reasoning_effort" if value == "\"none\"" => {
            (!model.can_stop_thinking()).then_some("it always thinks, at least with \"low\"")
        }
        "reasoning_effort" => (model.thinking() == Thinking::Never).then_some("it does not think"),
        _ => None,
    }
}

/// Writes the parameters, each at its place.
pub(super) fn write(
    body: &mut Body<'_>,
    params: &Set<'_>,
    request: &Request<'_>,
    blocks: &mut Blocks<'_>,
    messages: &Written,
) -> Result<(), Error> {
    let choice = params.get("tool_choice").map(Choice::read).transpose()?;
    let limits = limits(body, params, request);
    let asked = asked(params, choice.as_ref(), limits, messages, blocks)?;
    if limits.given.is_none() {
        let most = asked.max_tokens.unwrap_or(limits.usual);
        body.raw("max_tokens", &most.to_string());
    }
    let has_tools = params.get("tools").is_some() || body.given("tools").is_some();
    let mut metadata: Fields<'_> = Vec::new();
    let mut format = None;
    for (name, value) in params.iter() {
        match (name, value) {
            ("max_tokens" | "max_completion_tokens", _) => body.raw("max_tokens", value),
            ("stop", text) if text.starts_with('"') => {
                body.raw("stop_sequences", &format!("[{text}]"));
            }
            ("stop", _) => body.raw("stop_sequences", value),
            ("tools", _) => {
                let all = choice.as_ref();
                let tools = tools::write(value, all.unwrap_or(&Choice::default()), blocks)?;
                body.raw("tools", &tools);
            }
            ("response_format", _) => format = response_format(value)?,
            ("user", _) => set_user(value, &mut metadata)?,
            ("metadata", _) => add_metadata(value, &mut metadata, request, &mut blocks.dropped)?,
            // These are written below.
            ("tool_choice" | "parallel_tool_calls" | "reasoning_effort", _) => {}
            _ => body.raw(name, value),
        }
    }
    let parallel = params.get("parallel_tool_calls").filter(|_| has_tools);
    let choice = match (choice, parallel) {
        (None, Some(_)) => Some(Choice::read("\"auto\"")?),
        (choice, _) => choice,
    };
    if let Some(choice) = choice {
        body.object("tool_choice", &choice.written(parallel)?)?;
    }
    if let Some(thinking) = &asked.thinking {
        body.raw("thinking", thinking);
    }
    let config = [("effort", asked.effort), ("format", format)];
    let config: Vec<_> = config
        .iter()
        .filter_map(|(key, raw)| Some((*key, raw.as_deref()?)))
        .collect();
    if !config.is_empty() {
        body.object("output_config", &object(config.into_iter()))?;
    }
    if !metadata.is_empty() {
        let metadata = metadata.iter().map(|(key, raw)| (&**key, *raw));
        body.object("metadata", &object(metadata))?;
    }
    Ok(())
}

/// The limits of the answer. The API demands one.
fn limits(body: &Body<'_>, params: &Set<'_>, request: &Request<'_>) -> Limits {
    let given = body
        .given("max_tokens")
        .or_else(|| params.get("max_tokens"))
        .or_else(|| params.get("max_completion_tokens"));
    let largest = request.largest_answer;
    let usual = largest.map_or(USUAL_MAX_TOKENS, |most| most.min(MOST_MAX_TOKENS));
    let budget = body.given("thinking").and_then(thinking::budget_of);
    Limits {
        // What is not a number is the server's to judge.
        given: given.map(|raw| raw.parse().unwrap_or(u64::MAX)),
        usual: thinking::whole(usual, budget.unwrap_or_default(), largest),
        largest,
    }
}

/// How the model is asked to think.
fn asked(
    params: &Set<'_>,
    choice: Option<&Choice<'_>>,
    limits: Limits,
    messages: &Written,
    blocks: &mut Blocks<'_>,
) -> Result<thinking::Asked, Error> {
    let Some(effort) = params.get("reasoning_effort").map(plain) else {
        return Ok(thinking::Asked::default());
    };
    let has_budget = blocks
        .model
        .is_some_and(|model| model.thinking() == Thinking::Budget);
    // 400 "Thinking may not be enabled when tool_choice forces tool use", and "Expected `thinking` or `redacted_thinking`, but
    // found `tool_use`": such a model cannot begin to think in the middle of a turn.
    let is_forced = choice.is_some_and(Choice::is_forced);
    if has_budget && effort != "none" && (is_forced || messages.goes_on_without_thought) {
        blocks.dropped.push("reasoning_effort".to_owned());
        return Ok(thinking::Asked::default());
    }
    thinking::asked(&effort, blocks.model, limits)
}

/// The only key of `metadata` is `user_id`.
fn add_metadata<'a>(
    value: &'a str,
    metadata: &mut Fields<'a>,
    request: &Request<'_>,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    for (key, raw) in fields(value, "params.metadata")? {
        if key != "user_id" {
            if request.drop_unsupported {
                dropped.push(format!("metadata.{key}"));
                continue;
            }
            return Err(invalid(format!(
                "params.metadata.{}: {NAME} takes only user_id there; leave it out, or give drop_unsupported=True",
                key.escape_debug()
            )));
        }
        set_user(raw, metadata)?;
    }
    Ok(())
}

fn set_user<'a>(user: &'a str, metadata: &mut Fields<'a>) -> Result<(), Error> {
    if !metadata.is_empty() {
        return Err(invalid(
            "params.metadata.user_id: user is set too; they are the same, so set only one",
        ));
    }
    metadata.push(("user_id".into(), user));
    Ok(())
}

/// The format of the answer; `None` if it is text.
fn response_format(value: &str) -> Result<Option<String>, Error> {
    let path = "params.response_format";
    let known = fields(value, path)?;
    let get = |key: &str| known.iter().find(|(name, _)| name == key).map(|it| it.1);
    match get("type").map(plain).as_deref() {
        Some("text") => return Ok(None),
        Some("json_object") => {
            return Err(invalid(format!(
                "{path}: {NAME} has no json_object; give a type or a JSON schema, or output_mode=\"prompt\""
            )));
        }
        _ => {}
    }
    let (place, inside) = match get("json_schema") {
        Some(inside) => (format!("{path}.json_schema"), fields(inside, path)?),
        None => (path.to_owned(), known),
    };
    let schema = inside.iter().find(|(key, _)| key == "schema");
    let Some((_, schema)) = schema.filter(|(_, raw)| *raw != "null") else {
        return Err(invalid(format!("{place}.schema: it is missing")));
    };
    let schema = schema::closed(schema, &format!("{place}.schema"))?;
    Ok(Some(format!(
        r#"{{"type":"json_schema","schema":{schema}}}"#
    )))
}
