//! Function calls: whole ones, and those that grow.

use std::borrow::Cow;

use super::arguments::{Arguments, Piece};
use super::event::members;
use crate::error::Error;
use crate::json::{self, Kind, Reader};
use crate::message::{Extra, RawJson, ToolCallDelta};
use crate::wire::call_id::made_up;
use crate::wire::usage_details::Details;

/// A function call as it was sent, or a piece of one.
#[derive(Debug, Default)]
pub(super) struct FunctionCall<'a> {
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    /// The arguments, as JSON text.
    args: Option<&'a str>,
    /// A list of pieces of them, as JSON text.
    pieces: Option<&'a str>,
    /// Whether more of it follows.
    continues: bool,
    /// What else it has.
    rest: Details,
}

impl<'a> FunctionCall<'a> {
    pub(super) fn read(raw: &'a str) -> Result<Self, json::Error> {
        let mut call = Self::default();
        Reader::over(raw).object_or_skip(|reader, key| {
            match (key, reader.peek()?) {
                ("id", Kind::String) => call.id = word(reader)?,
                ("name", Kind::String) => call.name = word(reader)?,
                ("args", Kind::Object) => call.args = Some(reader.raw()?),
                ("partialArgs", Kind::Array) => call.pieces = Some(reader.raw()?),
                ("willContinue", Kind::Bool) => call.continues = reader.raw()? == "true",
                ("id" | "name" | "args" | "partialArgs" | "willContinue", Kind::Null) => {
                    reader.skip()?;
                }
                _ => call.rest.push(key, reader.raw()?),
            }
            Ok(())
        })?;
        Ok(call)
    }

    /// Whether it begins nothing, and has nothing for a call that has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.id.is_none() && self.name.is_none() && self.args.is_none() && self.pieces.is_none()
    }

    pub(super) fn is_nameless(&self) -> bool {
        self.name.is_none()
    }

    /// What the part has beside the call, and the call besides what every call has.
    fn extra(&mut self, mut beside: Extra) -> Extra {
        if let Some(json) = std::mem::take(&mut self.rest).json() {
            beside.push("function", &json);
        }
        beside
    }
}

/// A call that grows.
#[derive(Debug)]
pub(super) struct GrowingCall {
    index: u32,
    id: Option<String>,
    arguments: Arguments,
}

impl GrowingCall {
    /// Whether a piece belongs to this call: its first piece has the name, and all others may have the id.
    pub(super) fn goes_on_with(&self, piece: &FunctionCall<'_>) -> bool {
        match (&piece.name, &piece.id) {
            (None, None) => true,
            (_, Some(id)) => self.id.as_deref() == Some(id),
            (Some(_), None) => false,
        }
    }

    /// Adds a piece. Returns whether the call ends with it.
    pub(super) fn add(
        &mut self,
        mut piece: FunctionCall<'_>,
        beside: Extra,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<bool, Error> {
        let extra = piece.extra(beside);
        let ends = !piece.continues;
        self.read(&piece)?;
        if ends {
            self.arguments.end();
        }
        if !extra.is_empty() {
            // The end of a call replaces what it has.
            out.push(ToolCallDelta {
                extra,
                ..self.fragment(false)
            });
        }
        let arguments = self.arguments.take();
        if ends || !arguments.is_empty() {
            out.push(ToolCallDelta {
                arguments,
                ..self.fragment(ends)
            });
        }
        Ok(ends)
    }

    fn read(&mut self, piece: &FunctionCall<'_>) -> Result<(), Error> {
        if let Some(args) = piece.args {
            self.arguments.whole(args)?;
        }
        let mut read = Ok(());
        Reader::over(piece.pieces.unwrap_or("[]")).array_or_skip(|reader| {
            let piece = Piece::read(reader)?;
            if read.is_ok() {
                read = self.arguments.piece(piece);
            }
            Ok(())
        })?;
        read
    }

    /// Ends the call, which is complete although no piece said so.
    pub(super) fn end(mut self) -> ToolCallDelta {
        self.arguments.end();
        ToolCallDelta {
            arguments: self.arguments.take(),
            ..self.fragment(true)
        }
    }

    /// A fragment that adds nothing.
    fn fragment(&self, ends: bool) -> ToolCallDelta {
        ToolCallDelta {
            index: self.index,
            ends: Some(ends),
            ..ToolCallDelta::default()
        }
    }
}

/// Begins a call. Returns it if it grows.
pub(super) fn begin(
    mut call: FunctionCall<'_>,
    beside: Extra,
    index: u32,
    out: &mut Vec<ToolCallDelta>,
) -> Result<Option<Box<GrowingCall>>, Error> {
    let extra = call.extra(beside);
    let id = call.id.as_deref().map(str::to_owned);
    let first = ToolCallDelta {
        index,
        id: Some(id.clone().unwrap_or_else(made_up)),
        name: call.name.as_deref().map(str::to_owned),
        extra,
        ..ToolCallDelta::default()
    };
    if !call.continues && call.pieces.is_none() {
        out.push(ToolCallDelta {
            // A function without parameters has none.
            arguments: call.args.unwrap_or("{}").to_owned(),
            ends: Some(true),
            ..first
        });
        return Ok(None);
    }
    let mut growing = Box::new(GrowingCall {
        index,
        id,
        arguments: Arguments::default(),
    });
    let read = growing.read(&call);
    if !call.continues {
        growing.arguments.end();
    }
    out.push(ToolCallDelta {
        arguments: growing.arguments.take(),
        ends: Some(!call.continues),
        ..first
    });
    read?;
    Ok(call.continues.then_some(growing))
}

/// What a part has besides the keys that are `known`. Nulls are left out.
pub(super) fn beside(raw: &str, known: &[&str]) -> Result<Extra, json::Error> {
    let mut extra = Extra::default();
    members(raw, |key, raw| {
        if !known.contains(&key)
            && let Some(json) = RawJson::read(raw)
        {
            extra.push(key, &json);
        }
    })?;
    Ok(extra)
}

/// A string that is not empty.
fn word<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, json::Error> {
    let text = reader.string()?.into_lossy();
    Ok(Some(text).filter(|text| !text.is_empty()))
}
