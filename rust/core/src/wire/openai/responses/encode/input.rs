//! Writes the caller's messages as items.

use serde_json::value::RawValue;

use super::call::Calls;
use super::content::Target;
use super::item::{Open, Said, Thought, item_of};
use super::state::State;
use crate::error::Error;
use crate::json::write_string;
use crate::request::Request;
use crate::wire::body::{Body, Fields, field, fields, invalid};
use crate::wire::messages::{Input, Message, Part, not_a_message, plain};
use crate::wire::openai::responses::NAME;
use crate::wire::params::Set;
use crate::wire::providers::Provider;

/// Writes the system prompt and the input, and adds to `dropped` what was left out.
pub(super) fn write(
    body: &mut Body<'_>,
    (request, provider): (&Request<'_>, &Provider),
    (params, state): (&Set<'_>, &State),
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    let input = Input::read(request)?;
    let mut system = request.system.map(RawValue::get);
    // OpenAI looks for the word JSON in the input alone: 400 "must contain the word 'json'".
    let is_json = |raw: &str| raw.contains("\"json_object\"");
    if !params.get("response_format").is_some_and(is_json)
        && let Some(system) = system.take()
    {
        body.raw("instructions", system);
    }
    if let (Input::Prompt(prompt), None) = (&input, system) {
        body.raw("input", prompt);
        return Ok(());
    }
    // Messages are checked even if `extra_body` replaces them.
    let mut unused = Vec::new();
    let sent = body.open("input");
    let is_sent = sent.is_some();
    let mut items = Items {
        to: Target {
            provider,
            model: &request.model,
        },
        is_stateless: state.is_stateless,
        out: sent.unwrap_or(&mut unused),
        dropped: Vec::new(),
        calls: Calls::default(),
    };
    items.out.push(b'[');
    if let Some(system) = system {
        items.text("system", system);
    }
    match input {
        Input::Prompt(prompt) => items.text("user", prompt),
        Input::Messages(list) => {
            for (at, raw) in list.iter().enumerate() {
                match Message::read(at, raw)? {
                    Some(message) => items.message(message)?,
                    None if items.take_item(raw)? => {}
                    None => return Err(not_a_message(at, raw, &list)),
                }
            }
        }
    }
    items.out.push(b']');
    if is_sent {
        dropped.append(&mut items.dropped);
    }
    Ok(())
}

/// Types of content blocks and of our parts. An entry with one of them lacks the message around it.
const BLOCKS: [&str; 14] = [
    "text",
    "image",
    "image_url",
    "audio",
    "input_audio",
    "file",
    "refusal",
    "tool_call",
    "tool_result",
    "opaque",
    "input_text",
    "input_image",
    "input_file",
    "output_text",
];

/// The list of items that is being written.
struct Items<'a, 'o> {
    to: Target<'o>,
    is_stateless: bool,
    out: &'o mut Vec<u8>,
    dropped: Vec<String>,
    calls: Calls<'a>,
}

/// A message that is being written.
struct Turn<'a, 'm> {
    role: &'m str,
    /// The keys of the message that its items have.
    others: &'m [(&'m str, &'a str)],
    open: Option<Open<'a>>,
    /// Whether reasoning was left out. The server refuses an item by its id without the reasoning that led to it:
    /// 400 "was provided without its required 'reasoning' item".
    lacks_reasoning: bool,
    /// Whether one of its items has the keys of the message.
    has_message: bool,
}

impl<'a> Items<'a, '_> {
    fn separate(&mut self) {
        if self.out.last() != Some(&b'[') {
            self.out.push(b',');
        }
    }

    fn verbatim(&mut self, raw: &str) {
        self.separate();
        self.out.extend_from_slice(raw.as_bytes());
    }

    /// Writes a message with only text, which is a JSON string.
    fn text(&mut self, role: &str, text: &str) {
        self.separate();
        self.out.extend_from_slice(b"{\"role\":");
        write_string(self.out, role);
        field(self.out, "content", text);
        self.out.push(b'}');
    }

    /// Writes an entry that is an item already, as it is; false if it is not one.
    fn take_item(&mut self, raw: &'a str) -> Result<bool, Error> {
        if !raw.starts_with('{') {
            return Ok(false);
        }
        let item = fields(raw, "messages")?;
        let get = |key: &str| item.iter().find(|(name, _)| name == key).map(|it| it.1);
        let kind = get("type").map(plain).unwrap_or_default();
        let is_part = BLOCKS.contains(&&*kind) || kind == "reasoning" && get("text").is_some();
        if kind.is_empty() || is_part {
            return Ok(false);
        }
        if kind == "custom_tool_call" {
            self.calls.note_custom(get("call_id"));
        }
        self.verbatim(raw);
        Ok(true)
    }

    fn message(&mut self, mut message: Message<'a>) -> Result<(), Error> {
        let role = message.role.clone();
        let is_dict = message.parts.is_none();
        if is_dict && message.get("type").is_some() {
            // It is an item of this API.
            self.verbatim(message.raw);
            return Ok(());
        }
        let is_text = message
            .get("content")
            .is_some_and(|raw| raw.starts_with('"'));
        let is_input = matches!(&*role, "system" | "developer" | "user");
        if is_dict && is_text && is_input && message.name.is_none() {
            self.verbatim(message.raw);
            return Ok(());
        }
        let path = message.path();
        let parts = message.take_parts()?;
        let is_own = |part: &Part<'_>| part.kind.is_empty();
        if is_dict && !parts.is_empty() && parts.iter().all(is_own) && message.name.is_none() {
            self.verbatim(message.raw);
            return Ok(());
        }
        if message.name.is_some() {
            self.dropped.push(format!("{path}.name"));
        }
        let others = self.others(&path, &message.extra);
        let mut turn = Turn {
            role: &role,
            others: &others,
            open: None,
            lacks_reasoning: false,
            has_message: false,
        };
        let (results, rest): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .partition(|part| part.kind == "tool_result");
        let only_results = rest.is_empty() && !results.is_empty();
        for result in results {
            self.separate();
            self.calls.write_result(&result, self.to, self.out)?;
        }
        if only_results {
            return Ok(());
        }
        if role == "tool" {
            return Err(invalid(format!(
                "{path}: a tool message holds results; write call.result(…) or ToolResult(call_id, …)"
            )));
        }
        if rest.is_empty() && is_input {
            turn.open = Some(Open::Message(Said::new(&role, false)));
        }
        for part in &rest {
            self.part(part, &mut turn)?;
        }
        self.close(&mut turn)?;
        if !turn.has_message {
            let lost = others.iter().map(|(key, _)| format!("{path}.{key}"));
            self.dropped.extend(lost);
        }
        Ok(())
    }

    /// The keys of a message that its items can have.
    fn others<'m>(&mut self, path: &str, extra: &'m Fields<'a>) -> Vec<(&'m str, &'a str)> {
        let mut others = Vec::new();
        for (key, raw) in extra {
            match (OF_CHAT.contains(&&**key), *raw) {
                (_, "null") | (true, "[]" | "{}") => {}
                (true, _) => self.dropped.push(format!("{path}.{key}")),
                (false, raw) => others.push((&**key, raw)),
            }
        }
        others
    }

    fn part(&mut self, part: &Part<'a>, turn: &mut Turn<'a, '_>) -> Result<(), Error> {
        match &*part.kind {
            "reasoning" => self.reasoning(part, turn),
            "tool_call" => {
                self.close(turn)?;
                self.separate();
                // A call in a message of the caller's may have left its reasoning behind.
                let is_apart = self.is_stateless && part.get("provider").is_none();
                let with_id = !turn.lacks_reasoning && !is_apart;
                if self.calls.write(part, self.to, with_id, self.out)? {
                    self.dropped.push(format!("{}.extra", part.path()));
                }
                Ok(())
            }
            "opaque" => self.opaque(part, turn),
            _ => self.block(part, turn),
        }
    }

    /// Adds a content block to the message that it belongs to.
    fn block(&mut self, part: &Part<'a>, turn: &mut Turn<'a, '_>) -> Result<(), Error> {
        let is_sent = self.to.sent(part);
        let (item, continues) = if is_sent {
            item_of(part)?
        } else {
            (None, false)
        };
        if part.is_signed_text() && part.is_of_another(self.to.provider, NAME) {
            self.dropped.push(format!("{}.extra", part.path()));
        }
        let joins = matches!(&turn.open, Some(Open::Message(said)) if said.is_sent == is_sent
            && (item.is_none() || continues || said.item.is_none()));
        if !joins {
            self.close(turn)?;
            turn.open = Some(Open::Message(Said::new(turn.role, is_sent)));
        }
        let Some(Open::Message(said)) = &mut turn.open else {
            return Ok(());
        };
        if !continues {
            said.item = item.or(said.item);
        }
        let is_first = said.blocks.is_empty();
        let side = said.side;
        let start = said.next().len();
        self.to.block(part, side, &mut said.blocks)?;
        // The shortest form of a block with this text.
        said.only_text = part.get("text").filter(|text| {
            let plain = r#"{"type":"input_text","text":}"#.len() + text.len();
            is_first && part.kind == "text" && said.blocks.len() - start == plain
        });
        Ok(())
    }

    fn reasoning(&mut self, part: &Part<'a>, turn: &mut Turn<'a, '_>) -> Result<(), Error> {
        if !self.to.sent(part) {
            self.dropped.push(part.path());
            return Ok(());
        }
        let (item, continues) = item_of(part)?;
        if !(continues && matches!(turn.open, Some(Open::Reasoning(_)))) {
            self.close(turn)?;
            turn.open = Some(Open::Reasoning(Thought::new(item)));
        }
        match &mut turn.open {
            Some(Open::Reasoning(thought)) => thought.add(part),
            _ => Ok(()),
        }
    }

    fn opaque(&mut self, part: &Part<'a>, turn: &mut Turn<'a, '_>) -> Result<(), Error> {
        let place = plain(part.text("field")?);
        // It may be null.
        let found = part.fields.iter().find(|(key, _)| key == "json");
        let Some(json) = found.map(|(_, raw)| *raw) else {
            return Err(part.invalid(".json: it is missing"));
        };
        match (&*place, self.to.sent(part)) {
            ("output", true) => {
                self.close(turn)?;
                self.verbatim(json);
            }
            ("content", true) => {
                let joins = matches!(&turn.open, Some(Open::Message(said)) if said.is_sent);
                if !joins {
                    self.close(turn)?;
                    turn.open = Some(Open::Message(Said::new(turn.role, true)));
                }
                if let Some(Open::Message(said)) = &mut turn.open {
                    said.next().extend_from_slice(json.as_bytes());
                    said.only_text = None;
                }
            }
            _ if part.only_describes() => {}
            _ => self.dropped.push(part.path()),
        }
        Ok(())
    }

    /// Writes the item that is open.
    fn close(&mut self, turn: &mut Turn<'a, '_>) -> Result<(), Error> {
        let with_id = !turn.lacks_reasoning;
        match turn.open.take() {
            None => Ok(()),
            Some(Open::Message(said)) => {
                turn.has_message = true;
                self.separate();
                said.write(with_id, turn.others, self.out)
            }
            Some(Open::Reasoning(thought)) if self.is_stateless && !thought.is_whole() => {
                turn.lacks_reasoning = true;
                self.dropped.append(&mut thought.into_paths());
                Ok(())
            }
            Some(Open::Reasoning(thought)) => {
                turn.lacks_reasoning = false;
                self.separate();
                thought.write(self.out)
            }
        }
    }
}

/// Keys of a message that only Chat Completions has.
const OF_CHAT: [&str; 7] = [
    "audio",
    "annotations",
    "executed_tools",
    "parsed",
    "provider_metadata",
    "tool_call_id",
    "function_call",
];
