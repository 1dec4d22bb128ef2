//! The message object: the fields around the blocks of a reply, and why it ended.

use serde_json::{Map, Value, json};

use super::conversation::Cached;
use crate::hash::derived_id;
use crate::reply::choice::{Choice, Counts, Finish, Said};
use crate::script::Reply;

/// Fields of `usage` that a stream has only at its start.
const AT_START: [&str; 3] = ["cache_creation", "service_tier", "inference_geo"];

/// The order of the fields of `usage`. Others follow.
const ORDER: [&str; 8] = [
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "cache_creation",
    "output_tokens",
    "output_tokens_details",
    "service_tier",
    "inference_geo",
];

/// A message, without its blocks.
#[derive(Debug)]
pub(super) struct Message {
    id: String,
    model: String,
    pub(super) ended: Ended,
    usage: Option<Map<String, Value>>,
    /// What the script adds; it wins over all else.
    extra: Map<String, Value>,
}

impl Message {
    pub(super) fn new(
        model: &str,
        said: &Said,
        choice: &Choice,
        cached: Cached,
        reply: &Reply,
    ) -> Self {
        Self {
            id: derived_id("msg_01", said.seed, 22),
            model: model.to_owned(),
            ended: Ended::of(choice),
            usage: usage(said, cached),
            extra: reply.extra.clone(),
        }
    }

    /// The whole message. `content` is a JSON list.
    pub(super) fn whole(&self, content: String) -> String {
        self.json(content, Some(&self.ended), self.usage.as_ref())
    }

    /// The message as it is when a stream begins.
    pub(super) fn begun(&self) -> String {
        let usage = self.usage.clone().map(|mut usage| {
            if let Some(count) = usage.get_mut("output_tokens") {
                *count = count.as_u64().unwrap_or(0).min(1).into();
            }
            usage.remove("output_tokens_details");
            usage
        });
        self.json("[]".to_owned(), None, usage.as_ref())
    }

    /// The data of the event that says why it ended.
    pub(super) fn delta(&self) -> String {
        let usage = self.usage.as_ref().map_or_else(String::new, |usage| {
            let mut later = usage.clone();
            later.retain(|name, _| !AT_START.contains(&name.as_str()));
            format!(",\"usage\":{}", usage_json(&later))
        });
        format!("{{{}}}{usage}", Ended::json(Some(&self.ended)))
    }

    fn json(
        &self,
        content: String,
        ended: Option<&Ended>,
        usage: Option<&Map<String, Value>>,
    ) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let mut fields = vec![
            ("model", text(&self.model)),
            ("id", text(&self.id)),
            ("type", text("message")),
            ("role", text("assistant")),
            ("content", content),
        ];
        fields.extend(Ended::fields(ended));
        fields.extend(usage.map(|usage| ("usage", usage_json(usage))));
        let is_free = |(name, _): &(&str, String)| !self.extra.contains_key(*name);
        let own = fields.into_iter().filter(is_free);
        let own = own.map(|(name, value)| format!("\"{name}\":{value}"));
        let extra = self.extra.iter();
        let extra = extra.map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        format!("{{{}}}", own.chain(extra).collect::<Vec<_>>().join(","))
    }
}

/// Why a message ended.
#[derive(Debug)]
pub(super) struct Ended {
    reason: String,
    /// The stop sequence that was met.
    sequence: Option<String>,
    /// Why the model refused.
    details: Value,
}

impl Ended {
    /// `finish_reason` of a script is a word of chat or of this API.
    fn of(choice: &Choice) -> Self {
        let is_refusal = !choice.refusal.is_empty();
        let reason = match &choice.finish {
            Finish::Stop if is_refusal => "refusal",
            Finish::Stop if choice.stop.is_some() => "stop_sequence",
            Finish::Stop => "end_turn",
            Finish::Length => "max_tokens",
            Finish::Calls => "tool_use",
            Finish::Scripted(word) => match word.as_str() {
                "stop" => "end_turn",
                "length" => "max_tokens",
                "tool_calls" | "function_call" => "tool_use",
                "content_filter" => "refusal",
                word => word,
            },
        };
        let text = choice.refusal.concat();
        let explanation = if is_refusal {
            Value::from(text)
        } else {
            Value::Null
        };
        let details = match reason {
            "refusal" => json!({"type": "refusal", "category": null, "explanation": explanation}),
            _ => Value::Null,
        };
        Self {
            reason: reason.to_owned(),
            sequence: choice.stop.clone(),
            details,
        }
    }

    fn fields(ended: Option<&Self>) -> [(&'static str, String); 3] {
        let (reason, sequence, details) = ended.map_or((None, None, None), |ended| {
            (
                Some(&ended.reason),
                ended.sequence.as_ref(),
                Some(&ended.details),
            )
        });
        let text = |text: Option<&String>| Value::from(text.map(String::as_str)).to_string();
        [
            ("stop_reason", text(reason)),
            ("stop_sequence", text(sequence)),
            (
                "stop_details",
                details.map_or_else(|| "null".to_owned(), ToString::to_string),
            ),
        ]
    }

    fn json(ended: Option<&Self>) -> String {
        let fields = Self::fields(ended).map(|(name, value)| format!("\"{name}\":{value}"));
        fields.join(",")
    }
}

fn usage_json(usage: &Map<String, Value>) -> String {
    let is_other = |name: &&str| !ORDER.contains(name);
    let others = usage.keys().map(String::as_str).filter(is_other);
    let fields = ORDER.into_iter().chain(others).filter_map(|name| {
        let value = match (name, usage.get(name)?) {
            ("cache_creation", Value::Object(counts)) => {
                // The shorter time comes first.
                let counts = counts.iter().rev();
                let counts = counts.map(|(name, count)| format!("\"{name}\":{count}"));
                format!("{{{}}}", counts.collect::<Vec<_>>().join(","))
            }
            (_, value) => value.to_string(),
        };
        Some(format!("{}:{value}", Value::from(name)))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// `usage` of a reply. A script's may have the names of chat, whose count of the prompt includes
/// what is cached.
fn usage(said: &Said, cached: Cached) -> Option<Map<String, Value>> {
    let Value::Object(mut usage) = said.usage(|counts| counted(counts, cached))? else {
        return None;
    };
    let details = usage.remove("prompt_tokens_details");
    let detail = |name: &str| {
        details
            .as_ref()
            .and_then(|details| details.get(name)?.as_u64())
    };
    let (read, written) = (detail("cached_tokens"), detail("cache_write_tokens"));
    if let Some(prompt) = usage
        .remove("prompt_tokens")
        .and_then(|value| value.as_u64())
    {
        let cached = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
        let rest = prompt.saturating_sub(cached);
        usage.insert("input_tokens".to_owned(), rest.into());
        // The sum follows from its parts.
        usage.remove("total_tokens");
    }
    if let Some(read) = read {
        usage.insert("cache_read_input_tokens".to_owned(), read.into());
    }
    if let Some(written) = written {
        usage.insert("cache_creation_input_tokens".to_owned(), written.into());
    }
    if let Some(count) = usage.remove("completion_tokens") {
        usage.insert("output_tokens".to_owned(), count);
    }
    let details = usage.remove("completion_tokens_details");
    if let Some(count) = details.and_then(|details| details.get("reasoning_tokens")?.as_u64()) {
        let details = json!({ "thinking_tokens": count });
        usage.insert("output_tokens_details".to_owned(), details);
    }
    Some(usage)
}

/// What is cached has been written for this request.
fn counted(counts: Counts, cached: Cached) -> Value {
    let written = cached.tokens.min(counts.prompt);
    let (short, long) = if cached.is_long {
        (0, written)
    } else {
        (written, 0)
    };
    let mut usage = json!({
        "input_tokens": counts.prompt - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": counts.completion,
        "service_tier": "standard",
        "inference_geo": "not_available",
    });
    if counts.reasoning > 0
        && let Value::Object(fields) = &mut usage
    {
        let details = json!({ "thinking_tokens": counts.reasoning });
        fields.insert("output_tokens_details".to_owned(), details);
    }
    usage
}
