//! Puts parts that arrived interleaved into their order.

use std::num::NonZeroU64;

use super::part::Part;

/// The ranks of a choice's parts, in the order in which the parts began. It is empty in a dialect without ranks.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    ranks: Vec<u64>,
    /// Whether a part began after one that it belongs before.
    is_mixed: bool,
}

impl Order {
    /// Notes the part that begins at this place. One without a rank stays behind the part before it.
    pub(super) fn note(&mut self, place: usize, rank: Option<NonZeroU64>) {
        let before = self.ranks.last().copied();
        if rank.is_none() && before.is_none() {
            return;
        }
        let before = before.unwrap_or(0);
        self.ranks.resize(place, before);
        let rank = rank.map_or(before, NonZeroU64::get);
        self.is_mixed |= rank < before;
        self.ranks.push(rank);
    }

    /// Sorts the parts by their ranks. Those of one rank keep their order.
    pub(super) fn arrange(&self, parts: &mut Vec<Part>) {
        if !self.is_mixed {
            return;
        }
        let last = self.ranks.last().copied().unwrap_or(0);
        let ranks = self.ranks.iter().copied().chain(std::iter::repeat(last));
        let mut ranked: Vec<_> = ranks.zip(std::mem::take(parts)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        parts.extend(ranked.into_iter().map(|(_, part)| part));
    }
}
