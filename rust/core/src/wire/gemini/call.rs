//! Function calls: whole ones, and those that grow.

use std::borrow::Cow;

use super::arguments::{Arguments, Piece};
use super::event::members;
use crate::error::{Error, ErrorKind};
use crate::json::{self, Kind, Reader, is_complete};
use crate::message::{Extra, RawJson, ToolCallDelta};
use crate::wire::call_id::made_up;
use crate::wire::usage_details::Details;

/// How many calls of a candidate may grow at the same time.
const MOST_GROWING: usize = 128;

/// A function call as it was sent, or a piece of one.
#[derive(Debug, Default)]
pub(super) struct FunctionCall<'a> {
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    /// The arguments: the JSON text of an object, or whatever was sent instead of one.
    args: Option<Cow<'a, str>>,
    pieces: Pieces<'a>,
    /// Whether more of it follows.
    continues: bool,
    /// What else it has.
    rest: Details,
}

/// Pieces of arguments.
#[derive(Debug, Default)]
enum Pieces<'a> {
    #[default]
    None,
    /// Nearly every event has one.
    One(Piece<'a>),
    /// A list, as JSON text.
    List(&'a str),
}

impl<'a> FunctionCall<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, json::Error> {
        let mut call = Self::default();
        reader.object(|reader, key| {
            match (key, reader.peek()?) {
                ("id" | "name" | "args" | "partialArgs" | "willContinue", Kind::Null) => {
                    reader.skip()?;
                }
                ("id", Kind::String) => call.id = word(reader)?,
                ("name", Kind::String) => call.name = word(reader)?,
                ("args", Kind::String) => call.args = word(reader)?,
                ("args", _) => call.args = Some(reader.raw()?.into()),
                ("partialArgs", Kind::Array) => call.pieces = Pieces::read(reader)?,
                ("willContinue", Kind::Bool) => call.continues = reader.raw()? == "true",
                _ => call.rest.push(key, reader.raw()?),
            }
            Ok(())
        })?;
        Ok(call)
    }

    /// Whether it begins nothing, and has nothing for a call that has begun.
    fn is_empty(&self) -> bool {
        self.id.is_none() && self.name.is_none() && self.args.is_none() && self.has_no_pieces()
    }

    fn has_no_pieces(&self) -> bool {
        matches!(self.pieces, Pieces::None)
    }

    /// The arguments of a call that is here in full.
    fn whole(&self) -> Option<&str> {
        let is_whole = !self.continues && self.has_no_pieces();
        self.args.as_deref().filter(|_| is_whole)
    }

    /// What the part has beside the call, and the call besides what every call has.
    fn extra(&mut self, mut beside: Extra) -> Extra {
        if let Some(json) = std::mem::take(&mut self.rest).json() {
            beside.push("function", &json);
        }
        beside
    }
}

impl<'a> Pieces<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, json::Error> {
        let mut pieces = Self::List("[]");
        let mut count = 0;
        let start = reader.offset();
        reader.array(|reader| {
            count += 1;
            if count > 1 {
                return reader.skip();
            }
            pieces = Self::One(Piece::read(reader)?);
            Ok(())
        })?;
        if count > 1 {
            pieces = Self::List(reader.since(start));
        }
        Ok(pieces)
    }
}

/// The calls of a candidate.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// How many have begun.
    pub(super) begun: u32,
    /// Those that grow. The last one had the last piece.
    growing: Vec<GrowingCall>,
    /// The one that grew and ended, if no other has begun since.
    ended: Option<Box<GrowingCall>>,
    /// Whether one began without a name, so that its beginning was lost.
    pub(super) is_nameless: bool,
}

impl Calls {
    /// Reads a call or a piece of one. `beside` is what its part has beside it.
    pub(super) fn read(
        &mut self,
        mut call: FunctionCall<'_>,
        beside: Extra,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<(), Error> {
        if let Some(at) = self.place_of(&call) {
            let mut growing = self.growing.remove(at);
            if growing.add(call, beside, out)? {
                self.ended = Some(Box::new(growing));
            } else {
                self.growing.push(growing);
            }
            return Ok(());
        }
        if call.is_empty() {
            return Ok(());
        }
        if let Some(ended) = &mut self.ended
            && ended.is_repeated_by(&call, false)
        {
            ended.note(call.extra(beside), out);
            return Ok(());
        }
        self.ended = None;
        if call.name.is_none() {
            self.is_nameless = true;
        } else {
            // Nothing would say of a piece that it belongs to one without an id.
            self.end_those(|it| it.id.is_none(), out);
        }
        if self.growing.len() >= MOST_GROWING {
            let message = format!("more than {MOST_GROWING} tool calls grow at the same time");
            return Err(Error::new(ErrorKind::ResponseTooLarge, message));
        }
        let index = self.begun;
        self.begun += 1;
        let continues = call.continues;
        let grown = begin(call, beside, index, out)?;
        if continues {
            self.growing.extend(grown);
        } else {
            self.ended = grown.map(Box::new);
        }
        Ok(())
    }

    /// Where the growing call is that a piece belongs to: the first piece has the name, and all others may have the id.
    fn place_of(&self, piece: &FunctionCall<'_>) -> Option<usize> {
        if let Some(id) = &piece.id {
            let is_named = |it: &GrowingCall| {
                piece.name.is_none() || it.name.as_deref() == piece.name.as_deref()
            };
            let is_it = |it: &GrowingCall| it.id.as_deref() == Some(id) && is_named(it);
            return self.growing.iter().rposition(is_it);
        }
        let last = self.growing.last()?;
        let goes_on = piece.name.is_none() || last.is_repeated_by(piece, true);
        goes_on.then(|| self.growing.len() - 1)
    }

    /// Ends those that grow: they are complete, although no piece said so.
    pub(super) fn end(&mut self, out: &mut Vec<ToolCallDelta>) {
        // The pieces of one whose beginning was lost may be any call's.
        if !self.is_nameless {
            self.end_those(|_| true, out);
        }
    }

    fn end_those(&mut self, which: impl Fn(&GrowingCall) -> bool, out: &mut Vec<ToolCallDelta>) {
        let before = out.len();
        self.growing.retain_mut(|growing| {
            let ends = which(growing);
            if ends {
                out.push(growing.end());
            }
            !ends
        });
        if let Some(ended) = out.get_mut(before..) {
            ended.sort_by_key(|it| it.index);
        }
    }
}

/// A call that grows.
#[derive(Debug)]
struct GrowingCall {
    index: u32,
    id: Option<String>,
    name: Option<String>,
    arguments: Arguments,
    /// What the last piece that had any had beside it.
    extra: Extra,
}

impl GrowingCall {
    /// Whether this is the whole of a call of which the pieces have come, and which may still grow.
    fn is_repeated_by(&self, call: &FunctionCall<'_>, may_grow: bool) -> bool {
        let is_named = |name| self.name.as_deref() == Some(name);
        let has_id = |id| self.id.as_deref() == Some(id);
        call.whole().is_some_and(|args| {
            call.name.as_deref().is_none_or(is_named)
                && call.id.as_deref().is_none_or(has_id)
                && self.arguments.begins(args, may_grow)
        })
    }

    /// Passes on what a piece has beside it. Each piece may have the same.
    fn note(&mut self, extra: Extra, out: &mut Vec<ToolCallDelta>) {
        if extra.is_empty() || extra == self.extra {
            return;
        }
        self.extra.clone_from(&extra);
        // The end of a call would replace what it has.
        out.push(ToolCallDelta {
            extra,
            ..self.fragment(false)
        });
    }

    /// Adds a piece. Returns whether the call ends with it.
    fn add(
        &mut self,
        mut piece: FunctionCall<'_>,
        beside: Extra,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<bool, Error> {
        let extra = piece.extra(beside);
        let ends = !piece.continues;
        self.read(piece)?;
        if ends {
            self.arguments.end();
        }
        self.note(extra, out);
        let arguments = self.arguments.take();
        if ends || !arguments.is_empty() {
            out.push(ToolCallDelta {
                arguments,
                ..self.fragment(ends)
            });
        }
        Ok(ends)
    }

    fn read(&mut self, piece: FunctionCall<'_>) -> Result<(), Error> {
        if let Some(args) = &piece.args {
            if !is_object(args) {
                let message = "the arguments of a tool call that comes in pieces are not an object";
                return Err(Error::new(ErrorKind::Decode, message));
            }
            let ends = piece.whole().is_some();
            self.arguments.whole(args, ends)?;
        }
        match piece.pieces {
            Pieces::None => Ok(()),
            Pieces::One(piece) => self.arguments.piece(piece),
            Pieces::List(raw) => {
                let mut read = Ok(());
                Reader::over(raw).array_or_skip(|reader| {
                    let piece = Piece::read(reader)?;
                    if read.is_ok() {
                        read = self.arguments.piece(piece);
                    }
                    Ok(())
                })?;
                read
            }
        }
    }

    /// Ends the call, which is complete although no piece said so.
    fn end(&mut self) -> ToolCallDelta {
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

/// Begins a call. Returns it if it comes in pieces.
fn begin(
    mut call: FunctionCall<'_>,
    beside: Extra,
    index: u32,
    out: &mut Vec<ToolCallDelta>,
) -> Result<Option<GrowingCall>, Error> {
    let extra = call.extra(beside);
    let id = call.id.as_deref().map(str::to_owned);
    let name = call.name.as_deref().map(str::to_owned);
    let first = ToolCallDelta {
        index,
        id: Some(id.clone().unwrap_or_else(made_up)),
        name: name.clone(),
        extra,
        ..ToolCallDelta::default()
    };
    if !call.continues && call.has_no_pieces() {
        out.push(ToolCallDelta {
            // A function without parameters has none.
            arguments: call.args.map_or_else(|| "{}".to_owned(), Cow::into_owned),
            ends: Some(true),
            ..first
        });
        return Ok(None);
    }
    let mut growing = GrowingCall {
        index,
        id,
        name,
        arguments: Arguments::default(),
        extra: first.extra.clone(),
    };
    let continues = call.continues;
    let read = growing.read(call);
    if !continues {
        growing.arguments.end();
    }
    out.push(ToolCallDelta {
        arguments: growing.arguments.take(),
        ends: Some(!continues),
        ..first
    });
    read?;
    Ok(Some(growing))
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

/// Whether the text is one JSON object.
fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{') && is_complete(text.as_bytes())
}
