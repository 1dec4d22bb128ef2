//! Pieces of a call's arguments that belong to a value that is complete.

use std::collections::BTreeSet;

use super::arguments::{MOST_MISSING, Value, missing_items, push_name};
use super::path::Step;
use super::value::{Members, Node};
use crate::error::Error;
use crate::json::strict;
use crate::wire::most::{MOST, too_many};

/// The arguments as a tree, to which pieces can be added in any order.
#[derive(Debug)]
pub(super) struct Late {
    arguments: Members,
    /// The names of the members that are not as they were written.
    changed: BTreeSet<String>,
    /// How many values were added.
    added: usize,
    /// How many bytes were added.
    bytes: usize,
}

/// How many bytes of late pieces a call may have. They are kept until it ends.
const MOST_BYTES: usize = 4 << 20;

impl Late {
    /// Goes on after this text.
    pub(super) fn after(text: &str) -> Result<Self, Error> {
        let Some(Node::Object(arguments)) = Node::read(text, MOST) else {
            return Err(too_many(
                "values in a tool call whose pieces are in no order",
            ));
        };
        Ok(Self {
            arguments,
            changed: BTreeSet::new(),
            added: 0,
            bytes: 0,
        })
    }

    /// Adds a piece.
    pub(super) fn add(&mut self, steps: &[Step], value: Value<'_>) -> Result<(), Error> {
        let Some((Step::Name(name), steps)) = steps.split_first() else {
            return Ok(());
        };
        let (Value::Text(said) | Value::Whole(said)) = value;
        self.count(said.len())?;
        let mut node = self.member(name);
        let mut added = 0;
        for step in steps {
            added += 1;
            node = match step {
                Step::Name(name) => {
                    if !matches!(node, Node::Object(_)) {
                        *node = Node::Object(Members::default());
                    }
                    let Node::Object(members) = node else {
                        return Ok(());
                    };
                    members.get_mut(name)
                }
                Step::Index(index) => {
                    if !matches!(node, Node::List(_)) {
                        *node = Node::List(Vec::new());
                    }
                    let Node::List(items) = node else {
                        return Ok(());
                    };
                    if *index > items.len() + MOST_MISSING {
                        return Err(missing_items());
                    }
                    if items.len() <= *index {
                        added += index - items.len();
                        items.resize_with(index + 1, || Node::NULL);
                    }
                    let Some(item) = items.get_mut(*index) else {
                        return Ok(());
                    };
                    item
                }
            };
        }
        match (value, node) {
            (Value::Text(text), Node::Text(known)) => known.push_str(text),
            (Value::Text(text), node) => *node = Node::Text(text.to_owned()),
            (Value::Whole(raw), node) => {
                *node = whole(raw)?;
            }
        }
        self.added += added;
        Ok(())
    }

    /// Replaces a member.
    pub(super) fn replace(&mut self, name: &str, raw: &str) -> Result<(), Error> {
        self.count(raw.len())?;
        let value = whole(raw)?;
        let known = self.arguments.get(name);
        if !known.is_some_and(|known| known.begins(&value, false)) {
            *self.member(name) = value;
        }
        Ok(())
    }

    /// Counts a value of so many bytes. Fails if there are too many.
    fn count(&mut self, bytes: usize) -> Result<(), Error> {
        self.added += 1;
        self.bytes += bytes;
        if self.added > MOST || self.bytes > MOST_BYTES {
            return Err(too_many("late pieces in one tool call"));
        }
        Ok(())
    }

    /// A member that changes.
    fn member(&mut self, name: &str) -> &mut Node {
        self.changed.insert(name.to_owned());
        self.arguments.get_mut(name)
    }

    /// Writes the members that have changed after those that were written.
    pub(super) fn write(&self, text: &mut String) {
        for name in &self.changed {
            if let Some(value) = self.arguments.get(name) {
                if !text.ends_with('{') {
                    text.push(',');
                }
                push_name(text, name);
                value.write(text);
            }
        }
    }
}

/// A value that is here in full.
fn whole(raw: &str) -> Result<Node, Error> {
    Node::read(&strict(raw), MOST).ok_or_else(|| too_many("values in one argument"))
}
