//! What a request asks for, checked the way the real API checks it.

use serde_json::Value;

use super::error::bad_request;
use crate::reply::{fnv, fnv_from};
use crate::script::ErrorReply;

/// Longest list of choices.
const MAX_CHOICES: u64 = 128;

/// Which of the two APIs is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Chat,
    Completions,
}

/// One prompt of a completion request, or the one of a chat.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) tokens: u64,
    pub(crate) hash: u64,
}

/// What a stream is to carry besides the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamOptions {
    pub(crate) usage: bool,
    pub(crate) obfuscation: bool,
}

/// A checked request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) api: Api,
    pub(crate) model: &'a str,
    /// `None` asks for a whole reply.
    pub(crate) stream: Option<StreamOptions>,
    pub(crate) n: u64,
    pub(crate) max_tokens: Option<u64>,
    /// Number of alternatives to each token; `None` is no logprobs.
    pub(crate) logprobs: Option<u64>,
    pub(crate) echo: bool,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) ledger_id: String,
    pub(crate) json: &'a Value,
}

type Checked<T> = Result<T, Box<ErrorReply>>;

impl<'a> Ask<'a> {
    pub(crate) fn read(api: Api, json: &'a Value) -> Checked<Self> {
        if !json.is_object() {
            return Err(bad_request(
                "",
                "The body of the request is not a JSON object.",
            ));
        }
        let model = match present(json, "model") {
            Some(Value::String(model)) if !model.is_empty() => model,
            Some(_) => return Err(bad_request("model", "model must be a non-empty string.")),
            None => return Err(bad_request("model", "you must provide a model parameter")),
        };
        let prompts = match api {
            Api::Chat => vec![chat_prompt(json)?],
            Api::Completions => completion_prompts(json)?,
        };
        let options = present(json, "stream_options");
        let option = |name: &str| options.and_then(|o| o.get(name)).and_then(Value::as_bool);
        let max_tokens = match whole(json, "max_completion_tokens", 1, u64::MAX)? {
            Some(limit) => Some(limit),
            None => whole(json, "max_tokens", u64::from(api == Api::Chat), u64::MAX)?,
        };
        check_number(json, "temperature", 0.0, 2.0)?;
        check_number(json, "top_p", 0.0, 1.0)?;
        Ok(Self {
            api,
            model,
            stream: flag(json, "stream")?.then(|| StreamOptions {
                usage: option("include_usage").unwrap_or(false),
                obfuscation: option("include_obfuscation").unwrap_or(true),
            }),
            n: whole(json, "n", 1, MAX_CHOICES)?.unwrap_or(1),
            max_tokens,
            logprobs: logprobs(api, json)?,
            echo: api == Api::Completions && flag(json, "echo")?,
            stop: stops(json)?,
            seed: present(json, "seed").map_or(0, |seed| fnv(seed.to_string().as_bytes())),
            ledger_id: ledger_id(json, &prompts),
            prompts,
            json,
        })
    }
}

/// The field unless it is absent or null.
fn present<'v>(json: &'v Value, name: &str) -> Option<&'v Value> {
    json.get(name).filter(|value| !value.is_null())
}

fn flag(json: &Value, name: &str) -> Checked<bool> {
    match present(json, name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(bad_request(name, format!("{name} must be a boolean."))),
    }
}

fn whole(json: &Value, name: &str, least: u64, most: u64) -> Checked<Option<u64>> {
    let Some(value) = present(json, name) else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ => Err(bad_request(
            name,
            format!("{name} must be a whole number of at least {least}."),
        )),
    }
}

fn check_number(json: &Value, name: &str, least: f64, most: f64) -> Checked<()> {
    match present(json, name).map(Value::as_f64) {
        None => Ok(()),
        Some(Some(number)) if (least..=most).contains(&number) => Ok(()),
        Some(_) => Err(bad_request(
            name,
            format!("{name} must be a number from {least} to {most}."),
        )),
    }
}

fn logprobs(api: Api, json: &Value) -> Checked<Option<u64>> {
    match api {
        Api::Completions => whole(json, "logprobs", 0, 20),
        Api::Chat => {
            let top = whole(json, "top_logprobs", 0, 20)?;
            Ok(flag(json, "logprobs")?.then(|| top.unwrap_or(0)))
        }
    }
}

fn stops(json: &Value) -> Checked<Vec<String>> {
    let wrong = || bad_request("stop", "stop must be a string or a list of strings.");
    match present(json, "stop") {
        None => Ok(Vec::new()),
        Some(Value::String(stop)) => Ok(vec![stop.clone()]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|s| s.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn count_words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn chat_prompt(json: &Value) -> Checked<Prompt> {
    let Some(Value::Array(messages)) = present(json, "messages") else {
        return Err(bad_request("messages", "messages must be a list."));
    };
    if messages.is_empty() {
        return Err(bad_request("messages", "messages must not be empty."));
    }
    let mut prompt = Prompt {
        hash: fnv(b"chat"),
        ..Prompt::default()
    };
    for (index, message) in messages.iter().enumerate() {
        let role = message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known = [
            "system",
            "developer",
            "user",
            "assistant",
            "tool",
            "function",
        ];
        if !known.contains(&role) {
            return Err(bad_request(
                &format!("messages[{index}].role"),
                format!("Invalid value: '{role}'."),
            ));
        }
        prompt.hash = fnv_from(prompt.hash, role.as_bytes());
        let content = message.get("content").unwrap_or(&Value::Null);
        let empty = Vec::new();
        let (text, parts) = match content {
            Value::String(text) => (Some(text.as_str()), &empty),
            Value::Array(parts) => (None, parts),
            Value::Null => (None, &empty),
            _ => {
                return Err(bad_request(
                    &format!("messages[{index}].content"),
                    "content must be a string or a list of parts.",
                ));
            }
        };
        let texts = parts
            .iter()
            .filter_map(|p| p.get("text").and_then(Value::as_str));
        for text in text.into_iter().chain(texts) {
            prompt.tokens += count_words(text);
            prompt.hash = fnv_from(prompt.hash, text.as_bytes());
            text.clone_into(&mut prompt.text);
        }
    }
    Ok(prompt)
}

fn completion_prompts(json: &Value) -> Checked<Vec<Prompt>> {
    let wrong = || {
        bad_request(
            "prompt",
            "prompt must be text, token ids, or a list of these.",
        )
    };
    let text = |text: &str| Prompt {
        text: text.to_owned(),
        tokens: count_words(text),
        hash: fnv(text.as_bytes()),
    };
    let ids = |list: &[Value]| -> Option<Prompt> {
        let words: Option<Vec<String>> = list
            .iter()
            .map(|id| id.as_u64().map(|id| format!(" {id}")))
            .collect();
        let joined = words?.concat();
        Some(Prompt {
            tokens: list.len() as u64,
            hash: fnv(joined.as_bytes()),
            text: joined,
        })
    };
    match present(json, "prompt") {
        Some(Value::String(one)) => Ok(vec![text(one)]),
        Some(Value::Array(list)) if list.first().is_some_and(Value::is_u64) => {
            Ok(vec![ids(list).ok_or_else(wrong)?])
        }
        Some(Value::Array(list)) if !list.is_empty() => list
            .iter()
            .map(|item| match item {
                Value::String(one) => Ok(text(one)),
                Value::Array(list) => ids(list).ok_or_else(wrong),
                _ => Err(wrong()),
            })
            .collect(),
        Some(_) => Err(wrong()),
        None => Err(bad_request("prompt", "you must provide a prompt")),
    }
}

/// `metadata.stream_id`, else `user`, else the last word of the last prompt; without the
/// characters that part a ledger token.
fn ledger_id(json: &Value, prompts: &[Prompt]) -> String {
    let given = json
        .get("metadata")
        .and_then(|metadata| metadata.get("stream_id"))
        .or_else(|| json.get("user"))
        .and_then(Value::as_str);
    let id = given
        .or_else(|| {
            prompts
                .last()
                .and_then(|p| p.text.split_whitespace().next_back())
        })
        .unwrap_or("stream");
    id.chars()
        .map(|c| {
            if c.is_whitespace() || c.is_control() || c == ':' {
                '_'
            } else {
                c
            }
        })
        .collect()
}
