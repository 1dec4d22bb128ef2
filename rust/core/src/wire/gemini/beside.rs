//! What a candidate has beside its content, without keeping it.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::places::Places;

/// The values that were passed on.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Their places in `values`.
    keys: Places<String>,
    values: Vec<Passed>,
}

/// A value that was passed on.
#[derive(Debug)]
struct Passed {
    /// The number of its part.
    number: u32,
    /// A hash of its text, which another text has only by chance.
    hash: u64,
}

/// What is known of a value.
pub(super) enum Found {
    /// There was none of this key.
    New,
    /// It is the same. Many servers repeat it in each event.
    Same,
    /// It takes the place of another one, in the part of this number.
    Changed(u32),
}

impl Beside {
    /// Compares a value with the last one of its key, and notes it.
    pub(super) fn find(&mut self, key: &str, raw: &str) -> Found {
        let hash = hash(raw);
        let known = self.keys.get(key).and_then(|at| self.values.get_mut(at));
        match known {
            None => Found::New,
            Some(known) if known.hash == hash => Found::Same,
            Some(known) => {
                known.hash = hash;
                Found::Changed(known.number)
            }
        }
    }

    /// Notes a value of a new key, in the part of this number.
    pub(super) fn add(&mut self, key: &str, raw: &str, number: u32) {
        self.keys.set(key.to_owned(), self.values.len());
        self.values.push(Passed {
            number,
            hash: hash(raw),
        });
    }
}

/// Whether a value says nothing.
pub(super) fn is_blank(raw: &str) -> bool {
    let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    raw.starts_with(['{', '[', '"']) && inside.trim_ascii().is_empty()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
