//! Token probabilities: kept as the text that the server wrote, and read when they are needed.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reply::{TokenLogprob, TopLogprob};
use crate::json::{Error, Kind, Reader, write_string};

/// The probabilities of a list of tokens. As text they take a third of the memory that they take as values, or far
/// less if a server leaves out most fields.
///
/// The text is one JSON object after another, in the form of chat or in that of text completions. Chat: `{content:
/// [{token, logprob, bytes, top_logprobs}], refusal: [the same]}`. Text completions: `{tokens, token_logprobs,
/// top_logprobs, text_offset}`, four lists of one length.
#[derive(Debug, Clone, Default)]
pub struct Logprobs(String);

impl Logprobs {
    /// The `logprobs` of a choice, which are valid JSON; `None` if they list no token.
    #[must_use]
    pub(crate) fn of(raw: &str) -> Option<Self> {
        has_token(raw).then(|| Self(raw.to_owned()))
    }

    /// Adds the tokens of `next`.
    pub(super) fn push(&mut self, next: &Self) {
        self.0.push_str(&next.0);
    }

    /// How many bytes they take.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Reads the tokens.
    #[must_use]
    pub fn tokens(&self) -> Vec<TokenLogprob> {
        let mut tokens = Vec::new();
        let mut reader = Reader::over(&self.0);
        // The text was checked when it arrived, so it can only end.
        while reader.peek().is_ok() && read(&mut reader, &mut tokens).is_ok() {}
        tokens
    }
}

impl From<Vec<TokenLogprob>> for Logprobs {
    fn from(tokens: Vec<TokenLogprob>) -> Self {
        let mut out = Vec::new();
        out.extend_from_slice(b"{\"content\":[");
        for (at, token) in tokens.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write(
                &mut out,
                &token.token,
                token.logprob,
                token.bytes.as_deref(),
            );
            if let Some(offset) = token.text_offset {
                out.extend_from_slice(format!(",\"text_offset\":{offset}").as_bytes());
            }
            out.extend_from_slice(b",\"top_logprobs\":[");
            for (at, top) in token.top.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(
                    &mut out,
                    &top.token,
                    Some(top.logprob),
                    top.bytes.as_deref(),
                );
                out.push(b'}');
            }
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(b"]}");
        Self(String::from_utf8_lossy(&out).into_owned())
    }
}

/// Writes a token without its closing brace.
fn write(out: &mut Vec<u8>, token: &str, logprob: Option<f64>, bytes: Option<&[u8]>) {
    out.extend_from_slice(b"{\"token\":");
    write_string(out, token);
    if let Some(logprob) = logprob {
        let logprob = match serde_json::Number::from_f64(logprob) {
            Some(finite) => finite.to_string(),
            // As Python writes them.
            None if logprob.is_nan() => "NaN".to_owned(),
            None if logprob > 0.0 => "Infinity".to_owned(),
            None => "-Infinity".to_owned(),
        };
        out.extend_from_slice(format!(",\"logprob\":{logprob}").as_bytes());
    }
    if let Some(bytes) = bytes {
        out.extend_from_slice(format!(",\"bytes\":{bytes:?}").as_bytes());
    }
}

impl PartialEq for Logprobs {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.tokens() == other.tokens()
    }
}

impl Serialize for Logprobs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.tokens().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Logprobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

/// Whether there is any token. Stops at the first one.
fn has_token(raw: &str) -> bool {
    let mut found = false;
    let stop = Error {
        offset: 0,
        what: "there is a token",
    };
    let _ = Reader::over(raw).object_or_skip(|reader, key| {
        let in_objects = match key {
            "content" | "refusal" => true,
            "tokens" => false,
            _ => return reader.skip(),
        };
        reader.array_or_skip(|reader| {
            found = !in_objects || reader.peek()? == Kind::Object;
            if found { Err(stop) } else { reader.skip() }
        })?;
        Ok(())
    });
    found
}

/// Reads the tokens of one object.
fn read(reader: &mut Reader<'_>, tokens: &mut Vec<TokenLogprob>) -> Result<(), Error> {
    let mut columns = Columns::default();
    let before = tokens.len();
    reader.object_or_skip(|reader, key| {
        match key {
            "content" | "refusal" => {
                reader.array_or_skip(|reader| {
                    tokens.extend(entry(reader, true)?);
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
    if tokens.len() == before {
        tokens.extend(columns.into_tokens());
    }
    Ok(())
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
    let (mut token, mut logprob, mut bytes, mut offset) = (None, None, None, None);
    let mut top = Vec::new();
    let known = reader.object_or_skip(|reader, key| {
        match key {
            "token" => token = text(reader)?,
            "logprob" => logprob = number(reader)?,
            "bytes" => bytes = octets(reader)?,
            "text_offset" => offset = reader.count_or_skip()?,
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
        text_offset: offset,
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

/// Reads a number. One that is too large for a float is infinite, as in Python.
fn number(reader: &mut Reader<'_>) -> Result<Option<f64>, Error> {
    if reader.peek()? != Kind::Number {
        reader.skip()?;
        return Ok(None);
    }
    Ok(reader.number()?.parse().ok())
}
