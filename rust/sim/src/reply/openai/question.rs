//! What a request asks for, checked the way the real API checks it.

use serde_json::Value;

use super::error::bad_request;
use crate::reply::ask::{Ask, Prompt, Shape, Tool, Tools, ledger_id};
use crate::reply::hash::fnv;
use crate::script::ErrorReply;

/// Longest list of choices.
const MAX_CHOICES: u64 = 128;

/// Which of the two kinds of reply is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    Completions,
}

/// What a stream is to carry besides the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamOptions {
    pub(crate) usage: bool,
    pub(crate) obfuscation: bool,
}

/// A checked request: what any API asks for, and what these two add.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) kind: Kind,
    pub(crate) ask: Ask<'a>,
    /// `None` asks for a whole reply.
    pub(crate) stream: Option<StreamOptions>,
    /// Number of alternatives to each token; `None` asks for none.
    pub(crate) logprobs: Option<u64>,
    /// Whether the text of a choice begins with its prompt.
    echo: bool,
}

type Checked<T> = Result<T, Box<ErrorReply>>;

impl<'a> Question<'a> {
    pub(crate) fn read(kind: Kind, json: &'a Value) -> Checked<Self> {
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
        let prompts = match kind {
            Kind::Chat => vec![chat_prompt(json)?],
            Kind::Completions => completion_prompts(json)?,
        };
        let options = present(json, "stream_options");
        let option = |name: &str| options.and_then(|o| o.get(name)).and_then(Value::as_bool);
        let max_tokens = match whole(json, "max_completion_tokens", 1, u64::MAX)? {
            Some(limit) => Some(limit),
            None => whole(json, "max_tokens", u64::from(kind == Kind::Chat), u64::MAX)?,
        };
        check_number(json, "temperature", 0.0, 2.0)?;
        check_number(json, "top_p", 0.0, 1.0)?;
        let stream = flag(json, "stream")?.then(|| StreamOptions {
            usage: option("include_usage").unwrap_or(false),
            obfuscation: option("include_obfuscation").unwrap_or(true),
        });
        let n = whole(json, "n", 1, MAX_CHOICES)?.unwrap_or(1);
        let logprobs = logprobs(kind, json)?;
        let echo = kind == Kind::Completions && flag(json, "echo")?;
        Ok(Self {
            kind,
            stream,
            logprobs,
            echo,
            ask: Ask {
                model,
                n,
                max_tokens,
                stop: stops(json)?,
                seed: present(json, "seed").map_or(0, |seed| fnv(seed.to_string().as_bytes())),
                ledger_id: ledger_id(stream_id(json), &prompts),
                prompts,
                shape: shape(json),
                tools: (kind == Kind::Chat).then(|| tools(json)),
            },
        })
    }

    /// The prompt that the choice of this number repeats, if it does.
    pub(crate) fn echo(&self, index: u64) -> Option<&str> {
        let place = usize::try_from(index / self.ask.n.max(1)).ok()?;
        let prompt = self.ask.prompts.get(place).filter(|_| self.echo)?;
        Some(&prompt.text)
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

fn logprobs(kind: Kind, json: &Value) -> Checked<Option<u64>> {
    match kind {
        Kind::Completions => whole(json, "logprobs", 0, 20),
        Kind::Chat => {
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

/// What `response_format` asks for.
fn shape(json: &Value) -> Option<Shape<'_>> {
    let format = json.get("response_format")?;
    match format.get("type").and_then(Value::as_str)? {
        "json_object" => Some(Shape::Object),
        "json_schema" => format.pointer("/json_schema/schema").map(Shape::Schema),
        _ => None,
    }
}

/// Each tool that the request offers (the first alone without parallel calls), unless the last
/// message is a tool's result.
fn tools(json: &Value) -> Tools<'_> {
    let none = Tools {
        id_prefix: "call_",
        wanted: Vec::new(),
    };
    let is_answered = json
        .get("messages")
        .and_then(Value::as_array)
        .and_then(|messages| messages.last())
        .is_some_and(|last| last.get("role").and_then(Value::as_str) == Some("tool"));
    let tool_choice = json.get("tool_choice");
    if is_answered || tool_choice == Some(&Value::from("none")) {
        return none;
    }
    let forced = tool_choice
        .and_then(|c| c.pointer("/function/name"))
        .and_then(Value::as_str);
    let is_parallel = json
        .get("parallel_tool_calls")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let offered = json.get("tools").and_then(Value::as_array);
    let wanted = offered
        .into_iter()
        .flatten()
        .filter_map(|tool| {
            Some(Tool {
                name: tool.pointer("/function/name")?.as_str()?,
                parameters: tool.pointer("/function/parameters"),
            })
        })
        .filter(|tool| forced.is_none_or(|forced| forced == tool.name))
        .take(if is_parallel { usize::MAX } else { 1 })
        .collect();
    Tools { wanted, ..none }
}

/// The name that the client gave the stream: `metadata.stream_id`, else `user`.
fn stream_id(json: &Value) -> Option<&str> {
    json.get("metadata")
        .and_then(|metadata| metadata.get("stream_id"))
        .or_else(|| json.get("user"))
        .and_then(Value::as_str)
}

fn chat_prompt(json: &Value) -> Checked<Prompt> {
    let Some(Value::Array(messages)) = present(json, "messages") else {
        return Err(bad_request("messages", "messages must be a list."));
    };
    if messages.is_empty() {
        return Err(bad_request("messages", "messages must not be empty."));
    }
    let mut prompt = Prompt::new(b"chat");
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
        prompt.mix(role.as_bytes());
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
            prompt.push(text);
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
    let text = |text: &str| {
        let mut prompt = Prompt::new(b"");
        prompt.push(text);
        prompt
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
