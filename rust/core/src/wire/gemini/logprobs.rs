//! Token probabilities, in the form in which they are kept.

use crate::json::{Error, Kind, Reader};
use crate::message::Logprobs;

/// The probabilities in a `logprobsResult`: those of the chosen tokens, each with the most likely ones in its position;
/// `None` if it lists no token.
pub(super) fn read(raw: &str) -> Result<Option<Logprobs>, Error> {
    let (mut chosen, mut top) = (None, None);
    Reader::over(raw).object_or_skip(|reader, key| {
        match key {
            "chosenCandidates" => chosen = reader.raw_or_null()?,
            "topCandidates" => top = reader.raw_or_null()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    // Both lists have an item for each position.
    let mut tops = Vec::new();
    Reader::over(top.unwrap_or("[]")).array_or_skip(|reader| {
        tops.push(reader.raw()?);
        Ok(())
    })?;
    let mut tops = tops.into_iter();
    let mut out = String::from("{\"content\":[");
    Reader::over(chosen.unwrap_or("[]")).array_or_skip(|reader| {
        let at = out.len();
        if at > "{\"content\":[".len() {
            out.push(',');
        }
        let list = tops.next();
        if token(reader, &mut out)? {
            let before = out.len();
            out.push_str(",\"top_logprobs\":[");
            if alternatives(list.unwrap_or("null"), &mut out)? {
                out.push(']');
            } else {
                out.truncate(before);
            }
            out.push('}');
        } else {
            out.truncate(at);
        }
        Ok(())
    })?;
    out.push_str("]}");
    Ok(Logprobs::of(&out))
}

/// Writes a token without its closing brace. Returns whether it was one.
fn token(reader: &mut Reader<'_>, out: &mut String) -> Result<bool, Error> {
    let (mut text, mut logprob) = (None, None);
    reader.object_or_skip(|reader, key| {
        match (key, reader.peek()?) {
            ("token", Kind::String) => text = Some(reader.raw()?),
            ("logProbability", Kind::Number) => logprob = Some(reader.number()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let Some(text) = text else {
        return Ok(false);
    };
    out.push_str("{\"token\":");
    out.push_str(text);
    if let Some(logprob) = logprob {
        out.push_str(",\"logprob\":");
        out.push_str(logprob);
    }
    Ok(true)
}

/// Writes the most likely tokens of a position. Returns whether there are any.
fn alternatives(raw: &str, out: &mut String) -> Result<bool, Error> {
    let mut any = false;
    Reader::over(raw).object_or_skip(|reader, key| {
        if key != "candidates" {
            return reader.skip();
        }
        reader.array_or_skip(|reader| {
            let at = out.len();
            if any {
                out.push(',');
            }
            if token(reader, out)? {
                out.push('}');
                any = true;
            } else {
                out.truncate(at);
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(any)
}
