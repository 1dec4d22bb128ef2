//! Calls of tools, and their results.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::NAME;
use crate::json::write_string;
use crate::wire::messages::plain;

/// The ids of the calls of a turn.
///
/// An id has only letters, digits, `_` and `-`, and no other call of the turn has it: 400 "`tool_use` ids must be unique". Ids
/// of other providers are rewritten where they are not of that kind, the same way in the call and in its result.
#[derive(Default)]
pub(super) struct Ids {
    /// Those that are taken.
    taken: HashSet<String>,
    /// How often each was wanted again.
    again: HashMap<String, usize>,
    /// The calls by the ids that they came with, which have no result yet. Those without an id have an empty one.
    open: HashMap<String, VecDeque<String>>,
    /// What the last call with an id is called.
    last: HashMap<String, String>,
    /// How many calls of the conversation came without an id.
    nameless: usize,
}

impl Ids {
    /// Begins another turn of the model. It may have the ids of the one before.
    pub(super) fn begin_turn(&mut self) {
        *self = Self {
            nameless: self.nameless,
            ..Self::default()
        };
    }

    /// The id that a call is written with.
    pub(super) fn of_call(&mut self, given: Option<&str>) -> String {
        let given = given.map(plain).unwrap_or_default();
        let wanted = match plain_name(&given) {
            none if none.is_empty() => {
                self.nameless += 1;
                format!("call_{NAME}_{}", self.nameless)
            }
            wanted => wanted,
        };
        let mut id = wanted.clone();
        while !self.taken.insert(id.clone()) {
            let again = self.again.entry(wanted.clone()).or_insert(1);
            *again += 1;
            id = format!("{wanted}_{again}");
        }
        let open = self.open.entry(given.clone().into_owned()).or_default();
        open.push_back(id.clone());
        self.last.insert(given.into_owned(), id.clone());
        id
    }

    /// The id that a result is written with. Results with one id, or without any, answer the calls in their order.
    pub(super) fn of_result(&mut self, given: Option<&str>) -> String {
        let given = given.map(plain).unwrap_or_default();
        let next = self.open.get_mut(&*given).and_then(VecDeque::pop_front);
        next.or_else(|| self.last.get(&*given).cloned())
            .unwrap_or_else(|| plain_name(&given))
    }
}

/// A name or an id with `_` in place of the characters that the API refuses.
pub(super) fn plain_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let all = name.chars();
    all.map(|c| if is_plain(c) { c } else { '_' }).collect()
}

/// The most characters of a name.
pub(super) const LONGEST_NAME: usize = 128;

/// Writes a JSON string as the value of a key, after a comma.
pub(super) fn text_field(out: &mut Vec<u8>, key: &str, text: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    write_string(out, text);
}
