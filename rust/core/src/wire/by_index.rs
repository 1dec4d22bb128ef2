//! What a stream has to remember about the choices of a reply, which an event names by their index.

use super::most::MOST;
use crate::places::Places;

/// What is remembered about one choice.
pub(super) trait Indexed {
    /// The choice of this index, which begins.
    fn begin(index: u32) -> Self;

    /// Its index.
    fn index(&self) -> u32;
}

/// What a stream has to remember about its choices.
#[derive(Debug)]
pub(super) struct ByIndex<S> {
    /// In the order in which they began.
    pub(super) states: Vec<S>,
    places: Places<u32>,
    /// The index after the highest.
    free: u32,
}

impl<S> Default for ByIndex<S> {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            places: Places::default(),
            free: 0,
        }
    }
}

impl<S: Indexed> ByIndex<S> {
    /// The state of a choice, which is added if it is missing; `None` if there are too many.
    #[inline]
    pub(super) fn get(&mut self, index: u32) -> Option<&mut S> {
        // Nearly every event is about the first choice.
        let place = match self.states.first() {
            Some(first) if first.index() == index => 0,
            _ => match self.places.get(&index) {
                Some(place) => place,
                None => self.add(index)?,
            },
        };
        self.states.get_mut(place)
    }

    /// The index of a choice of a whole reply. Two choices with one index are not the same choice.
    pub(super) fn own_index(&self, index: u32) -> u32 {
        match self.places.get(&index) {
            Some(_) => self.free,
            None => index,
        }
    }

    /// The indices of the choices that are open, the first few of them, as a message shows them; `None` if none is.
    pub(super) fn open(&self, is_open: impl Fn(&S) -> bool) -> Option<String> {
        let open = self.states.iter().filter(|choice| is_open(choice));
        let mut open: Vec<_> = open.map(Indexed::index).collect();
        open.sort_unstable();
        let shown: Vec<_> = open.iter().take(8).map(u32::to_string).collect();
        let more = if open.len() > 8 { ", …" } else { "" };
        (!open.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
    }

    fn add(&mut self, index: u32) -> Option<usize> {
        let place = self.states.len();
        if place == MOST {
            return None;
        }
        if self.states.is_empty() {
            self.states.reserve_exact(1);
        }
        self.states.push(S::begin(index));
        self.places.set(index, place);
        self.free = self.free.max(index.saturating_add(1));
        Some(place)
    }
}
