//! The parameters of chat and text completions, and how each of them spells what the other spells differently.

use std::borrow::Cow;

use memchr::memmem;
use serde_json::value::RawValue;

use crate::config::Family;
use crate::error::Error;
use crate::request::Request;
use crate::wire::body::{Body, fields, items, object};
use crate::wire::cache_marks::CacheMarks;
use crate::wire::dialect::Dialect;
use crate::wire::other_tools::refuse_of_gemini;
use crate::wire::params::{Param, Type, param, set};
use crate::wire::providers::Provider;

/// Starts the body of `request`, with the model in it.
pub(super) fn start<'a>(request: &Request<'a>) -> Result<Body<'a>, Error> {
    let extra = request.extra_body.map_or("null", |raw| raw.get());
    let mut body = Body::new(request.input.get().len() + 256, extra)?;
    body.text("model", &request.model);
    Ok(body)
}

/// Writes the parameters of `request`, and what a stream needs. Adds to `dropped` what was left out.
pub(super) fn write(
    body: &mut Body<'_>,
    dialect: &dyn Dialect,
    (request, provider): (&Request<'_>, &Provider),
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let is_chat = dialect.family() == Family::Chat;
    for (name, value) in set(dialect, request, provider, dropped)?.iter() {
        match (name, value) {
            // Text completions have only ever had one name for it.
            ("max_tokens", _) if is_chat => body.raw(&provider.max_tokens_field, value),
            ("seed", _) => body.raw(&provider.seed_field, value),
            // Chat takes a flag and a number beside it, text completions a number alone.
            ("logprobs", "false") if !is_chat => {}
            ("logprobs", "true") if !is_chat => body.raw("logprobs", "1"),
            ("logprobs", count) if is_chat && !matches!(count, "true" | "false") => {
                body.raw("logprobs", "true");
                body.raw("top_logprobs", count);
            }
            ("tools", tools) => {
                check_tools(tools, dialect.name())?;
                body.raw(name, &marked(tools, provider, &request.model)?);
            }
            (name, value) => body.raw(name, value),
        }
    }
    if request.stream {
        body.raw("stream", "true");
        if provider.stream_options && request.stream_usage != Some(false) {
            body.raw("stream_options", r#"{"include_usage":true}"#);
        }
    }
    Ok(())
}

/// Refuses the tools of another API.
fn check_tools(tools: &str, api: &str) -> Result<(), Error> {
    for (at, raw) in items(tools, "params.tools")?.into_iter().enumerate() {
        let path = format!("params.tools[{at}]");
        refuse_of_gemini(&path, &fields(raw, &path)?, api)?;
    }
    Ok(())
}

/// The tools, with our mark of a cached prefix written as the provider has it.
fn marked<'a>(tools: &'a str, provider: &Provider, model: &str) -> Result<Cow<'a, str>, Error> {
    if memmem::find(tools.as_bytes(), b"\"cache\"").is_none() {
        return Ok(Cow::Borrowed(tools));
    }
    let mut out = String::from("[");
    for (at, raw) in items(tools, "params.tools")?.into_iter().enumerate() {
        let path = format!("params.tools[{at}]");
        let mut tool = fields(raw, &path)?;
        let given = tool.iter().position(|(key, _)| key == "cache");
        let cache = given.map(|at| tool.remove(at).1);
        let mut written = object(tool.iter().map(|(key, raw)| (&**key, *raw)));
        // A breakpoint belongs to content.
        if provider.cache_marks == CacheMarks::Control {
            written.pop();
            written.push_str(provider.cache_marks.mark(cache, || path, model)?);
            written.push('}');
        }
        if at > 0 {
            out.push(',');
        }
        out.push_str(&written);
    }
    out.push(']');
    Ok(Cow::Owned(out))
}

/// How many choices `request` asks for each prompt.
pub(super) fn choices(request: &Request<'_>) -> usize {
    let asked = |raw: Option<&RawValue>| {
        let raw = raw?.get();
        if !may_have_n(raw.as_bytes()) {
            return None;
        }
        let fields = fields(raw, "").ok()?;
        let (_, value) = fields.into_iter().find(|(name, _)| name == "n")?;
        Some(value.parse().unwrap_or(1))
    };
    asked(request.extra_body)
        .or_else(|| asked(request.params))
        .unwrap_or(1)
}

/// Whether an object may have the key `n`. Hardly any has, and to look for it costs less than to read all keys.
fn may_have_n(object: &[u8]) -> bool {
    memchr::memchr2_iter(b'n', b'\\', object).any(|at| {
        // Any character may be written as an escape.
        object.get(at) == Some(&b'\\')
            || object.get(at.wrapping_sub(1)..at + 2) == Some(b"\"n\"".as_slice())
    })
}

/// The parameters of chat completions.
pub(super) const CHAT: &[Param] = &[
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
    param("logit_bias", Type::Object),
    param("tools", Type::Objects),
    param("tool_choice", Type::TextOrObject),
    param("parallel_tool_calls", Type::Bool),
    param("response_format", Type::Object),
    param("reasoning_effort", Type::Text),
    param("verbosity", Type::Text),
    param("user", Type::Text),
    param("metadata", Type::Object),
    param("store", Type::Bool),
    param("prompt_cache_key", Type::Text),
];

/// The parameters of text completions.
pub(super) const COMPLETIONS: &[Param] = &[
    param("max_tokens", Type::FromZero),
    param("max_completion_tokens", Type::FromZero),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
    param("top_k", Type::Integer),
    param("stop", Type::Texts),
    param("seed", Type::Integer),
    param("random_seed", Type::Integer),
    param("n", Type::Count),
    param("logprobs", Type::BoolOrCount),
    param("frequency_penalty", Type::Number),
    param("presence_penalty", Type::Number),
    param("logit_bias", Type::Object),
    param("response_format", Type::Object),
    param("user", Type::Text),
    param("suffix", Type::Text),
    param("echo", Type::Bool),
    param("best_of", Type::Count),
];
