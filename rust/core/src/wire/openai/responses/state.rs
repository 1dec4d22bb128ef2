//! What a stream has to remember of one item, and how it begins and ends.

use super::block::BlockState;
use super::call::CallState;
use super::head::Head;
use super::item::{Block, BlockKind, Item, Kind, List};
use super::said::hash;
use crate::error::Error;
use crate::message::{ChunkKind, Extra, RawJson};
use crate::places::Places;
use crate::wire::parts::Parts;

/// Among how many blocks that came the one is looked for that the end of an item has.
const NEAR: usize = 8;

/// What a stream has to remember of one item.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether something was seen, in any order"
)]
pub(super) struct ItemState {
    pub(super) kind: Kind,
    /// Its place in the output, and how many items began before it.
    pub(super) order: u32,
    number: u16,
    /// A hash of its id.
    pub(super) id: Option<u64>,
    /// A hash of the id of its call.
    pub(super) call_id: Option<u64>,
    head: Head,
    blocks: Vec<BlockState>,
    /// The places of the blocks that events may go on with.
    places: Places<(List, u64)>,
    /// Whether any block is not opaque.
    has_first: bool,
    call: Option<Box<CallState>>,
    /// Whether the signature of its reasoning came.
    is_signed: bool,
    /// Whether all of it came.
    pub(super) has_ended: bool,
    /// Whether it is a message that ended with nothing in it.
    is_bare: bool,
    /// Whether the terminal event repeated it.
    pub(super) is_repeated: bool,
}

impl ItemState {
    pub(super) fn new(kind: Kind, order: u32, number: u16, id: Option<u64>) -> Self {
        Self {
            kind,
            order,
            number,
            id,
            call_id: None,
            head: Head::default(),
            blocks: Vec::new(),
            places: Places::None,
            has_first: false,
            call: None,
            is_signed: false,
            has_ended: false,
            is_bare: false,
            is_repeated: false,
        }
    }

    /// Whether this item, which begins at the same place, is another one of its kind.
    pub(super) fn is_another(&self, item: &Item<'_>) -> bool {
        let call_id = item.call_id.as_deref().map(hash);
        if call_id.is_some() && self.call_id.is_some() {
            return call_id != self.call_id;
        }
        let id = item.id.as_deref().map(hash);
        id.is_some() && self.id.is_some() && id != self.id
    }

    /// Whether anything of it was passed on.
    pub(super) fn has_begun(&self) -> bool {
        self.call.is_some() || !self.blocks.is_empty()
    }

    /// Notes what the item has besides its blocks.
    fn note(&mut self, item: &Item<'_>, parts: &mut Parts) -> Result<(), Error> {
        if let Some(id) = &item.id {
            self.id = Some(hash(id));
        }
        self.head.note(item, parts)
    }

    /// Where a block belongs among all parts of the reply.
    fn rank(&self, list: List, index: u64) -> u64 {
        // Two items that have one place in the output keep the order in which they began.
        let item = u64::from(self.order) << 31 | (u64::from(self.number) + 1) << 16;
        let list = u64::from(list == List::Content) << 15;
        item | list | index.min(0x7fff)
    }

    /// The place of a block, which begins if it has not yet; see [`Self::begin_block`].
    pub(super) fn place(
        &mut self,
        list: List,
        index: u64,
        kind: BlockKind,
        more: &Extra,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<usize, Error> {
        let known = self.places.get(&(list, index));
        // Nothing may be lost because a block is announced as another one.
        if let Some(place) = known.filter(|&at| self.block(at, kind).is_some()) {
            return Ok(place);
        }
        self.begin_block(list, index, kind, more, parts, out)
    }

    /// The block at a place, if it is of this kind.
    pub(super) fn block(&mut self, at: usize, kind: BlockKind) -> Option<&mut BlockState> {
        self.blocks.get_mut(at).filter(|block| block.kind == kind)
    }

    /// The block at a place, if it can take a piece of text as it is.
    #[inline]
    pub(super) fn plain_block(&mut self, at: usize) -> Option<&mut BlockState> {
        let block = self.blocks.get_mut(at)?;
        (!self.has_ended && !block.is_waiting()).then_some(block)
    }

    /// Begins a block, which has `more` besides its text. Returns its place.
    fn begin_block(
        &mut self,
        list: List,
        index: u64,
        kind: BlockKind,
        more: &Extra,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<usize, Error> {
        if let [bare] = self.blocks.as_mut_slice()
            && bare.list == List::Bare
        {
            // The part that stood for the item is that of its first block.
            bare.turn_into(list, more, parts, out);
            self.places.set((list, index), 0);
            return Ok(0);
        }
        parts.count()?;
        let is_first = !self.has_first;
        self.has_first |= kind != BlockKind::Other;
        let mut block = BlockState::new(list, kind, is_first, self.rank(list, index), parts);
        if kind != BlockKind::Other {
            let mut extra = self.head.extra(is_first, parts)?;
            extra.append(more);
            block.describe(extra, false, parts, out);
        }
        let at = self.blocks.len();
        if at == 0 {
            // Most items have one block.
            self.blocks.reserve_exact(1);
        }
        self.places.set((list, index), at);
        self.blocks.push(block);
        Ok(at)
    }

    /// Ends the block at a place, which is here in full.
    pub(super) fn end_block(
        &mut self,
        at: usize,
        whole: Block<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if let Some(is_first) = self.blocks.get(at).map(|block| block.is_first) {
            let extra = self.head.extra(is_first, parts)?;
            if let Some(block) = self.block(at, whole.kind) {
                block.end(whole, extra, parts, out);
            }
        }
        Ok(())
    }

    /// The call, which begins if it has not yet.
    pub(super) fn call(
        &mut self,
        item: Option<&Item<'_>>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<&mut CallState, Error> {
        if self.call.is_none() {
            let (extra, rank) = (self.call_extra(parts)?, self.rank(List::Bare, 0));
            self.call = Some(Box::new(CallState::begin(item, extra, rank, parts, out)));
        }
        #[allow(clippy::unwrap_used, reason = "it has just been set")]
        Ok(self.call.as_mut().unwrap())
    }

    fn call_extra(&self, parts: &mut Parts) -> Result<Extra, Error> {
        let mut extra = self.head.extra(true, parts)?;
        if self.kind == Kind::Custom
            && let Some(object) = RawJson::read("{}")
        {
            extra.push("custom", &object);
        }
        Ok(extra)
    }

    /// Begins the item. One that is one part of the reply from its beginning to its end gets its place here.
    pub(super) fn begin(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        self.note(item, parts)?;
        match self.kind {
            Kind::Call | Kind::Custom => {
                self.call(Some(item), parts, out)?;
            }
            Kind::Reasoning => self.begin_bare(BlockKind::Reasoning, parts, out)?,
            Kind::Other => self.end_opaque(item, parts, out)?,
            Kind::Message => {}
        }
        Ok(())
    }

    /// Begins a block that is not in the item's lists, if there is no other: the item has one part, at least.
    fn begin_bare(
        &mut self,
        kind: BlockKind,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if self.blocks.is_empty() {
            self.begin_block(List::Bare, 0, kind, &Extra::default(), parts, out)?;
        }
        Ok(())
    }

    /// Passes on an item that only the provider understands, as it is now.
    fn end_opaque(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        self.begin_bare(BlockKind::Other, parts, out)?;
        if let Some(block) = self.blocks.first_mut() {
            block.end_opaque("output", item.raw, parts, out);
        }
        Ok(())
    }

    /// Ends the item, which is here in full.
    pub(super) fn end(
        &mut self,
        item: Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        self.note(&item, parts)?;
        match self.kind {
            Kind::Call | Kind::Custom => {
                let extra = self.call_extra(parts)?;
                self.call(Some(&item), parts, out)?
                    .end(item, extra, parts, out);
            }
            Kind::Other => self.end_opaque(&item, parts, out)?,
            Kind::Message => {
                self.end_blocks(&item, parts, out)?;
                self.is_bare = self.blocks.is_empty();
                if self.is_bare {
                    self.end_opaque(&item, parts, out)?;
                }
            }
            Kind::Reasoning => {
                self.end_blocks(&item, parts, out)?;
                self.begin_bare(BlockKind::Reasoning, parts, out)?;
                self.sign(&item, parts, out);
            }
        }
        self.close(parts);
        Ok(())
    }

    fn end_blocks(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        // The indices of events may begin at 1, but their order is that of the list.
        let known = |list| {
            let places = self.blocks.iter().enumerate();
            let places = places.filter(move |(_, block)| block.list == list);
            places.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (summary, content) = (known(List::Summary), known(List::Content));
        let (mut summary, mut content) = (&*summary, &*content);
        let mut is_repeated = self.blocks.is_empty();
        item.blocks(|list, place, whole| {
            let known = match list {
                List::Summary => &mut summary,
                _ => &mut content,
            };
            let mut near = known.iter().take(NEAR);
            let found = near.position(|&at| self.block(at, whole.kind).is_some());
            let at = match found.and_then(|found| known.split_at_checked(found)?.1.split_first()) {
                Some((&at, rest)) => {
                    *known = rest;
                    at
                }
                None => self.begin_block(list, place, whole.kind, &whole.extra, parts, out)?,
            };
            is_repeated |= at == 0;
            self.end_block(at, whole, parts, out)
        })?;
        if !is_repeated {
            // Its text stays as it is, but what it has of the item is new.
            let extra = self.head.extra(true, parts)?;
            if let Some(block) = self.blocks.first_mut() {
                let ends = block.list == List::Bare;
                block.describe(extra, ends, parts, out);
            }
        }
        Ok(())
    }

    /// Passes on the encrypted reasoning, if it has not come yet.
    fn sign(&mut self, item: &Item<'_>, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if let Some(encrypted) = item.encrypted.as_deref().filter(|_| !self.is_signed)
            && let Some(block) = self.blocks.last()
        {
            self.is_signed = true;
            block.sign(encrypted.to_owned(), parts, out);
        }
    }

    /// Adds what the terminal event has beyond an item that has ended.
    pub(super) fn repeat(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if self.kind == Kind::Reasoning {
            self.sign(item, parts, out);
        } else if self.is_bare {
            self.note(item, parts)?;
            self.end_blocks(item, parts, out)?;
            self.close(parts);
        }
        Ok(())
    }

    /// Ends an item that is in no event in full. `is_complete` says whether the reply is.
    pub(super) fn leave(&mut self, is_complete: bool, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if let Some(call) = &mut self.call {
            call.leave(is_complete, parts, out);
        }
        for block in &mut self.blocks {
            block.leave(parts, out);
        }
        self.close(parts);
    }

    /// Nothing of the item follows but a signature, which is that of the last part.
    fn close(&mut self, parts: &mut Parts) {
        self.has_ended = true;
        self.head.free(parts);
        (self.places, self.call) = (Places::None, None);
        if self.kind == Kind::Reasoning && !self.is_signed {
            let keep = self.blocks.len().saturating_sub(1);
            self.blocks.drain(..keep);
        } else {
            self.blocks = Vec::new();
        }
    }
}
