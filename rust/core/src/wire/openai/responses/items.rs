//! Finds the item that an event is about, and what the terminal event repeats.

use super::event::Event;
use super::item::{Item, Kind};
use super::parts::Parts;
use super::said::hash;
use super::state::ItemState;
use crate::error::Error;
use crate::places::Places;

/// The items that have begun, in their order.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) list: Vec<ItemState>,
    /// The last item at each of the server's indices.
    by_index: Places<u64>,
    /// The last item with each id, by its hash.
    by_id: Places<u64>,
    /// From where to search for the next item of each kind that the terminal event repeats.
    unmatched: [usize; KINDS],
    /// The place in the output of the last item that it repeated.
    last_order: u32,
}

const KINDS: usize = 5;

impl Items {
    /// The item of an event. Its index counts, because some servers change the ids in the middle of an item.
    #[inline]
    pub(super) fn find(&self, event: &Event<'_>) -> Option<usize> {
        match (event.output_index, &event.item_id) {
            (Some(index), _) => self.by_index.get(&index),
            (None, id) => {
                let known = id.as_ref().and_then(|id| self.by_id.get(&hash(id)));
                // Without any sign, the item that began last is meant.
                known.or(self.list.len().checked_sub(1))
            }
        }
    }

    /// The item of this kind that a piece belongs to, which is added if it is missing.
    pub(super) fn find_or_add(
        &mut self,
        event: &Event<'_>,
        kind: Kind,
        parts: &mut Parts,
    ) -> Result<Option<usize>, Error> {
        let id = event.item_id.as_deref().map(hash);
        if let Some(at) = self.find(event)
            && let Some(item) = self.list.get_mut(at)
        {
            if !item.has_ended {
                if item.kind != kind && !item.has_begun() {
                    item.kind = kind;
                }
                return Ok((item.kind == kind).then_some(at));
            }
            // What comes late is already there, unless the server gives all items one index.
            if item.kind == kind && (item.id == id || id.is_none()) {
                return Ok(None);
            }
        }
        self.add(event.output_index, id, kind, parts).map(Some)
    }

    /// The item that an event has in full or begins, which is added if it is missing; `None` if it has ended.
    pub(super) fn place_of(
        &mut self,
        event: &Event<'_>,
        item: &Item<'_>,
        is_whole: bool,
        parts: &mut Parts,
    ) -> Result<Option<usize>, Error> {
        let id = item.id.as_deref().map(hash);
        let found = if let Some(index) = event.output_index {
            self.by_index.get(&index)
        } else {
            let known = id.and_then(|id| self.by_id.get(&id));
            // Without any sign, what ends is what began last.
            let last = self
                .list
                .last()
                .filter(|last| is_whole && !last.has_ended && (last.id.is_none() || id.is_none()));
            known.or(last.and(self.list.len().checked_sub(1)))
        };
        if let Some(at) = found
            && let Some(known) = self.list.get_mut(at)
        {
            if !known.has_ended && (known.kind == item.kind || !known.has_begun()) {
                known.kind = item.kind;
                if let Some(id) = id {
                    self.by_id.set(id, at);
                }
                return Ok(Some(at));
            }
            if known.has_ended && known.kind == item.kind && (id.is_none() || known.id == id) {
                return Ok(None);
            }
        }
        self.add(event.output_index, id, item.kind, parts).map(Some)
    }

    /// The item that the terminal event repeats, which is added if it is missing.
    pub(super) fn repeated(&mut self, item: &Item<'_>, parts: &mut Parts) -> Result<usize, Error> {
        let id = item.id.as_deref().map(hash);
        let by_id = id.and_then(|id| self.by_id.get(&id));
        let fits = |known: &ItemState| known.kind == item.kind && !known.is_repeated;
        let by_id = by_id.filter(|&at| self.list.get(at).is_some_and(fits));
        let at = by_id.or_else(|| {
            let next = self.unmatched.get_mut(item.kind as usize)?;
            let rest = self.list.get(*next..)?;
            let Some(skipped) = rest.iter().position(fits) else {
                *next = self.list.len();
                return None;
            };
            *next += skipped;
            Some(*next)
        });
        let at = if let Some(at) = at {
            at
        } else {
            let at = self.add(None, id, item.kind, parts)?;
            if let Some(added) = self.list.get_mut(at) {
                // It comes behind the item that the output has before it.
                added.order = self.last_order;
            }
            at
        };
        if let Some(known) = self.list.get_mut(at) {
            known.is_repeated = true;
            self.last_order = known.order;
        }
        Ok(at)
    }

    /// Whether an index was left out, so that an item is missing.
    pub(super) fn has_hole(&self) -> bool {
        let first = u64::from(self.by_index.get(&0).is_none());
        let end = first + self.list.len() as u64;
        (first..end).any(|index| self.by_index.get(&index).is_none())
    }

    fn add(
        &mut self,
        index: Option<u64>,
        id: Option<u64>,
        kind: Kind,
        parts: &mut Parts,
    ) -> Result<usize, Error> {
        parts.count()?;
        let at = self.list.len();
        if let Some(index) = index {
            self.by_index.set(index, at);
        }
        if let Some(id) = id {
            self.by_id.set(id, at);
        }
        if self.list.is_empty() {
            self.list.reserve_exact(1);
        }
        // The first place is that of items which only the terminal event has.
        let order = index.unwrap_or(at as u64).saturating_add(1);
        let order = u32::try_from(order).unwrap_or(u32::MAX);
        // There are no more than fit.
        let number = u16::try_from(at).unwrap_or(u16::MAX);
        self.list.push(ItemState::new(kind, order, number, id));
        Ok(at)
    }
}
