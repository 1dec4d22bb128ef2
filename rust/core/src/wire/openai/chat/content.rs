//! Content that is a list of blocks: Mistral's `text` and `thinking`, and all other kinds.

use std::borrow::Cow;

use crate::json::{Error, Kind, Reader, Text};

/// A block of a content list.
#[derive(Debug)]
pub(super) enum Block<'a> {
    /// Text for the user.
    Text(Text<'a>),
    /// Reasoning and its signature.
    Thinking(Text<'a>, Option<String>),
    /// A refusal.
    Refusal(Text<'a>),
    /// A block of an unknown kind, as sent.
    Other(&'a str),
}

/// Passes each block of a content list to `take`.
pub(super) fn blocks<'a>(raw: &'a str, mut take: impl FnMut(Block<'a>)) -> Result<(), Error> {
    Reader::over(raw).array_or_skip(|reader| {
        if reader.peek()? == Kind::String {
            take(Block::Text(reader.string()?));
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
    let known = Reader::over(raw).object_or_skip(|reader, key| {
        match key {
            "type" => {
                kind = reader.string_or_skip()?.unwrap_or_default().into_lossy();
            }
            "text" => text = reader.string_or_skip()?,
            "refusal" => refusal = reader.string_or_skip()?,
            "thinking" => thinking = Some(thought(reader)?),
            "signature" => {
                signature = reader
                    .string_or_skip()?
                    .map(|text| text.into_lossy().into_owned());
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(match (&*kind, text, thinking, refusal) {
        ("text" | "", Some(text), _, _) => Some(Block::Text(text)),
        ("thinking", _, Some(thinking), _) => Some(Block::Thinking(thinking, signature)),
        ("refusal", _, _, Some(refusal)) => Some(Block::Refusal(refusal)),
        _ if !known || is_blank(raw) => None,
        _ => Some(Block::Other(raw)),
    })
}

/// A string, or a list of text blocks.
fn thought<'a>(reader: &mut Reader<'a>) -> Result<Text<'a>, Error> {
    if reader.peek()? == Kind::String {
        return reader.string();
    }
    text_of_blocks(reader, &["text"])
}

/// The strings under these names in a list of objects, joined.
pub(super) fn text_of_blocks<'a>(
    reader: &mut Reader<'a>,
    names: &[&str],
) -> Result<Text<'a>, Error> {
    let mut whole = Text::default();
    reader.array_or_skip(|reader| {
        reader.object_or_skip(|reader, key| {
            if names.contains(&key) {
                if let Some(piece) = reader.string_or_skip()? {
                    whole = std::mem::take(&mut whole).followed_by(piece);
                }
                return Ok(());
            }
            reader.skip()
        })?;
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
