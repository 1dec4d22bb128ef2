//! The events between the beginning of a reply and its end: blocks begin, grow and end.

use std::borrow::Cow;

use super::block::{self, Block, Kind};
use super::blocks::{BlockState, Growth, mark_of};
use super::call::CallState;
use super::event::{Delta, DeltaKind, Event};
use super::opaque::OpaqueState;
use super::stream::{Loss, MessagesStream, unpadded};
use crate::error::Error;
use crate::json::{Reader, SurrogateJoin, Text};
use crate::message::{ChunkKind, Extra, RawJson};
use crate::wire::parts::{PartKind, Piece};
use crate::wire::repeat::{Frame, Hole};

impl MessagesStream {
    /// A block begins.
    pub(super) fn start(
        &mut self,
        event: &Event<'_>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let raw = event.block.unwrap_or("null");
        block::check(raw, format_args!("content_block"))?;
        let Some(block) = Block::read(raw)? else {
            return Ok(());
        };
        let index = self.blocks.next_index(event.index);
        let known = self.blocks.at(index);
        if let Some(known) = known.and_then(|at| self.blocks.list.get_mut(at))
            && known.kind == block.kind
        {
            let mark = mark_of(&block);
            if known.is_open() && !known.has_grown && known.mark == mark {
                // Its beginning came twice.
                return Ok(());
            }
            if mark != 0 && known.mark == mark {
                known.growth = match &known.growth {
                    Growth::Ended => Growth::Repeated,
                    _ => return Ok(()),
                };
                return Ok(());
            }
        }
        self.begin(block, index, out)?;
        Ok(())
    }

    /// Begins a block. Returns its place.
    fn begin(
        &mut self,
        block: Block<'_>,
        index: u64,
        out: &mut Vec<ChunkKind>,
    ) -> Result<usize, Error> {
        self.end_stopped(out);
        // Its text may look like that of the block before.
        self.frame = Frame::default();
        let rank = self.blocks.rank(index, &mut self.parts)?;
        let (kind, mark) = (block.kind, mark_of(&block));
        let (number, growth) = match kind {
            Kind::Call => {
                let call = CallState::begin(Some(block), rank, &mut self.parts, out);
                (0, Growth::Call(Box::new(call)))
            }
            Kind::Other => {
                let number = self.parts.begin(rank);
                self.parts.push_opaque(number, "content", block.raw, out);
                let opaque = OpaqueState::begin(block.raw);
                (number, Growth::Opaque(Box::new(opaque)))
            }
            Kind::Text | Kind::Thinking => {
                let number = self.parts.begin(rank);
                let mut join = SurrogateJoin::default();
                let piece = Piece {
                    text: &join.push(block.text),
                    extra: block.extra,
                    signature: block.signature.map(Cow::into_owned),
                    ..Piece::default()
                };
                self.parts.push(number, part_kind(kind), piece, out);
                (number, Growth::Text(join))
            }
        };
        Ok(self.add(kind, index, number, growth, mark))
    }

    fn add(&mut self, kind: Kind, index: u64, number: u32, growth: Growth, mark: u64) -> usize {
        let at = self.blocks.add(BlockState {
            index,
            number,
            kind,
            growth,
            has_grown: false,
            mark,
        });
        if kind == Kind::Call {
            self.unended.push(at);
        }
        at
    }

    /// Adds a block that is here in full.
    pub(super) fn whole_block(
        &mut self,
        raw: &str,
        index: u64,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        block::check(raw, format_args!("content[{index}]"))?;
        let Some(block) = Block::read(raw)? else {
            return Ok(());
        };
        if block.kind == Kind::Other {
            let rank = self.blocks.rank(index, &mut self.parts)?;
            let number = self.parts.begin(rank);
            self.parts.push_opaque(number, "content", raw, out);
            self.add(Kind::Other, index, number, Growth::Ended, 0);
            return Ok(());
        }
        let at = self.begin(block, index, out)?;
        self.end_block(at, out);
        Ok(())
    }

    /// The place of the block that a delta adds to. It begins here if its beginning was lost.
    fn place(
        &mut self,
        event: &Event<'_>,
        kind: Option<Kind>,
        out: &mut Vec<ChunkKind>,
    ) -> Result<Option<usize>, Error> {
        let index = self.blocks.index(event.index);
        if let Some(at) = self.blocks.open(index, kind) {
            return Ok(Some(at));
        }
        let last = self.blocks.at(index);
        if let Some(last) = last.and_then(|at| self.blocks.list.get(at))
            && matches!(last.growth, Growth::Repeated)
        {
            return Ok(None);
        }
        let Some(kind) = kind else {
            let loss = last.map_or(Loss::Beginning, |_| Loss::Order);
            self.note_loss(loss, index);
            return Ok(None);
        };
        if self.blocks.of_kind(index, kind).is_some() {
            self.note_loss(Loss::Order, index);
        }
        if kind == Kind::Call {
            let rank = self.blocks.rank(index, &mut self.parts)?;
            let call = CallState::begin(None, rank, &mut self.parts, out);
            let growth = Growth::Call(Box::new(call));
            return Ok(Some(self.add(kind, index, 0, growth, 0)));
        }
        self.begin(Block::empty(kind), index, out).map(Some)
    }

    /// A block grows.
    pub(super) fn delta(
        &mut self,
        event: &Event<'_>,
        data: &[u8],
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        let Some(delta) = &event.delta else {
            return Ok(());
        };
        let kind = delta.kind();
        let Some(at) = self.place(event, Kind::of(kind), out)? else {
            return Ok(());
        };
        let Some(block) = self.blocks.list.get_mut(at) else {
            return Ok(());
        };
        block.has_grown = true;
        let (number, part) = (block.number, part_kind(block.kind));
        match &mut block.growth {
            Growth::Opaque(opaque) => {
                let kept = opaque.kept;
                for _ in 0..opaque.add(delta)? {
                    self.parts.count()?;
                }
                self.parts.keep(opaque.kept - kept)?;
                return Ok(());
            }
            Growth::Call(call) => {
                if let Some(text) = delta.piece(kind) {
                    call.grow(text.clone(), &mut self.parts, out);
                } else {
                    call.describe(extra_of(delta, kind)?, &mut self.parts, out);
                }
                return Ok(());
            }
            Growth::Text(join) => {
                if let Some(text) = delta.piece(kind) {
                    if let (Cow::Borrowed(body), Some(data)) = (&text.body, unpadded(data)) {
                        let text = std::iter::once((Hole::Text, *body));
                        self.frame.learn(data, text, at);
                    }
                    let piece = Piece {
                        text: &join.push(text.clone()),
                        ..Piece::default()
                    };
                    if !piece.is_empty() {
                        self.parts.push(number, part, piece, out);
                    }
                    return Ok(());
                }
            }
            Growth::Ended | Growth::Repeated => return Ok(()),
        }
        let piece = Piece {
            extra: extra_of(delta, kind)?,
            signature: delta.signature.clone().map(Cow::into_owned),
            ..Piece::default()
        };
        if kind == DeltaKind::Citation {
            self.parts.count()?;
        }
        if !piece.is_empty() {
            self.parts.push(number, part, piece, out);
        }
        Ok(())
    }

    /// A block ends.
    pub(super) fn stop(&mut self, event: &Event<'_>, out: &mut Vec<ChunkKind>) {
        self.blocks.has_stops = true;
        let index = self.blocks.index(event.index);
        if let Some(at) = self.blocks.to_stop(index) {
            self.end_block(at, out);
        } else if self.blocks.at(index).is_none() {
            self.note_loss(Loss::Beginning, index);
        }
    }

    /// Ends the block at a place.
    fn end_block(&mut self, at: usize, out: &mut Vec<ChunkKind>) {
        let Some(block) = self.blocks.list.get_mut(at) else {
            return;
        };
        let (number, part) = (block.number, part_kind(block.kind));
        match &mut block.growth {
            Growth::Text(join) => {
                if let Some(half) = join.finish() {
                    let mut text = [0; 4];
                    let piece = Piece {
                        text: half.encode_utf8(&mut text),
                        ..Piece::default()
                    };
                    self.parts.push(number, part, piece, out);
                }
            }
            Growth::Call(call) => {
                call.stop(&mut self.parts, out);
                if !call.is_closed() {
                    // What follows says whether it was cut.
                    self.stopped.push(at);
                    return;
                }
                if !call.has_name {
                    let index = block.index;
                    self.note_loss(Loss::Beginning, index);
                    return;
                }
                call.end(&mut self.parts, out);
            }
            Growth::Opaque(opaque) => {
                self.parts.free(opaque.kept);
                if opaque.has_changed() {
                    self.parts
                        .push_opaque(number, "content", &opaque.json(), out);
                }
            }
            Growth::Ended | Growth::Repeated => return,
        }
        block.growth = Growth::Ended;
    }

    /// Adds the text of an event whose frame is known. Returns whether it could.
    #[inline]
    pub(super) fn grow_known(&mut self, text: &str, at: usize, out: &mut Vec<ChunkKind>) -> bool {
        let Some(block) = self.blocks.list.get_mut(at) else {
            return false;
        };
        match &block.growth {
            Growth::Text(join) if !join.is_waiting() => {}
            _ => return false,
        }
        if !text.is_empty() {
            let piece = Piece {
                text,
                ..Piece::default()
            };
            self.parts
                .push(block.number, part_kind(block.kind), piece, out);
        }
        true
    }
}

fn part_kind(kind: Kind) -> PartKind {
    match kind {
        Kind::Thinking => PartKind::Reasoning("thinking"),
        _ => PartKind::Text,
    }
}

/// What a delta says that is not text: a citation, or members that are unknown.
fn extra_of(delta: &Delta<'_>, kind: DeltaKind) -> Result<Extra, Error> {
    let mut extra = Extra::default();
    match (kind, delta.citation) {
        (DeltaKind::Citation, Some(citation)) => {
            if let Some(list) = RawJson::read(&format!("[{citation}]")) {
                extra.push("citations", &list);
            }
        }
        (DeltaKind::Other | DeltaKind::Compaction, _) => {
            Reader::over(delta.raw).object(|reader, key| {
                let raw = reader.raw()?;
                let is_ours = matches!(key, "type" | "signature") || raw == "null";
                if let Some(json) = RawJson::read(raw).filter(|_| !is_ours) {
                    extra.push(key, &json);
                }
                Ok(())
            })?;
        }
        _ => {}
    }
    Ok(extra)
}

impl Block<'_> {
    /// A block whose beginning was lost.
    fn empty(kind: Kind) -> Self {
        Self {
            kind,
            raw: "",
            text: Text::default(),
            signature: None,
            id: None,
            name: None,
            input: None,
            extra: Extra::default(),
        }
    }
}
