//! What a request asks for, in whichever API it was made.

use serde_json::Value;

use crate::hash::{fnv, fnv_from};

/// The model whose made-up replies are sentences.
pub(crate) const TALKER: &str = "chat";

/// The models that call tools without being made to.
const CALLERS: [&str; 2] = [TALKER, "sim-tools"];

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) model: &'a str,
    /// How many choices for each prompt.
    pub(crate) n: u64,
    pub(crate) max_tokens: Option<u64>,
    /// Whether a made-up text is as long as `max_tokens` allows. An API that demands a limit says
    /// nothing about a length by it.
    pub(crate) fills: bool,
    pub(crate) stop: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) ledger_id: String,
    /// The JSON that the reply must be; `None` allows any text.
    pub(crate) json: Option<String>,
    /// `None` if the API has no tools, so that not even a script can call one.
    pub(crate) tools: Option<Tools<'a>>,
    /// Whether a made-up text is sentences, and not words of a certain number.
    pub(crate) talks: bool,
    /// The results of tools that the request ends with.
    pub(crate) results: Vec<Answered<'a>>,
    /// The reasoning of a made-up reply.
    pub(crate) reasoning: Option<String>,
}

/// The tools of a request.
#[derive(Debug)]
pub(crate) struct Tools<'a> {
    /// The prefix of a call's id.
    pub(crate) id_prefix: &'static str,
    /// Those that are called.
    pub(crate) wanted: Vec<Tool<'a>>,
}

/// Whether tools are called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    None,
    Auto,
    Required,
}

/// Whether the model calls tools without being made to.
pub(crate) fn calls_by_itself(model: &str) -> bool {
    CALLERS.contains(&model)
}

/// The result of a call.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    /// The tool's name, if the request says it.
    pub(crate) name: Option<&'a str>,
    pub(crate) text: String,
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
    /// A prompt without text. `salt` makes equal texts of different APIs differ.
    pub(crate) fn new(salt: &[u8]) -> Self {
        Self {
            hash: fnv(salt),
            ..Self::default()
        }
    }

    /// Adds a text and counts its words as tokens.
    pub(crate) fn push(&mut self, text: &str) {
        self.tokens += text.split_whitespace().count() as u64;
        self.mix(text.as_bytes());
        text.clone_into(&mut self.text);
    }

    /// Makes the reply depend on bytes that are not text, such as a role.
    pub(crate) fn mix(&mut self, bytes: &[u8]) {
        self.hash = fnv_from(self.hash, bytes);
    }
}

/// The id of the ledger's stream: the name in the request, otherwise the last word of the last
/// prompt. The characters that separate ledger tokens are replaced.
pub(crate) fn ledger_id(name: Option<&str>, prompts: &[Prompt]) -> String {
    let last_word = || prompts.last()?.text.split_whitespace().next_back();
    let id = name.or_else(last_word).unwrap_or("stream");
    id.replace(
        |c: char| c.is_whitespace() || c.is_control() || c == ':',
        "_",
    )
}
