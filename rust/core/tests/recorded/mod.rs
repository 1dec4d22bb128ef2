//! The recordings, and a second reader for them: plain and slow, with `serde_json::Value`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub struct Row {
    pub source: String,
    pub provider: String,
    pub api: String,
    pub status: u16,
    pub is_sse: bool,
    pub body: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    pub id: String,
    pub model: String,
    pub choices: BTreeMap<u64, ExpectedChoice>,
    /// Prompt, completion, total.
    pub usage: [Option<u64>; 3],
    pub cached: Option<u64>,
    pub reasoning_tokens: Option<u64>,
    /// The message of the error in the exchange.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpectedChoice {
    pub text: String,
    pub reasoning: String,
    pub refusal: String,
    /// Id, name, arguments.
    pub calls: Vec<(String, String, String)>,
    /// The server's index of each call.
    pub indices: Vec<Option<u64>>,
    pub finish: Option<String>,
}

impl Expected {
    /// Whether two readings are the same; how the server numbered its calls does not matter.
    pub fn agrees(&self, other: &Self) -> bool {
        let plain = |reading: &Self| {
            let mut choices = reading.choices.clone();
            for choice in choices.values_mut() {
                choice.indices.clear();
            }
            Self {
                choices,
                ..reading.clone()
            }
        };
        plain(self) == plain(other)
    }
}

/// The rows of chat and text completions.
pub fn rows() -> Vec<Row> {
    rows_of(&["chat.completions", "completions"])
}

/// The rows of these APIs.
pub fn rows_of(apis: &[&str]) -> Vec<Row> {
    let Some(path) = data_file() else {
        println!("skipped: no wire_open.jsonl.gz; set TOKENWIRE_DATA to the folder that has it");
        return Vec::new();
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    text.lines().filter_map(|line| row(line, apis)).collect()
}

fn data_file() -> Option<PathBuf> {
    let named = std::env::var_os("TOKENWIRE_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data"));
    named
        .into_iter()
        .chain(beside)
        .map(|folder| folder.join("wire_open.jsonl.gz"))
        .find(|file| file.exists())
}

fn row(line: &str, apis: &[&str]) -> Option<Row> {
    // A cheap check first, because most rows are for other APIs.
    let is_of = |api: &&str| line.contains(&format!("\"api\":\"{api}\""));
    if !apis.iter().any(is_of) {
        return None;
    }
    let row: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Some(Row {
        source: text("source"),
        provider: text("provider"),
        api: text("api"),
        status: u16::try_from(row["status"].as_u64().unwrap()).unwrap(),
        is_sse: row["is_sse"].as_bool().unwrap(),
        body: text("response_body_text"),
    })
}

/// The data of each event. Recordings have no event of several lines.
fn events(body: &str) -> Vec<(String, String)> {
    let mut events = Vec::new();
    let mut name = String::new();
    for line in body.lines() {
        if let Some(value) = line.strip_prefix("event:") {
            value.trim().clone_into(&mut name);
        } else if let Some(data) = line.strip_prefix("data:") {
            events.push((std::mem::take(&mut name), data.trim().to_owned()));
        } else if let Some(data) = line.strip_prefix("error:") {
            events.push(("error".to_owned(), data.trim().to_owned()));
        }
    }
    events
}

/// Offset of the event border that is nearest to the middle, but before the first finish.
pub fn middle(body: &str) -> Option<usize> {
    let finish = body
        .match_indices("\"finish_reason\"")
        .find(|(at, _)| {
            let value = body[at + 15..].trim_start_matches([':', ' ']);
            value.starts_with('"') && !value.starts_with("\"\"")
        })
        .map_or(body.len(), |(at, _)| at);
    let done = body.find("[DONE]").unwrap_or(body.len());
    let last = finish.min(done);
    let borders = body.match_indices("\n\n").map(|(at, _)| at + 2);
    borders
        .take_while(|at| *at < last)
        .min_by_key(|at| at.abs_diff(body.len() / 2))
}

pub fn error_message(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    said(if let Some(list) = value.as_array() {
        list.first()?
    } else {
        &value
    })
}

fn said(value: &Value) -> Option<String> {
    let error = &value["error"];
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(
            other["detail"]
                .as_array()
                .or(other.as_array())?
                .iter()
                .map(|item| item["msg"].as_str().unwrap_or_default())
                .collect::<Vec<_>>()
                .join("; "),
        ),
    };
    let message = text(error)
        .or_else(|| text(&error["message"]))
        .or_else(|| text(&value["message"]))
        .or_else(|| text(&value["detail"]))?;
    match error["metadata"]["raw"].as_str() {
        Some(raw) => Some(format!("{message}: {raw}")),
        None => Some(message),
    }
}

/// The message of an error inside a 200 body or an event, if there is one.
fn failure(value: &Value) -> Option<String> {
    let error = &value["error"];
    let flat =
        value["object"] == "error" || value["choices"].is_null() && value["detail"].is_string();
    (error.is_object() || error.is_string() || flat).then(|| said(value).unwrap_or_default())
}

pub fn reply(row: &Row) -> Expected {
    let value: Value = serde_json::from_str(&row.body).unwrap_or_default();
    let mut expected = Expected {
        error: failure(&value),
        ..Expected::default()
    };
    if expected.error.is_some() {
        return expected;
    }
    head(&value, &mut expected);
    for (place, choice) in value["choices"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let index = choice["index"].as_u64().unwrap_or(place as u64);
        let known = expected.choices.entry(index).or_default();
        known
            .text
            .push_str(choice["text"].as_str().unwrap_or_default());
        message(&choice["message"], known, true);
        finish(choice, known);
    }
    expected
}

pub fn stream(row: &Row) -> Expected {
    let mut expected = Expected::default();
    for (name, data) in events(&row.body) {
        if data == "[DONE]" {
            break;
        }
        let Ok(value) = serde_json::from_str::<Value>(&data) else {
            continue;
        };
        expected.error =
            failure(&value).or_else(|| (name == "error").then(|| said(&value).unwrap_or_default()));
        if expected.error.is_some() {
            break;
        }
        head(&value, &mut expected);
        for (place, choice) in value["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let index = choice["index"].as_u64().unwrap_or(place as u64);
            let known = expected.choices.entry(index).or_default();
            // Together repeats the text beside its delta.
            if choice["delta"]["content"]
                .as_str()
                .is_none_or(str::is_empty)
            {
                known
                    .text
                    .push_str(choice["text"].as_str().unwrap_or_default());
            }
            message(&choice["delta"], known, false);
            // Perplexity repeats the whole message, and its last one may be longer than the deltas.
            if let Some(text) = choice["message"]["content"]
                .as_str()
                .filter(|text| text.len() > known.text.len())
            {
                assert!(
                    text.starts_with(&known.text),
                    "{}: the message is another one",
                    row.provider
                );
                text.clone_into(&mut known.text);
            }
            finish(choice, known);
        }
    }
    expected
}

fn head(value: &Value, expected: &mut Expected) {
    for (key, known) in [("id", &mut expected.id), ("model", &mut expected.model)] {
        if known.is_empty() {
            value[key].as_str().unwrap_or_default().clone_into(known);
        }
    }
    for usage in [&value["x_groq"]["usage"], &value["usage"]] {
        if usage.as_object().is_none_or(serde_json::Map::is_empty) {
            continue;
        }
        let count = |key: &str| usage[key].as_u64();
        let detail = |part: &str, key: &str| {
            usage[format!("{part}_tokens_details")][key]
                .as_u64()
                .or(usage[format!("{part}_token_details")][key].as_u64())
        };
        let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
        let sum = prompt
            .zip(completion)
            .map(|(prompt, completion)| prompt + completion);
        expected.usage = [prompt, completion, count("total_tokens").or(sum)];
        expected.cached = detail("prompt", "cached_tokens")
            .or(count("prompt_cache_hit_tokens"))
            .or(count("cached_tokens"))
            .or(count("num_cached_tokens"))
            .or(count("cache_read_input_tokens"));
        expected.reasoning_tokens =
            detail("completion", "reasoning_tokens").or(count("reasoning_tokens"));
        if let ([Some(prompt), Some(completion), Some(total)], Some(reasoning)) =
            (expected.usage, expected.reasoning_tokens)
            && prompt + completion != total
            && prompt + completion + reasoning == total
        {
            expected.usage[1] = Some(completion + reasoning);
        }
    }
}

fn finish(choice: &Value, known: &mut ExpectedChoice) {
    if let Some(word) = choice["finish_reason"]
        .as_str()
        .filter(|word| !word.is_empty())
    {
        known.finish = Some(word.to_owned());
    }
}

fn message(message: &Value, known: &mut ExpectedChoice, whole: bool) {
    match &message["content"] {
        Value::String(text) => known.text.push_str(text),
        Value::Array(blocks) => {
            for block in blocks {
                known
                    .text
                    .push_str(block["text"].as_str().unwrap_or_default());
                for thought in block["thinking"].as_array().into_iter().flatten() {
                    known
                        .reasoning
                        .push_str(thought["text"].as_str().unwrap_or_default());
                }
            }
        }
        _ => {}
    }
    let reasoning = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|key| message[key].as_str().filter(|text| !text.is_empty()));
    match reasoning {
        Some(text) => known.reasoning.push_str(text),
        None => {
            for block in message["reasoning_details"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let said = block["text"].as_str().or(block["summary"].as_str());
                known.reasoning.push_str(said.unwrap_or_default());
            }
        }
    }
    known
        .refusal
        .push_str(message["refusal"].as_str().unwrap_or_default());
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, name) = (text(&call["id"]), text(&function["name"]));
        let arguments = match &function["arguments"] {
            Value::Object(_) => function["arguments"].to_string(),
            other => text(other),
        };
        // In all recordings a new call has a new id, or is complete, and fragments of two calls are never mixed.
        let index = call["index"].as_u64();
        let at = known
            .indices
            .iter()
            .rposition(|known| *known == index || index.is_none());
        let at = at.filter(|at| !whole && (id.is_empty() || known.calls[*at].0 == id));
        if let Some(at) = at {
            known.calls[at].2.push_str(&arguments);
        } else {
            known.calls.push((id, name, arguments));
            known.indices.push(index);
        }
    }
    let call = &message["function_call"];
    if let Some(name) = call["name"].as_str().filter(|name| !name.is_empty()) {
        let arguments = call["arguments"].as_str().unwrap_or_default().to_owned();
        known
            .calls
            .push((String::new(), name.to_owned(), arguments));
        known.indices.push(None);
    } else if let (Some(arguments), Some(last)) =
        (call["arguments"].as_str(), known.calls.last_mut())
    {
        last.2.push_str(arguments);
    }
}
