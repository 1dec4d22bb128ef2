//! The response object: the fields around the candidates of a reply.

use std::fmt::Write as _;

use std::io::Write;

use serde_json::{Map, Value, json};

use super::parts::Candidate;
use crate::hash::derived_id;
use crate::reply::choice::{Counts, Said};
use crate::reply::json::write_string;
use crate::script::Reply;

/// A response, without its candidates.
#[derive(Debug)]
pub(super) struct Response {
    /// The fields after the candidates in an event that is not the last, as JSON text with a comma before each.
    going: String,
    /// Those in the last event.
    ending: String,
}

impl Response {
    pub(super) fn new(model: &str, said: &Said, reply: &Reply) -> Self {
        let id = derived_id("", said.seed, 22);
        let usage = usage(said);
        let so_far = usage.clone().map(|mut usage| {
            usage.retain(|name, _| name == "promptTokenCount" || name == "promptTokensDetails");
            if let Some(count) = usage.get("promptTokenCount").cloned() {
                usage.insert("totalTokenCount".to_owned(), count);
            }
            usage
        });
        Self {
            going: fields(so_far, model, &id, &reply.extra),
            ending: fields(usage, model, &id, &reply.extra),
        }
    }

    /// The whole response.
    pub(super) fn whole(&self, candidates: &[Candidate]) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(blocked) = candidates.iter().find(|candidate| candidate.is_blocked()) {
            self.blocked(blocked, &mut out);
            return out;
        }
        out.extend_from_slice(OPEN);
        for (at, candidate) in candidates.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_candidate(candidate, &candidate.parts().join(","), true, &mut out);
        }
        self.close(true, &mut out);
        out
    }

    /// Appends the response to a prompt of which nothing came.
    pub(super) fn blocked(&self, candidate: &Candidate, out: &mut Vec<u8>) {
        let message = Value::from(candidate.choice.refusal.concat());
        let ending = &self.ending;
        // Writing into memory cannot fail.
        let _ = write!(
            out,
            "{{\"promptFeedback\":{{\"blockReason\":\"PROHIBITED_CONTENT\",\
             \"blockReasonMessage\":{message}}}{ending}}}"
        );
    }

    /// Appends one event of a stream, with one part of a candidate.
    pub(super) fn event(
        &self,
        candidate: &Candidate,
        part: &str,
        is_last: bool,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(OPEN);
        write_candidate(candidate, part, is_last, out);
        self.close(is_last, out);
    }

    /// Appends what follows the candidates.
    fn close(&self, is_last: bool, out: &mut Vec<u8>) {
        let rest = if is_last { &self.ending } else { &self.going };
        for piece in ["]", rest, "}"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
}

/// What precedes the candidates.
const OPEN: &[u8] = b"{\"candidates\":[";

/// The fields after the first, as JSON text with a comma before each. What the script adds wins over all else.
fn fields(
    usage: Option<Map<String, Value>>,
    model: &str,
    id: &str,
    extra: &Map<String, Value>,
) -> String {
    let own = [
        ("usageMetadata", usage.map(Value::Object)),
        ("modelVersion", Some(model.into())),
        ("responseId", Some(id.into())),
    ];
    let own = own
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_ref()?)));
    let own = own.filter(|(name, _)| !extra.contains_key(*name));
    let mut written = String::new();
    for (name, value) in own.chain(extra.iter().map(|(name, value)| (name.as_str(), value))) {
        // A string takes whatever is written to it.
        let _ = write!(written, ",{}:{value}", Value::from(name));
    }
    written
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

/// Appends a candidate with these parts. Without any, the content has only its role. The last one says why it ended.
fn write_candidate(candidate: &Candidate, parts: &str, is_last: bool, out: &mut Vec<u8>) {
    let around = match parts {
        "" => ["", "", ""],
        parts => ["\"parts\":[", parts, "],"],
    };
    out.extend_from_slice(b"{\"content\":{");
    for piece in around {
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(b"\"role\":\"model\"}");
    if is_last {
        out.extend_from_slice(b",\"finishReason\":");
        write_string(out, candidate.finish());
        let refusal = candidate.choice.refusal.concat();
        if !refusal.is_empty() {
            out.extend_from_slice(b",\"finishMessage\":");
            write_string(out, &refusal);
        }
    }
    let _ = write!(out, ",\"index\":{}}}", candidate.choice.index);
}
