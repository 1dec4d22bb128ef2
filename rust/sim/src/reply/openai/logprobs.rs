//! Log probabilities that depend on the token alone.

use serde_json::{Map, Value, json};

use crate::reply::hash::fnv;

/// Natural log of a made-up probability, from -2 to 0.
pub(crate) fn logprob(token: &str) -> f64 {
    let thousandths = u32::try_from(fnv(token.as_bytes()) % 2000).unwrap_or(0);
    -f64::from(thousandths) / 1000.0
}

/// The token and `top - 1` made-up others, each less likely than the one before.
fn alternatives(token: &str, top: u64) -> Vec<(String, f64)> {
    let mut least = logprob(token);
    let mut all = vec![(token.to_owned(), least)];
    for rank in 1..top {
        least -= 0.5;
        all.push((format!("{token}~{rank}"), least));
    }
    all.truncate(usize::try_from(top).unwrap_or(usize::MAX));
    all
}

/// One entry of `logprobs.content` of a chat.
pub(crate) fn chat_entry(token: &str, top: u64) -> Value {
    let entry = |token: &str, logprob: f64| json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()});
    let mut value = entry(token, logprob(token));
    let alternatives: Vec<Value> = alternatives(token, top)
        .iter()
        .map(|(token, logprob)| entry(token, *logprob))
        .collect();
    if let Value::Object(fields) = &mut value {
        fields.insert("top_logprobs".to_owned(), Value::Array(alternatives));
    }
    value
}

/// `logprobs` of a completion, one token after the other.
#[derive(Debug, Default, Clone)]
pub(crate) struct CompletionLogprobs {
    tokens: Vec<Value>,
    token_logprobs: Vec<Value>,
    top_logprobs: Vec<Value>,
    text_offset: Vec<Value>,
}

impl CompletionLogprobs {
    /// Adds a token that stands `offset` characters into the text. The first of an echoed prompt
    /// has no probability.
    pub(crate) fn push(&mut self, token: &str, top: u64, offset: u64, known: bool) {
        self.tokens.push(json!(token));
        self.text_offset.push(json!(offset));
        if known {
            let others = alternatives(token, top);
            let others: Map<String, Value> = others
                .into_iter()
                .map(|(token, logprob)| (token, json!(logprob)))
                .collect();
            self.token_logprobs.push(json!(logprob(token)));
            self.top_logprobs.push(Value::Object(others));
        } else {
            self.token_logprobs.push(Value::Null);
            self.top_logprobs.push(Value::Null);
        }
    }

    pub(crate) fn into_json(self) -> Value {
        json!({
            "tokens": self.tokens,
            "token_logprobs": self.token_logprobs,
            "top_logprobs": self.top_logprobs,
            "text_offset": self.text_offset,
        })
    }
}
