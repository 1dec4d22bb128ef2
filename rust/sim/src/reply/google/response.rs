//! The response object: the fields around the candidates of a reply.

use serde_json::{Map, Value, json};

use super::parts::Candidate;
use crate::hash::derived_id;
use crate::reply::choice::{Counts, Said};
use crate::script::Reply;

/// A response, without its candidates.
#[derive(Debug)]
pub(super) struct Response {
    id: String,
    model: String,
    usage: Option<Map<String, Value>>,
    /// What the script adds; it wins over all else.
    extra: Map<String, Value>,
}

impl Response {
    pub(super) fn new(model: &str, said: &Said, reply: &Reply) -> Self {
        Self {
            id: derived_id("", said.seed, 22),
            model: model.to_owned(),
            usage: usage(said),
            extra: reply.extra.clone(),
        }
    }

    /// The whole response.
    pub(super) fn whole(&self, candidates: &[Candidate]) -> String {
        if let Some(blocked) = candidates.iter().find(|candidate| candidate.is_blocked()) {
            return self.blocked(blocked);
        }
        let candidates = candidates.iter().map(|candidate| {
            let parts = candidate.parts();
            // Without parts, the content has only its role.
            let parts = match parts.as_slice() {
                [] => String::new(),
                parts => format!("\"parts\":[{}],", parts.join(",")),
            };
            written(candidate, &parts, true)
        });
        self.json(&candidates.collect::<Vec<_>>().join(","), true)
    }

    /// The response to a prompt of which nothing came.
    pub(super) fn blocked(&self, candidate: &Candidate) -> String {
        let message = Value::from(candidate.choice.refusal.concat());
        let feedback = format!(
            "\"promptFeedback\":{{\"blockReason\":\"PROHIBITED_CONTENT\",\
             \"blockReasonMessage\":{message}}}"
        );
        self.around(&feedback, true)
    }

    /// One event of a stream, with one part of a candidate.
    pub(super) fn event(&self, candidate: &Candidate, part: &str, is_last: bool) -> String {
        let parts = format!("\"parts\":[{part}],");
        self.json(&written(candidate, &parts, is_last), is_last)
    }

    fn json(&self, candidates: &str, is_last: bool) -> String {
        self.around(&format!("\"candidates\":[{candidates}]"), is_last)
    }

    fn around(&self, first: &str, is_last: bool) -> String {
        let mut fields = vec![("", first.to_owned())];
        let usage = self.usage.as_ref().map(|usage| {
            let mut usage = usage.clone();
            if !is_last {
                // The counts so far.
                usage.retain(|name, _| name == "promptTokenCount" || name == "promptTokensDetails");
                if let Some(count) = usage.get("promptTokenCount").cloned() {
                    usage.insert("totalTokenCount".to_owned(), count);
                }
            }
            ("usageMetadata", Value::Object(usage).to_string())
        });
        fields.extend(usage);
        fields.push(("modelVersion", Value::from(&*self.model).to_string()));
        fields.push(("responseId", Value::from(&*self.id).to_string()));
        let is_free = |(name, _): &(&str, String)| !self.extra.contains_key(*name);
        let own = fields
            .into_iter()
            .filter(is_free)
            .map(|(name, value)| match name {
                "" => value,
                name => format!("\"{name}\":{value}"),
            });
        let extra = self.extra.iter();
        let extra = extra.map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        format!("{{{}}}", own.chain(extra).collect::<Vec<_>>().join(","))
    }
}

/// `usageMetadata` of a reply. A script's may have the names of chat, whose count of the answer
/// includes the reasoning.
fn usage(said: &Said) -> Option<Map<String, Value>> {
    let Value::Object(mut usage) = said.usage(counted)? else {
        return None;
    };
    let details = usage.remove("completion_tokens_details");
    let thoughts = details.and_then(|details| details.get("reasoning_tokens")?.as_u64());
    let details = usage.remove("prompt_tokens_details");
    let cached = details.and_then(|details| details.get("cached_tokens")?.as_u64());
    let completion = usage
        .remove("completion_tokens")
        .and_then(|count| count.as_u64());
    let counts = [
        ("cachedContentTokenCount", cached),
        (
            "candidatesTokenCount",
            completion.map(|count| count.saturating_sub(thoughts.unwrap_or(0))),
        ),
        ("thoughtsTokenCount", thoughts),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            usage.insert(name.to_owned(), count.into());
        }
    }
    for (old, new) in [
        ("prompt_tokens", "promptTokenCount"),
        ("total_tokens", "totalTokenCount"),
    ] {
        if let Some(count) = usage.remove(old) {
            usage.insert(new.to_owned(), count);
        }
    }
    Some(usage)
}

fn counted(counts: Counts) -> Value {
    let mut usage = json!({
        "promptTokenCount": counts.prompt,
        "candidatesTokenCount": counts.completion - counts.reasoning,
        "totalTokenCount": counts.prompt + counts.completion,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": counts.prompt}],
    });
    if counts.reasoning > 0
        && let Value::Object(fields) = &mut usage
    {
        fields.insert("thoughtsTokenCount".to_owned(), counts.reasoning.into());
    }
    usage
}

/// A candidate with these parts. The last one says why it ended.
fn written(candidate: &Candidate, parts: &str, is_last: bool) -> String {
    let finish = if is_last {
        let refusal = candidate.choice.refusal.concat();
        let message = match refusal.as_str() {
            "" => String::new(),
            text => format!(",\"finishMessage\":{}", Value::from(text)),
        };
        format!(
            ",\"finishReason\":{}{message}",
            Value::from(candidate.finish())
        )
    } else {
        String::new()
    };
    let index = candidate.choice.index;
    format!("{{\"content\":{{{parts}\"role\":\"model\"}}{finish},\"index\":{index}}}")
}
