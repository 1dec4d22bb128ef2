//! What the model says, as blocks.

use serde_json::Value;

use crate::hash::checksum;
use crate::reply::choice::{Call, Choice};
use crate::reply::json::write_string;
use crate::reply::sealed::seal;
use crate::script::Reply;

use super::tools::ID_PREFIX;

/// How signatures, and the data of hidden thinking, begin.
pub(super) const SEAL: &str = "EqQB";

/// Length of the checksum at the end of an id.
const MARK: usize = 8;

/// A block of a reply, in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Thinking,
    Text,
    /// The call of this number.
    Call(usize),
}

/// What a reply consists of.
#[derive(Debug)]
pub(super) struct Content {
    /// What is said. Its text has not been drawn.
    pub(super) choice: Choice,
    pub(super) slots: Vec<Slot>,
    /// The text of the thinking.
    thought: String,
    is_redacted: bool,
    /// What the signature of thinking without text is made from.
    seed: u64,
}

impl Content {
    /// `choice` must be without its refusal, which is not content.
    pub(super) fn new(mut choice: Choice, reply: &Reply, seed: u64) -> Self {
        let thought = choice.reasoning.concat();
        let is_redacted = reply.reasoning_field.as_deref() == Some("redacted");
        if is_redacted {
            // It has no pieces.
            choice.reasoning.clear();
        }
        if choice.has_reasoning {
            let scripted = |at: usize| reply.tool_calls.get(at).and_then(|call| call.id.as_ref());
            for (at, call) in choice.calls.iter_mut().enumerate() {
                if scripted(at).is_none() {
                    mark(&mut call.id);
                }
            }
        }
        let mut slots = Vec::new();
        slots.extend(choice.has_reasoning.then_some(Slot::Thinking));
        slots.extend((choice.content.len > 0).then_some(Slot::Text));
        slots.extend((0..choice.calls.len()).map(Slot::Call));
        Self {
            choice,
            slots,
            thought,
            is_redacted,
            seed,
        }
    }

    /// All blocks, as a JSON list.
    pub(super) fn list(&self) -> String {
        let blocks: Vec<String> = self.slots.iter().map(|slot| self.block(*slot)).collect();
        format!("[{}]", blocks.join(","))
    }

    /// The number of the block.
    pub(super) fn index(&self, slot: Slot) -> usize {
        let mut slots = self.slots.iter();
        slots.position(|other| *other == slot).unwrap_or(0)
    }

    /// The block, complete.
    fn block(&self, slot: Slot) -> String {
        match slot {
            Slot::Thinking => self.thinking(&self.thought, &self.signature()),
            Slot::Text => text_block(&self.choice.content.clone().text()),
            Slot::Call(at) => self.call(at, |call| input(&call.arguments)),
        }
    }

    /// The block as it is when it begins.
    pub(super) fn begun(&self, slot: Slot) -> String {
        match slot {
            Slot::Thinking => self.thinking("", ""),
            Slot::Text => text_block(""),
            Slot::Call(at) => self.call(at, |_| "{}".to_owned()),
        }
    }

    /// Whether the thinking is sent in pieces, and then signed.
    pub(super) fn is_signed(&self, slot: Slot) -> bool {
        slot == Slot::Thinking && !self.is_redacted
    }

    pub(super) fn signature(&self) -> String {
        if self.thought.is_empty() {
            seal(SEAL, &format!("{:x}", self.seed))
        } else {
            seal(SEAL, &self.thought)
        }
    }

    fn thinking(&self, text: &str, signature: &str) -> String {
        if self.is_redacted {
            let data = self.signature();
            return format!("{{\"type\":\"redacted_thinking\",\"data\":\"{data}\"}}");
        }
        let text = Value::from(text);
        format!("{{\"type\":\"thinking\",\"thinking\":{text},\"signature\":\"{signature}\"}}")
    }

    fn call(&self, at: usize, input: impl Fn(&Call) -> String) -> String {
        let Some(call) = self.choice.calls.get(at) else {
            return String::new();
        };
        let (id, name) = (Value::from(&*call.id), Value::from(&*call.name));
        let input = input(call);
        format!("{{\"type\":\"tool_use\",\"id\":{id},\"name\":{name},\"input\":{input}}}")
    }
}

fn text_block(text: &str) -> String {
    let mut block = b"{\"type\":\"text\",\"text\":".to_vec();
    write_string(&mut block, text);
    block.push(b'}');
    String::from_utf8(block).unwrap_or_default()
}

/// Arguments as the JSON of `input`. Anything but an object is sent as a string.
fn input(arguments: &str) -> String {
    match serde_json::from_str::<Value>(arguments) {
        Ok(Value::Object(_)) => arguments.to_owned(),
        _ if arguments.trim().is_empty() => "{}".to_owned(),
        _ => Value::from(arguments).to_string(),
    }
}

/// Marks the id of a call that follows thinking, so that it is known when it comes back.
fn mark(id: &mut String) {
    let at = id.len().saturating_sub(MARK);
    if id.is_char_boundary(at) {
        id.truncate(at);
        *id += &checksum(id);
    }
}

/// Whether the call of this id followed thinking.
pub(super) fn follows_thinking(id: &str) -> bool {
    let parts = id.split_at_checked(id.len().saturating_sub(MARK));
    id.starts_with(ID_PREFIX) && parts.is_some_and(|(start, mark)| mark == checksum(start))
}

#[cfg(test)]
mod tests {
    use super::{follows_thinking, input, mark};

    #[test]
    fn only_a_marked_id_follows_thinking() {
        let mut id = "toolu_01abcdefghijkmnpqrstuvwxyz".to_owned();
        assert!(!follows_thinking(&id));
        let length = id.len();
        mark(&mut id);
        assert_eq!(id.len(), length);
        assert!(follows_thinking(&id));
        assert!(!follows_thinking(""));
        assert!(!follows_thinking("call_1"));
    }

    #[test]
    fn arguments_become_an_object_where_they_are_one() {
        for (arguments, expected) in [
            ("{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}"),
            ("", "{}"),
            ("{\"a\":", "\"{\\\"a\\\":\""),
            ("[1]", "\"[1]\""),
        ] {
            assert_eq!(input(arguments), expected);
        }
    }
}
