//! Reads token probabilities, in the form of chat and in that of text completions.

use crate::json::{Error, Kind, Reader};
use crate::message::{TokenLogprob, TopLogprob};

/// Reads the `logprobs` of a choice; `None` if they list no token.
///
/// Chat: `{content: [{token, logprob, bytes, top_logprobs}], refusal: [the same]}`. Text completions:
/// `{tokens, token_logprobs, top_logprobs, text_offset}`, four lists of one length.
pub(super) fn read(raw: &str) -> Result<Option<Vec<TokenLogprob>>, Error> {
    let mut tokens = Vec::new();
    let mut columns = Columns::default();
    Reader::over(raw).object_or_skip(|reader, key| {
        match key {
            "content" | "refusal" | "reasoning_content" => {
                let skipped = key == "reasoning_content";
                reader.array_or_skip(|reader| {
                    let token = entry(reader, true)?;
                    if !skipped {
                        tokens.extend(token);
                    }
                    Ok(())
                })?;
            }
            "tokens" => columns.tokens = list(reader, text)?,
            "token_logprobs" => columns.logprobs = list(reader, number)?,
            "text_offset" => columns.offsets = list(reader, Reader::count_or_skip)?,
            "top_logprobs" => columns.tops = list(reader, |reader| by_token(reader).map(Some))?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    // A server that has both forms lists the same tokens twice.
    if tokens.is_empty() {
        tokens.extend(columns.into_tokens());
    }
    Ok((!tokens.is_empty()).then_some(tokens))
}

#[derive(Default)]
struct Columns {
    tokens: Vec<Option<String>>,
    logprobs: Vec<Option<f64>>,
    offsets: Vec<Option<u64>>,
    tops: Vec<Option<Vec<TopLogprob>>>,
}

impl Columns {
    fn into_tokens(self) -> impl Iterator<Item = TokenLogprob> {
        let mut logprobs = self.logprobs.into_iter();
        let mut offsets = self.offsets.into_iter();
        let mut tops = self.tops.into_iter();
        self.tokens.into_iter().map(move |token| TokenLogprob {
            token: token.unwrap_or_default(),
            logprob: logprobs.next().flatten(),
            bytes: None,
            top: tops.next().flatten().unwrap_or_default(),
            text_offset: offsets.next().flatten(),
        })
    }
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<Option<T>, Error>,
) -> Result<Vec<Option<T>>, Error> {
    let mut items = Vec::new();
    reader.array_or_skip(|reader| {
        items.push(read(reader)?);
        Ok(())
    })?;
    Ok(items)
}

/// One token. Only an `outer` one may list the most likely tokens in its position.
fn entry(reader: &mut Reader<'_>, outer: bool) -> Result<Option<TokenLogprob>, Error> {
    let (mut token, mut logprob, mut bytes, mut top) = (None, None, None, Vec::new());
    let known = reader.object_or_skip(|reader, key| {
        match key {
            "token" => token = text(reader)?,
            "logprob" => logprob = number(reader)?,
            "bytes" => bytes = octets(reader)?,
            "top_logprobs" if outer => {
                top.clear();
                reader.array_or_skip(|reader| {
                    top.extend(entry(reader, false)?);
                    Ok(())
                })?;
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let as_top = |entry: TokenLogprob| {
        Some(TopLogprob {
            token: entry.token,
            logprob: entry.logprob?,
            bytes: entry.bytes,
        })
    };
    Ok(known.then(|| TokenLogprob {
        token: token.unwrap_or_default(),
        logprob,
        bytes,
        top: top.into_iter().filter_map(as_top).collect(),
        text_offset: None,
    }))
}

/// Reads `{token: logprob}` of text completions.
fn by_token(reader: &mut Reader<'_>) -> Result<Vec<TopLogprob>, Error> {
    let mut top = Vec::new();
    reader.object_or_skip(|reader, key| {
        if let Some(logprob) = number(reader)? {
            top.push(TopLogprob {
                token: key.to_owned(),
                logprob,
                bytes: None,
            });
        }
        Ok(())
    })?;
    Ok(top)
}

fn octets(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Error> {
    if reader.peek()? != Kind::Array {
        reader.skip()?;
        return Ok(None);
    }
    let bytes = list(reader, Reader::count_or_skip)?;
    Ok(bytes
        .into_iter()
        .map(|byte| u8::try_from(byte?).ok())
        .collect())
}

fn text(reader: &mut Reader<'_>) -> Result<Option<String>, Error> {
    Ok(reader
        .string_or_skip()?
        .map(|text| text.into_lossy().into_owned()))
}

/// Reads a number. Fails if it is too large for a float.
fn number(reader: &mut Reader<'_>) -> Result<Option<f64>, Error> {
    if reader.peek()? != Kind::Number {
        reader.skip()?;
        return Ok(None);
    }
    let offset = reader.offset();
    match reader.number()?.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        _ => Err(Error {
            offset,
            what: "the number is out of range",
        }),
    }
}
