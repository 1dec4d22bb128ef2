//! The JSON of an item, and of a block in one.

use std::borrow::Cow;

use super::event::word;
use crate::json::{Error, Kind as Json, Reader, Text, push_string};
use crate::message::{Extra, RawJson};

type Result<T> = std::result::Result<T, Error>;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    /// A call of a function.
    Call,
    /// A call of a custom tool, whose input is text.
    Custom,
    /// What only the provider understands.
    Other,
}

impl Kind {
    /// The keys that a part has anyway, or that are blocks.
    fn known(self) -> &'static [&'static str] {
        match self {
            Self::Message => &["type", "content"],
            Self::Reasoning => &["type", "summary", "content", "encrypted_content"],
            Self::Call => &["type", "call_id", "name", "arguments"],
            Self::Custom => &["type", "call_id", "name", "input"],
            Self::Other => &[],
        }
    }
}

/// An item as it was sent.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) kind: Kind,
    pub(super) raw: &'a str,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) call_id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    /// The arguments of a call, or its input.
    pub(super) arguments: Text<'a>,
    /// Whether they were an object, which was never a text.
    pub(super) is_object: bool,
    /// Whether the model was stopped in the middle of it.
    pub(super) is_cut: bool,
    pub(super) summary: Option<&'a str>,
    pub(super) content: Option<&'a str>,
    pub(super) encrypted: Option<Cow<'a, str>>,
}

impl<'a> Item<'a> {
    /// Reads an item; `None` if it is not an object.
    pub(super) fn read(raw: &'a str) -> Result<Option<Self>> {
        let mut kind = None;
        let mut role = None;
        let mut item = Self {
            kind: Kind::Other,
            raw,
            id: None,
            call_id: None,
            name: None,
            arguments: Text::default(),
            is_object: false,
            is_cut: false,
            summary: None,
            content: None,
            encrypted: None,
        };
        let found = Reader::over(raw).object_or_skip(|reader, key| {
            match key {
                "type" => kind = word(reader)?,
                "role" => role = word(reader)?,
                "id" => item.id = word(reader)?,
                "call_id" => item.call_id = word(reader)?,
                "name" => item.name = word(reader)?,
                "arguments" | "input" => {
                    item.is_object = reader.peek()? == Json::Object;
                    item.arguments = match reader.peek()? {
                        Json::String => reader.string()?,
                        // Some servers send an object instead of its text.
                        _ => Text::plain(reader.raw_or_null()?.unwrap_or_default()),
                    };
                }
                "status" => item.is_cut = word(reader)?.is_some_and(|word| word == "incomplete"),
                "summary" => item.summary = reader.raw_or_null()?,
                "content" => item.content = reader.raw_or_null()?,
                "encrypted_content" => item.encrypted = word(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        item.kind = match kind.as_deref() {
            Some("message") => Kind::Message,
            None if role.is_some() => Kind::Message,
            Some("reasoning") => Kind::Reasoning,
            Some("function_call") => Kind::Call,
            Some("custom_tool_call") => Kind::Custom,
            _ => Kind::Other,
        };
        Ok(found.then_some(item))
    }

    /// What the item has besides its blocks and what its parts have anyway, as a JSON object.
    pub(super) fn head(&self) -> Result<String> {
        let mut head = String::from("{");
        let known = self.kind.known();
        Reader::over(self.raw).object(|reader, key| {
            let raw = reader.raw()?;
            let is_ours = self.kind == Kind::Message && key == "role" && raw == "\"assistant\"";
            if !known.contains(&key) && !is_ours {
                if head.len() > 1 {
                    head.push(',');
                }
                push_string(&mut head, key);
                head.push(':');
                head.push_str(raw);
            }
            Ok(())
        })?;
        head.push('}');
        Ok(head)
    }

    /// Passes each block of its lists to `take`, in the order of a reasoning item: the summary first.
    pub(super) fn blocks(
        &self,
        mut take: impl FnMut(List, u64, Block<'a>) -> std::result::Result<(), crate::error::Error>,
    ) -> std::result::Result<(), crate::error::Error> {
        let lists = [(List::Summary, self.summary), (List::Content, self.content)];
        for (list, raw) in lists {
            let Some(raw) = raw.filter(|_| list == List::Content || self.kind == Kind::Reasoning)
            else {
                continue;
            };
            let mut reader = Reader::over(raw);
            if raw.starts_with('"') {
                // The short form of a message.
                take(list, 0, Block::of_text(reader.string()?))?;
                continue;
            }
            let mut failed = Ok(());
            let mut place = 0;
            reader.array_or_skip(|reader| {
                let block = Block::read(reader.raw()?, self.kind)?;
                if failed.is_ok() {
                    failed = take(list, place, block);
                }
                place += 1;
                Ok(())
            })?;
            failed?;
        }
        Ok(())
    }
}

/// Which list of its item a block is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Content,
    Summary,
    /// The one part of a reasoning item without blocks.
    Bare,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Text,
    Refusal,
    Reasoning,
    Other,
}

/// A block as it was sent.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) kind: BlockKind,
    pub(super) raw: &'a str,
    pub(super) text: Text<'a>,
    /// The list of its tokens, if it has any.
    pub(super) logprobs: Option<&'a str>,
    /// What else it has.
    pub(super) extra: Extra,
    /// How many annotations are in `extra`.
    pub(super) annotations: usize,
}

impl<'a> Block<'a> {
    fn of_text(text: Text<'a>) -> Self {
        Self {
            kind: BlockKind::Text,
            raw: "",
            text,
            logprobs: None,
            extra: Extra::default(),
            annotations: 0,
        }
    }

    /// Reads a block of an item of this kind.
    pub(super) fn read(raw: &'a str, item: Kind) -> Result<Self> {
        let mut block = Self {
            raw,
            ..Self::of_text(Text::default())
        };
        let (mut kind, mut text, mut refusal) = (None, None, None);
        Reader::over(raw).object_or_skip(|reader, key| {
            match key {
                "type" => kind = word(reader)?,
                "text" => text = reader.string_or_skip()?,
                "refusal" if reader.peek()? == Json::String => refusal = Some(reader.string()?),
                "logprobs" => block.logprobs = list(reader.raw()?),
                key => {
                    let raw = reader.raw()?;
                    if key == "annotations" {
                        Reader::over(raw).array_or_skip(|reader| {
                            block.annotations += 1;
                            reader.skip()
                        })?;
                    }
                    if let Some(json) = RawJson::read(raw) {
                        block.extra.push(key, &json);
                    }
                }
            }
            Ok(())
        })?;
        block.kind = match (item, kind.as_deref()) {
            (Kind::Reasoning, _) if raw.starts_with('{') => BlockKind::Reasoning,
            (_, Some("output_text" | "text")) => BlockKind::Text,
            (_, Some("refusal")) => BlockKind::Refusal,
            _ => BlockKind::Other,
        };
        block.text = match block.kind {
            BlockKind::Refusal => refusal.or(text),
            _ => text,
        }
        .unwrap_or_default();
        Ok(block)
    }
}

/// A list, unless it is empty.
pub(super) fn list(raw: &str) -> Option<&str> {
    let inside = raw.strip_prefix('[')?.trim_ascii_start();
    (!inside.starts_with(']')).then_some(raw)
}
