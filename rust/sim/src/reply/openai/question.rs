//! What a request asks for, checked the way the real API checks it.

use serde::Deserialize;
use serde_json::Value;

use super::api::bad_request;
use super::tools::{is_legacy, results, tools};
use crate::hash::fnv;
use crate::reply::ask::{Ask, Prompt, TALKER, ledger_id};
use crate::reply::body::{Checked, present, stream_id};
use crate::reply::schema::instance;

/// The most choices in a reply.
const MAX_CHOICES: u64 = 128;

/// Which of the two kinds of reply is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Chat,
    Completions,
}

/// What a stream carries in addition to the text.
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
    /// Number of alternatives to each token; `None` asks for no log probabilities.
    pub(crate) logprobs: Option<u64>,
    /// Whether calls are sent as `function_call`, as before there were tools.
    pub(crate) legacy_calls: bool,
    /// Whether the text of a choice begins with its prompt.
    echo: bool,
}

impl<'a> Question<'a> {
    pub(crate) fn read(kind: Kind, json: &'a Value) -> Checked<Self> {
        let is_text = |text: &&str| !text.is_empty();
        let model = field(json, "model", "a non-empty string", is_text)?
            .ok_or_else(|| bad_request("model", "you must provide a model parameter"))?;
        let prompts = match kind {
            Kind::Chat => vec![chat_prompt(json)?],
            Kind::Completions => completion_prompts(json)?,
        };
        let options = json.get("stream_options");
        let option = |name: &str| options.and_then(|o| o.get(name)).and_then(Value::as_bool);
        let least_tokens = u64::from(kind == Kind::Chat);
        let max_tokens = match whole(json, "max_completion_tokens", 1, u64::MAX)? {
            Some(limit) => Some(limit),
            None => whole(json, "max_tokens", least_tokens, u64::MAX)?,
        };
        check_number(json, "temperature", 2.0)?;
        check_number(json, "top_p", 1.0)?;
        let stream = flag(json, "stream")?.then(|| StreamOptions {
            usage: option("include_usage").unwrap_or(false),
            obfuscation: option("include_obfuscation").unwrap_or(true),
        });
        let n = whole(json, "n", 1, MAX_CHOICES)?.unwrap_or(1);
        let logprobs = match kind {
            Kind::Completions => whole(json, "logprobs", 0, 20)?,
            Kind::Chat => {
                let top = whole(json, "top_logprobs", 0, 20)?;
                flag(json, "logprobs")?.then(|| top.unwrap_or(0))
            }
        };
        let echo = kind == Kind::Completions && flag(json, "echo")?;
        let stops = "a string or a list of strings";
        let stop = match field(json, "stop", stops, |_| true)? {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop],
            Some(OneOrMany::Many(stops)) => stops,
        };
        Ok(Self {
            kind,
            stream,
            logprobs,
            legacy_calls: kind == Kind::Chat && is_legacy(json),
            echo,
            ask: Ask {
                model,
                n,
                max_tokens,
                fills: true,
                stop,
                seed: present(json, "seed").map_or(0, |seed| fnv(seed.to_string().as_bytes())),
                ledger_id: ledger_id(stream_id(json), &prompts),
                prompts,
                json: structured(json),
                tools: match kind {
                    Kind::Chat => Some(tools(model, json)?),
                    Kind::Completions => None,
                },
                talks: kind == Kind::Chat && model == TALKER,
                results: match kind {
                    Kind::Chat => results(json),
                    Kind::Completions => Vec::new(),
                },
                reasoning: None,
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

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// The prompt of a completion.
#[derive(Deserialize)]
#[serde(untagged)]
enum PromptInput {
    Text(String),
    Ids(Vec<u64>),
}

/// Reads a field that may be absent. `rule` says in the error what it must be.
pub(super) fn field<'v, T: Deserialize<'v>>(
    json: &'v Value,
    name: &str,
    rule: &str,
    is_valid: impl Fn(&T) -> bool,
) -> Checked<Option<T>> {
    match present(json, name).map(T::deserialize) {
        None => Ok(None),
        Some(Ok(value)) if is_valid(&value) => Ok(Some(value)),
        Some(_) => Err(bad_request(name, &format!("{name} must be {rule}."))),
    }
}

pub(super) fn flag(json: &Value, name: &str) -> Checked<bool> {
    Ok(field(json, name, "a boolean", |_| true)?.unwrap_or(false))
}

pub(super) fn whole(json: &Value, name: &str, least: u64, most: u64) -> Checked<Option<u64>> {
    let rule = format!("a whole number of at least {least}");
    field(json, name, &rule, |number| (least..=most).contains(number))
}

pub(super) fn check_number(json: &Value, name: &str, most: f64) -> Checked<Option<f64>> {
    let rule = format!("a number from 0 to {most}");
    field(json, name, &rule, |number| (0.0..=most).contains(number))
}

/// The JSON that `response_format` asks for.
fn structured(json: &Value) -> Option<String> {
    let format = json.get("response_format")?;
    match format.get("type")?.as_str()? {
        "json_object" => Some("{\"ok\":true}".to_owned()),
        "json_schema" => Some(instance(format.pointer("/json_schema/schema")?).to_string()),
        _ => None,
    }
}

fn chat_prompt(json: &Value) -> Checked<Prompt> {
    let Some(Value::Array(messages)) = json.get("messages") else {
        return Err(bad_request("messages", "messages must be a list."));
    };
    if messages.is_empty() {
        return Err(bad_request("messages", "messages must not be empty."));
    }
    let mut prompt = Prompt::new(b"chat");
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str);
        let role = role.unwrap_or_default();
        if !matches!(
            role,
            "system" | "developer" | "user" | "assistant" | "tool" | "function"
        ) {
            return Err(bad_request(
                &format!("messages[{index}].role"),
                &format!("Invalid value: '{role}'."),
            ));
        }
        prompt.mix(role.as_bytes());
        match message.get("content") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => prompt.push(text),
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.for_each(|text| prompt.push(text));
            }
            Some(_) => {
                return Err(bad_request(
                    &format!("messages[{index}].content"),
                    "content must be a string or a list of parts.",
                ));
            }
        }
    }
    Ok(prompt)
}

fn completion_prompts(json: &Value) -> Checked<Vec<Prompt>> {
    let rule = "text, token ids, or a list of these";
    let inputs = match field(json, "prompt", rule, |_| true)? {
        // An empty list is not one prompt without ids.
        Some(OneOrMany::One(PromptInput::Ids(ids))) if ids.is_empty() => Vec::new(),
        Some(OneOrMany::One(input)) => vec![input],
        Some(OneOrMany::Many(inputs)) => inputs,
        None => return Err(bad_request("prompt", "you must provide a prompt")),
    };
    if inputs.is_empty() {
        return Err(bad_request("prompt", &format!("prompt must be {rule}.")));
    }
    let prompts = inputs.into_iter().map(|input| match input {
        PromptInput::Text(text) => {
            let mut prompt = Prompt::new(b"");
            prompt.push(&text);
            prompt
        }
        PromptInput::Ids(ids) => {
            let words: Vec<String> = ids.iter().map(|id| format!(" {id}")).collect();
            let text = words.concat();
            Prompt {
                tokens: ids.len() as u64,
                hash: fnv(text.as_bytes()),
                text,
            }
        }
    });
    Ok(prompts.collect())
}
