//! Log probabilities that depend on the token alone.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::hash::fnv;

/// Natural log of a made-up probability, from -2 to 0.
fn logprob(token: &str) -> f64 {
    let thousandths = u32::try_from(fnv(token.as_bytes()) % 2000).unwrap_or(0);
    -f64::from(thousandths) / 1000.0
}

/// The token and `top - 1` made-up others, each less likely than the one before.
fn alternatives(token: &str, top: u64) -> impl Iterator<Item = (String, f64)> {
    let mut least = logprob(token);
    (0..top).map(move |rank| {
        if rank == 0 {
            return (token.to_owned(), least);
        }
        least -= 0.5;
        (format!("{token}~{rank}"), least)
    })
}

/// One entry of `logprobs.content` of a chat.
pub(super) fn chat_entry(token: &str, top: u64) -> Value {
    let entry = |token: &str, logprob: f64| json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()});
    let mut value = entry(token, logprob(token));
    let alternatives = alternatives(token, top).map(|(token, logprob)| entry(&token, logprob));
    if let Value::Object(fields) = &mut value {
        fields.insert("top_logprobs".to_owned(), alternatives.collect());
    }
    value
}

/// `logprobs` of a completion, one token after the other.
#[derive(Debug, Default, Serialize)]
pub(super) struct CompletionLogprobs {
    tokens: Vec<String>,
    token_logprobs: Vec<Option<f64>>,
    top_logprobs: Vec<Option<Map<String, Value>>>,
    text_offset: Vec<u64>,
    /// Characters of text so far.
    #[serde(skip)]
    pub(super) offset: u64,
}

impl CompletionLogprobs {
    /// Continues a text after `offset` characters.
    pub(super) fn at(offset: u64) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }

    /// Adds a token. The first of an echoed prompt has no known probability.
    pub(super) fn push(&mut self, token: &str, top: u64, is_known: bool) {
        let others = || alternatives(token, top).map(|(token, logprob)| (token, json!(logprob)));
        self.tokens.push(token.to_owned());
        self.token_logprobs.push(is_known.then(|| logprob(token)));
        self.top_logprobs.push(is_known.then(|| others().collect()));
        self.text_offset.push(self.offset);
        self.offset += token.chars().count() as u64;
    }
}
