//! What a provider takes back of the reasoning in its replies. Its row in `providers` says which of these it is.

use std::borrow::Cow;

/// What goes back of the reasoning in an assistant message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReasoningBack {
    /// Nothing.
    Never,
    /// What this provider sent, in the fields in which it came. A message that the caller wrote stays as it is.
    AsSent,
    /// The text, in the field of this name and in no other.
    Field {
        /// The name of the field.
        name: Cow<'static, str>,
        /// Which messages have it.
        needed: Needed,
    },
    /// The `thinking` blocks of its content, in their positions.
    Blocks,
}

/// Which assistant messages have reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// Those that came with some.
    No,
    /// Those that came with some, for the model that sent it and for models that are known to reason. Others refuse it.
    IfTheModelReasons,
    /// Also those that call tools, if only as an empty text.
    WithToolCalls,
    /// All of them, if only as an empty text.
    Always,
}

/// Parts of the names of models that reason, where other models of the same provider refuse reasoning.
///
/// Sources: console.groq.com/docs/reasoning, inference-docs.cerebras.ai/capabilities/reasoning.
const REASONS: [&str; 8] = [
    "gpt-oss",
    "qwen3",
    "qwen-3",
    "qwq",
    "glm",
    "deepseek-r1",
    "thinking",
    "reason",
];

/// Parts of the names of models in such families that do not reason.
const DOES_NOT: [&str; 3] = ["instruct", "coder", "non-reasoning"];

/// Parts of the names of models that need their reasoning back, wherever they are served.
const NEED_IT: [&str; 4] = ["deepseek", "kimi", "glm-", "minimax"];

impl ReasoningBack {
    /// The field of this name.
    #[must_use]
    pub(super) fn field(name: &'static str, needed: Needed) -> Self {
        Self::Field {
            name: name.into(),
            needed,
        }
    }

    /// What `word` stands for: `never`, `as_sent`, `blocks`, or the name of a field.
    #[must_use]
    pub fn named(word: String) -> Self {
        match &*word {
            "never" => Self::Never,
            "as_sent" => Self::AsSent,
            "blocks" => Self::Blocks,
            _ => Self::Field {
                name: word.into(),
                needed: Needed::No,
            },
        }
    }

    /// The word for [`Self::named`].
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Never => "never",
            Self::AsSent => "as_sent",
            Self::Blocks => "blocks",
            Self::Field { name, .. } => name,
        }
    }

    /// What goes back to this model.
    #[must_use]
    pub(super) fn to_model(&self, model: &str) -> Cow<'_, Self> {
        let is = |names: &[&str]| {
            let model = model.to_ascii_lowercase();
            names.iter().any(|name| model.contains(name))
        };
        match self {
            // The address is that of a gateway.
            Self::Never if is(&NEED_IT) => Cow::Owned(Self::AsSent),
            Self::Field { name, needed } => {
                let needed = match needed {
                    Needed::IfTheModelReasons if is(&REASONS) && !is(&DOES_NOT) => Needed::No,
                    Needed::No if is(&["deepseek"]) => Needed::Always,
                    Needed::No if is(&["kimi"]) => Needed::WithToolCalls,
                    _ => return Cow::Borrowed(self),
                };
                Cow::Owned(Self::Field {
                    name: name.clone(),
                    needed,
                })
            }
            _ => Cow::Borrowed(self),
        }
    }
}
