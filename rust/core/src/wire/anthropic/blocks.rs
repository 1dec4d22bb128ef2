//! Finds the block that an event is about.

use super::block::{Block, Kind};
use super::call::CallState;
use super::event::DeltaKind;
use super::opaque::OpaqueState;
use crate::error::Error;
use crate::json::SurrogateJoin;
use crate::places::Places;
use crate::wire::parts::Parts;

/// The blocks that have begun, in their order.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub(super) list: Vec<BlockState>,
    /// The last block at each of the server's indices.
    by_index: Places<u64>,
    /// The last block of each kind there.
    by_kind: Places<(u64, u8)>,
    lowest: Option<u64>,
    highest: u64,
    /// How many indices there are.
    indices: u64,
    /// Whether the server says where blocks end.
    pub(super) has_stops: bool,
}

/// What a stream has to remember of one block.
#[derive(Debug)]
pub(super) struct BlockState {
    pub(super) index: u64,
    /// The number of its part.
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) growth: Growth,
    /// Whether anything came after its beginning.
    pub(super) has_grown: bool,
    /// A hash of what another block of its kind does not begin with; 0 if there is no such thing.
    pub(super) mark: u64,
}

/// What may follow in a block.
#[derive(Debug)]
pub(super) enum Growth {
    /// More text, or more of what was thought.
    Text(SurrogateJoin),
    Call(Box<CallState>),
    Opaque(Box<OpaqueState>),
    Ended,
    /// A repetition.
    Repeated,
}

impl BlockState {
    /// Whether it may grow.
    pub(super) fn is_open(&self) -> bool {
        match &self.growth {
            Growth::Text(_) | Growth::Opaque(_) => true,
            Growth::Call(call) => !call.has_stopped,
            Growth::Ended | Growth::Repeated => false,
        }
    }
}

impl Kind {
    /// The kind of block that a delta adds to; `None` if any may be meant.
    pub(super) fn of(delta: DeltaKind) -> Option<Self> {
        match delta {
            DeltaKind::Text | DeltaKind::Citation => Some(Self::Text),
            DeltaKind::Thinking | DeltaKind::Signature => Some(Self::Thinking),
            DeltaKind::Input => Some(Self::Call),
            DeltaKind::Compaction | DeltaKind::Other => None,
        }
    }
}

/// What a block of its kind alone begins with: the id of a call, and all that an unknown one has.
pub(super) fn mark_of(block: &Block<'_>) -> u64 {
    match block.kind {
        Kind::Call => block.id.as_deref().map_or(0, hash),
        Kind::Other => hash(block.raw),
        Kind::Text | Kind::Thinking => 0,
    }
}

/// FNV-1a, which no one has to be able to trust: a server that makes two of its blocks collide loses one of them.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

impl Blocks {
    /// The index of an event, or else that of the block that began last.
    pub(super) fn index(&self, index: Option<u64>) -> u64 {
        let last = || self.list.last().map(|block| block.index);
        index.or_else(last).unwrap_or(0)
    }

    /// The index of a block that begins, or else the next one.
    pub(super) fn next_index(&self, index: Option<u64>) -> u64 {
        let next = || self.lowest.map(|_| self.highest.saturating_add(1));
        index.or_else(next).unwrap_or(0)
    }

    /// The place of the last block at an index.
    pub(super) fn at(&self, index: u64) -> Option<usize> {
        self.by_index.get(&index)
    }

    /// The place of the open block at an index that a delta for this kind adds to.
    pub(super) fn open(&self, index: u64, kind: Option<Kind>) -> Option<usize> {
        let is_open = |&at: &usize| self.list.get(at).is_some_and(BlockState::is_open);
        let last = self.at(index).filter(is_open);
        let fits = |&at: &usize| {
            let block = self.list.get(at);
            block.is_some_and(|block| {
                block.kind == Kind::Other || kind.is_none_or(|kind| block.kind == kind)
            })
        };
        // A server that does not say where blocks begin may give one index to two kinds.
        last.filter(fits)
            .or_else(|| self.of_kind(index, kind?).filter(is_open))
    }

    /// The place of the block that the end of one at an index is about.
    pub(super) fn to_stop(&self, index: u64) -> Option<usize> {
        let kinds = [Kind::Text, Kind::Thinking, Kind::Call, Kind::Other];
        let mut others = kinds.into_iter();
        self.open(index, None)
            .or_else(|| others.find_map(|kind| self.open(index, Some(kind))))
    }

    /// The place of the last block of a kind at an index.
    pub(super) fn of_kind(&self, index: u64, kind: Kind) -> Option<usize> {
        self.by_kind.get(&(index, kind as u8))
    }

    /// Adds a block. Returns its place.
    pub(super) fn add(&mut self, block: BlockState) -> usize {
        let at = self.list.len();
        let index = block.index;
        if self.by_index.get(&index).is_none() {
            self.indices += 1;
        }
        self.by_index.set(index, at);
        self.by_kind.set((index, block.kind as u8), at);
        self.lowest = Some(self.lowest.map_or(index, |lowest| lowest.min(index)));
        self.highest = self.highest.max(index);
        if at == 0 {
            // Most replies have one block.
            self.list.reserve_exact(1);
        }
        self.list.push(block);
        at
    }

    /// Counts a block that begins. Returns where it belongs among all parts of the reply.
    pub(super) fn rank(&self, index: u64, parts: &mut Parts) -> Result<u64, Error> {
        parts.count()?;
        // Two blocks with one index keep the order in which they began. There are fewer than 2^16.
        let index = index.min(u64::from(u32::MAX)) + 1;
        Ok(index << 16 | self.list.len() as u64)
    }

    /// Whether an index was left out, so that a block is missing. Some servers count from 1.
    pub(super) fn has_hole(&self) -> bool {
        self.lowest.is_some_and(|lowest| {
            let last = self.highest.saturating_sub(lowest.min(1));
            last.saturating_add(1) != self.indices
        })
    }
}
