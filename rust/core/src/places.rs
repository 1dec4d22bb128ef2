//! Where each key's value is in a list, found in the same time however long the list is.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// So many keys are compared one by one, which is faster than a hash and takes less memory.
const FEW: usize = 8;

/// The places of keys in a list. Most lists have one item, and there may be thousands of lists.
#[derive(Debug, Clone, Default)]
pub(crate) enum Places<K> {
    #[default]
    None,
    One(K, usize),
    Few(Vec<(K, usize)>),
    Many(HashMap<K, usize>),
}

impl<K: Hash + Eq> Places<K> {
    /// The place of `key`.
    #[inline]
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::None => None,
            Self::One(known, place) => (known.borrow() == key).then_some(*place),
            Self::Few(few) => few
                .iter()
                .find(|(known, _)| known.borrow() == key)
                .map(|(_, place)| *place),
            Self::Many(many) => many.get(key).copied(),
        }
    }

    /// Sets the place of `key`, also if it had another one.
    pub(crate) fn set(&mut self, key: K, place: usize) {
        match self {
            Self::None => *self = Self::One(key, place),
            Self::One(known, at) if *known == key => *at = place,
            Self::One(..) => {
                if let Self::One(known, at) = std::mem::take(self) {
                    *self = Self::Few(vec![(known, at), (key, place)]);
                }
            }
            Self::Few(few) => {
                if let Some((_, known)) = few.iter_mut().find(|(known, _)| *known == key) {
                    *known = place;
                    return;
                }
                few.push((key, place));
                if few.len() > FEW {
                    *self = Self::Many(few.drain(..).collect());
                }
            }
            Self::Many(many) => {
                many.insert(key, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn the_last_place_of_a_key_counts_however_many_there_are() {
        for count in [1, 8, 9, 100] {
            let mut places = Places::<String>::default();
            for place in 0..count {
                places.set(place.to_string(), place);
            }
            places.set("0".to_owned(), 7_000);
            assert_eq!(places.get("0"), Some(7_000), "{count}");
            assert_eq!(places.get(&(count - 1).to_string()).is_some(), count > 0);
            assert_eq!(places.get("no"), None);
        }
    }
}
