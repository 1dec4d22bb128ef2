//! The parts of a message.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::extra::{Extra, RawJson};
use super::reply::ToolCall;

/// One part of a reply's message. The parts are in the order in which they arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "PartFields")]
pub enum Part {
    /// Text for the user.
    Text {
        /// The text.
        text: String,
        /// What else its block has.
        #[serde(skip_serializing_if = "Extra::is_empty")]
        extra: Extra,
    },
    /// The model's reasoning.
    Reasoning {
        /// The text; empty if there was only a signature.
        text: String,
        /// The provider's signature over it. It has to be sent back.
        signature: Option<String>,
        /// The message key it was in, such as `reasoning_content`. It is sent back in the same one.
        field: Option<String>,
        /// What else its block has.
        #[serde(skip_serializing_if = "Extra::is_empty")]
        extra: Extra,
    },
    /// A refusal.
    Refusal {
        /// The text.
        text: String,
        /// What else its block has.
        #[serde(skip_serializing_if = "Extra::is_empty")]
        extra: Extra,
    },
    /// A tool call.
    ToolCall(ToolCall),
    /// A block that only the provider understands, kept verbatim.
    Opaque {
        /// The message key it was in.
        field: String,
        /// The JSON value as sent.
        json: RawJson,
    },
}

/// The fields that a part may have. serde reads a tagged enum through a tree, which cannot keep JSON text as it was
/// sent, so a [`Part`] is read from its keys instead. Unknown ones are kept.
#[derive(Deserialize)]
struct PartFields(BTreeMap<String, RawJson>);

impl PartFields {
    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, String> {
        let Some(json) = self.0.remove(key) else {
            return Ok(None);
        };
        serde_json::from_str(json.get()).map_err(|error| format!("{key}: {error}"))
    }
}

impl TryFrom<PartFields> for Part {
    type Error = String;

    fn try_from(mut fields: PartFields) -> Result<Self, String> {
        let kind: String = fields.take("type")?.unwrap_or_default();
        let lacking = || format!("a {kind} part lacks one of its fields");
        let mut part = match &*kind {
            "text" => Self::Text {
                text: fields.take("text")?.ok_or_else(lacking)?,
                extra: Extra::default(),
            },
            "refusal" => Self::Refusal {
                text: fields.take("text")?.ok_or_else(lacking)?,
                extra: Extra::default(),
            },
            "reasoning" => Self::Reasoning {
                text: fields.take("text")?.ok_or_else(lacking)?,
                signature: fields.take("signature")?,
                field: fields.take("field")?,
                extra: Extra::default(),
            },
            "tool_call" => Self::ToolCall(ToolCall {
                id: fields.take("id")?,
                name: fields.take("name")?.ok_or_else(lacking)?,
                arguments: fields.take("arguments")?.ok_or_else(lacking)?,
                extra: Extra::default(),
            }),
            "opaque" => Self::Opaque {
                field: fields.take("field")?.ok_or_else(lacking)?,
                json: fields.0.remove("json").ok_or_else(lacking)?,
            },
            _ => return Err(format!("`{kind}` is not a type of part")),
        };
        if let Some(extra) = part.extra_mut() {
            // A message notes who sent its parts; a reply knows.
            fields.0.remove("provider");
            fields.0.remove("api");
            *extra = fields.take("extra")?.unwrap_or_default();
            for (key, json) in &fields.0 {
                extra.push(key, json);
            }
            extra.settle();
        }
        Ok(part)
    }
}

impl Part {
    /// What else it came with.
    pub(super) fn extra_mut(&mut self) -> Option<&mut Extra> {
        match self {
            Self::Text { extra, .. }
            | Self::Refusal { extra, .. }
            | Self::Reasoning { extra, .. }
            | Self::ToolCall(ToolCall { extra, .. }) => Some(extra),
            Self::Opaque { .. } => None,
        }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let (text, extra) = match self {
            Self::Text { text, extra }
            | Self::Reasoning { text, extra, .. }
            | Self::Refusal { text, extra } => (text.len(), extra),
            Self::ToolCall(call) => (call.arguments.len() + call.name.len(), &call.extra),
            Self::Opaque { json, .. } => return size_of::<Self>() + json.get().len(),
        };
        size_of::<Self>() + text + extra.bytes()
    }
}
