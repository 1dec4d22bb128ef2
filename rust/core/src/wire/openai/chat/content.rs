//! Content that is a list of blocks: Mistral's `text` and `thinking`, and all other kinds.

use std::borrow::Cow;

use crate::json::{Error, Kind, Reader, Text};
use crate::message::{Extra, RawJson};

/// A block of a content list.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// Text for the user, and what else the block has.
    Text(Text<'a>, Extra),
    /// Reasoning and its signature, and what else the block has.
    Thinking(Text<'a>, Option<String>, Extra),
    /// A refusal, and what else the block has.
    Refusal(Text<'a>, Extra),
    /// A block of an unknown kind, as sent.
    Other(&'a str),
}

impl Block<'_> {
    /// Whether it has keys that we do not know.
    pub(super) fn has_extra(&self) -> bool {
        match self {
            Self::Text(_, extra) | Self::Thinking(_, _, extra) | Self::Refusal(_, extra) => {
                !extra.is_empty()
            }
            Self::Other(_) => false,
        }
    }
}

/// Passes each block of a content list, or the only one, to `take`.
pub(super) fn blocks<'a>(raw: &'a str, mut take: impl FnMut(Block<'a>)) -> Result<(), Error> {
    if raw.starts_with('{') {
        block(raw)?.into_iter().for_each(take);
        return Ok(());
    }
    Reader::over(raw).array_or_skip(|reader| {
        if reader.peek()? == Kind::String {
            take(Block::Text(reader.string()?, Extra::default()));
        } else if let Some(block) = block(reader.raw()?)? {
            take(block);
        }
        Ok(())
    })?;
    Ok(())
}

fn block(raw: &str) -> Result<Option<Block<'_>>, Error> {
    let mut kind = Cow::Borrowed("");
    let (mut text, mut refusal, mut thinking, mut signature) = (None, None, None, None);
    let mut extra = Extra::default();
    let known = Reader::over(raw).object_or_skip(|reader, key| {
        match key {
            "type" => {
                kind = reader.string_or_skip()?.unwrap_or_default().into_lossy();
            }
            "text" => text = reader.string_or_skip()?,
            "refusal" => refusal = reader.string_or_skip()?,
            "thinking" => thinking = Some(thought(reader, &mut extra)?),
            "signature" => {
                signature = reader
                    .string_or_skip()?
                    .map(|text| text.into_lossy().into_owned());
            }
            // The place of a block in a stream.
            "index" => reader.skip()?,
            key => {
                let raw = reader.raw()?;
                if !is_blank(raw)
                    && let Some(json) = RawJson::read(raw)
                {
                    extra.push(key, &json);
                }
            }
        }
        Ok(())
    })?;
    // A block without its text may be anything.
    let has_text = |text: &Text<'_>| !text.is_empty() || extra.is_empty();
    Ok(match (&*kind, text, thinking, refusal) {
        ("text" | "", Some(text), _, _) if has_text(&text) => Some(Block::Text(text, extra)),
        ("thinking", _, Some(thinking), _) => Some(Block::Thinking(thinking, signature, extra)),
        ("refusal", _, _, Some(refusal)) if has_text(&refusal) => {
            Some(Block::Refusal(refusal, extra))
        }
        _ if !known || is_blank(raw) => None,
        _ => Some(Block::Other(raw)),
    })
}

/// A string, or a list of blocks. One with other blocks than text is also kept as it is.
fn thought<'a>(reader: &mut Reader<'a>, extra: &mut Extra) -> Result<Text<'a>, Error> {
    if reader.peek()? == Kind::String {
        return reader.string();
    }
    let raw = reader.raw()?;
    let mut is_text = true;
    Reader::over(raw).array_or_skip(|reader| {
        let is_object = reader.object_or_skip(|reader, key| {
            match key {
                "type" => {
                    let kind = reader.string_or_skip()?;
                    is_text &= kind.is_some_and(|kind| kind.body == "text");
                }
                "text" => reader.skip()?,
                _ => {
                    is_text = false;
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        is_text &= is_object;
        Ok(())
    })?;
    if !is_text && let Some(json) = RawJson::read(raw) {
        extra.push("thinking", &json);
    }
    text_of_details(raw)
}

/// The reasoning in `reasoning_details`.
pub(super) fn text_of_details(raw: &str) -> Result<Text<'_>, Error> {
    text_of_blocks(&mut Reader::over(raw))
}

/// The texts of a list of blocks, joined. A block has its text in `text`, or else in `summary`.
fn text_of_blocks<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, Error> {
    let mut whole = Text::default();
    reader.array_or_skip(|reader| {
        let (mut text, mut summary) = (None, None);
        reader.object_or_skip(|reader, key| {
            match key {
                "text" => text = reader.string_or_skip()?,
                "summary" => summary = reader.string_or_skip()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        let text = text.filter(|text| !text.is_empty());
        if let Some(piece) = text.or(summary) {
            whole = std::mem::take(&mut whole).followed_by(piece);
        }
        Ok(())
    })?;
    Ok(whole)
}

/// Whether a value says nothing: null and empty values mean the same as an absent one.
pub(super) fn is_blank(raw: &str) -> bool {
    let mut bytes = raw.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let (first, second, third) = (bytes.next(), bytes.next(), bytes.next());
    raw == "null"
        || matches!(
            (first, second, third),
            (Some(b'"'), Some(b'"'), None)
                | (Some(b'['), Some(b']'), None)
                | (Some(b'{'), Some(b'}'), None)
        )
}
