//! Finds the item that an event is about, and what the terminal event repeats.

use std::collections::HashSet;

use super::event::Event;
use super::item::{Item, Kind};
use super::said::hash;
use super::state::ItemState;
use crate::error::Error;
use crate::json::Reader;
use crate::places::Places;
use crate::wire::most::MOST;
use crate::wire::parts::Parts;

/// The items that have begun, in their order.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) list: Vec<ItemState>,
    /// The last item at each of the server's indices.
    by_index: Places<u64>,
    /// The last item with each id, by its hash.
    by_id: Places<u64>,
    /// How many of them came after an item had begun.
    names: usize,
    /// Whether items that were open at the same time have one index.
    shares_index: bool,
    /// The last item of each kind that has the index of another one, or the same lack of signs.
    beside: Places<(Option<u64>, u8)>,
    /// From where to search for the next item of each kind that the terminal event repeats.
    unmatched: [usize; KINDS],
    /// Hashes of the ids in it, as soon as they matter.
    listed: Option<HashSet<u64>>,
    /// The place in the output of the last item that it repeated.
    last_order: u32,
}

const KINDS: usize = 5;

/// How many ids are kept that come after an item has begun: those of its call, and others that take their place.
const MOST_NAMES: usize = 2 * MOST;

impl Items {
    /// The item of an event. Its index counts, because some servers change the ids in the middle of an item.
    #[inline]
    pub(super) fn find(&self, event: &Event<'_>) -> Option<usize> {
        match (event.output_index, &event.item_id) {
            (Some(index), id) => self.at_index(index, id.as_deref()),
            (None, id) => {
                let known = id.as_ref().and_then(|id| self.by_id.get(&hash(id)));
                // Without any sign, the item that began last is meant.
                known.or(self.list.len().checked_sub(1))
            }
        }
    }

    /// The item at an index. If several have it, the id counts.
    #[inline]
    fn at_index(&self, index: u64, id: Option<&str>) -> Option<usize> {
        let last = self.by_index.get(&index)?;
        if !self.shares_index {
            return Some(last);
        }
        let named = id.and_then(|id| self.by_id.get(&hash(id)));
        let order = |at: usize| self.list.get(at).map(|item| item.order);
        Some(named.filter(|&at| order(at) == order(last)).unwrap_or(last))
    }

    /// The open item of another kind that shares the signs of an event with the item that they lead to.
    fn beside(&self, event: &Event<'_>, id: Option<u64>, kind: Kind) -> Option<usize> {
        let fits = |at: &usize| {
            let item = self.list.get(*at);
            item.is_some_and(|item| item.kind == kind && !item.has_ended)
        };
        let named = id.and_then(|id| self.by_id.get(&id)).filter(fits);
        named.or_else(|| {
            let key = (event.output_index, kind as u8);
            self.beside.get(&key).filter(fits)
        })
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
                if item.kind == kind {
                    return Ok(Some(at));
                }
                if let Some(other) = self.beside(event, id, kind) {
                    return Ok(Some(other));
                }
                let added = self.add(event.output_index, id, kind, parts)?;
                if let Some(index) = event.output_index {
                    self.by_index.set(index, at);
                }
                self.beside.set((event.output_index, kind as u8), added);
                return Ok(Some(added));
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
        let at = self.placed(event, item, is_whole, parts)?;
        if let Some(at) = at {
            self.name(at, item);
        }
        Ok(at)
    }

    /// Notes the ids of an item. A server may change them as often as it likes.
    fn name(&mut self, at: usize, item: &Item<'_>) {
        let Some(known) = self.list.get_mut(at) else {
            return;
        };
        let id = item.id.as_deref().map(hash);
        let id = id.filter(|&id| known.id.replace(id) != Some(id));
        let call_id = item.call_id.as_deref().map(hash);
        let call_id = call_id.filter(|&id| known.call_id.replace(id) != Some(id));
        for id in [id, call_id].into_iter().flatten() {
            if self.names < MOST_NAMES {
                self.names += 1;
                self.by_id.set(id, at);
            }
        }
    }

    fn placed(
        &mut self,
        event: &Event<'_>,
        item: &Item<'_>,
        is_whole: bool,
        parts: &mut Parts,
    ) -> Result<Option<usize>, Error> {
        let id = item.id.as_deref().map(hash);
        let found = if let Some(index) = event.output_index {
            self.at_index(index, item.id.as_deref())
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
            let is_same = known.kind == item.kind && (is_whole || !known.is_another(item));
            if !known.has_ended && (is_same || !known.has_begun()) {
                known.kind = item.kind;
                return Ok(Some(at));
            }
            if known.has_ended && known.kind == item.kind && (id.is_none() || known.id == id) {
                return Ok(None);
            }
            let other = self.beside(event, id, item.kind);
            if let Some(other) = other.filter(|&other| is_whole && other != at) {
                return Ok(Some(other));
            }
            self.shares_index = true;
        }
        self.add(event.output_index, id, item.kind, parts).map(Some)
    }

    /// The item that the terminal event repeats, which is added if it is missing.
    ///
    /// Some servers change the ids, so an id that is new may be that of the next item of its kind: unless `output`, which
    /// is all of it, has that one, too.
    pub(super) fn repeated(
        &mut self,
        item: &Item<'_>,
        output: &str,
        parts: &mut Parts,
    ) -> Result<usize, Error> {
        let id = item.id.as_deref().map(hash);
        let fits = |known: &ItemState| known.kind == item.kind && !known.is_repeated;
        let ids = [id, item.call_id.as_deref().map(hash)];
        let mut named = ids
            .into_iter()
            .flatten()
            .filter_map(|id| self.by_id.get(&id));
        let named = named.find(|&at| self.list.get(at).is_some_and(fits));
        let at = named.or_else(|| {
            let next = self.unmatched.get_mut(item.kind as usize)?;
            let rest = self.list.get(*next..)?;
            let Some(skipped) = rest.iter().position(fits) else {
                *next = self.list.len();
                return None;
            };
            *next += skipped;
            let known = self.list.get(*next)?;
            if ids == [None; 2] || ids.contains(&known.id) && known.id.is_some() {
                return Some(*next);
            }
            let listed = self.listed.get_or_insert_with(|| ids_in(output));
            let mut others = [known.id, known.call_id].into_iter().flatten();
            (!others.any(|id| listed.contains(&id))).then_some(*next)
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
        let mut all = 0..self.list.len() as u64;
        all.any(|index| self.by_index.get(&index).is_none())
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

/// Hashes of the ids of the items in `output`, and of their calls.
fn ids_in(output: &str) -> HashSet<u64> {
    let mut ids = HashSet::new();
    // It has been read once.
    let _ = Reader::over(output).array_or_skip(|reader| {
        if let Some(item) = Item::read(reader.raw()?)? {
            let found = [item.id.as_deref(), item.call_id.as_deref()];
            ids.extend(found.into_iter().flatten().map(hash));
        }
        Ok(())
    });
    ids
}
