//! What a request asks for, in whichever API it came.

use serde_json::Value;

use super::hash::{fnv, fnv_from};

/// What is read from a request before anything is said.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) model: &'a str,
    /// How many choices to each prompt.
    pub(crate) n: u64,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) ledger_id: String,
    /// The JSON that the reply has to be; `None` allows any text.
    pub(crate) shape: Option<Shape<'a>>,
    /// `None` where the API knows no tools: not even a script can call one.
    pub(crate) tools: Option<Tools<'a>>,
}

/// Which JSON the reply has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    Object,
    Schema(&'a Value),
}

/// The tools of a request.
#[derive(Debug)]
pub(crate) struct Tools<'a> {
    /// What the id of a call begins with.
    pub(crate) id_prefix: &'static str,
    /// Those that the model `sim-tools` is to call.
    pub(crate) wanted: Vec<Tool<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool<'a> {
    pub(crate) name: &'a str,
    /// The schema of its arguments.
    pub(crate) parameters: Option<&'a Value>,
}

/// One prompt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompt {
    /// The last of its texts.
    pub(crate) text: String,
    pub(crate) tokens: u64,
    pub(crate) hash: u64,
}

impl Prompt {
    /// A prompt without text; `salt` sets equal texts of different APIs apart.
    pub(crate) fn new(salt: &[u8]) -> Self {
        Self {
            hash: fnv(salt),
            ..Self::default()
        }
    }

    /// Adds a text, and counts its words as tokens.
    pub(crate) fn push(&mut self, text: &str) {
        self.tokens += text.split_whitespace().count() as u64;
        self.mix(text.as_bytes());
        text.clone_into(&mut self.text);
    }

    /// Lets bytes that are not text, such as a role, change what is said.
    pub(crate) fn mix(&mut self, bytes: &[u8]) {
        self.hash = fnv_from(self.hash, bytes);
    }
}

/// The id of the ledger's stream: `given`, else the last word of the last prompt; without the
/// characters that part a ledger token.
pub(crate) fn ledger_id(given: Option<&str>, prompts: &[Prompt]) -> String {
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
