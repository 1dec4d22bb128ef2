//! Joins the fragments of a block that only the provider understands.

use serde_json::Value;
use serde_json::value::RawValue;

use super::extra::RawJson;
use crate::json::{self, Reader};

/// How many values a block may have that is joined from fragments. Each takes up to a kilobyte of memory meanwhile.
pub(super) const MOST_JOINED: usize = 16_384;

/// One block from the fragments of a stream. A single fragment stays as it was sent, and so do those of a block with
/// too many values.
pub(super) fn merged(fragments: Vec<RawJson>) -> Vec<RawJson> {
    if fragments.len() < 2 {
        return fragments;
    }
    match joined(&fragments) {
        Some(whole) => vec![whole],
        None => fragments,
    }
}

/// One list that has the items of all; `None` if any is neither a list nor null.
pub(super) fn concatenated(lists: &[&str]) -> Option<RawJson> {
    let mut whole = String::from("[");
    for list in lists {
        // A list that does not exist yet may be null.
        if *list == "null" {
            continue;
        }
        let items = list.strip_prefix('[')?.strip_suffix(']')?.trim();
        if whole.len() > 1 && !items.is_empty() {
            whole.push(',');
        }
        whole.push_str(items);
    }
    whole.push(']');
    RawJson::read(&whole)
}

fn joined(fragments: &[RawJson]) -> Option<RawJson> {
    if fragments.iter().all(|list| list.get().starts_with('[')) {
        return joined_lists(fragments);
    }
    let mut whole = Value::Null;
    let mut values = 0;
    for fragment in fragments {
        let fragment = json::tree(fragment.0.get(), MOST_JOINED)?;
        values += merge(&mut whole, fragment, "");
        if values > MOST_JOINED {
            return None;
        }
    }
    serde_json::value::to_raw_value(&whole).ok().map(RawJson)
}

/// One list from several. Only the last item may go on, so the items before it need no tree.
fn joined_lists(fragments: &[RawJson]) -> Option<RawJson> {
    let mut whole = String::from("[");
    let mut last: Option<Item<'_>> = None;
    for (at, fragment) in fragments.iter().enumerate() {
        let mut is_small = true;
        let read = Reader::over(fragment.get()).array(|reader| {
            let item = Item::of(reader.raw()?)?;
            match &mut last {
                Some(last) if at > 0 && item.goes_on_from(last) => {
                    is_small &= last.add(item.text).is_some();
                }
                _ => {
                    if let Some(done) = last.replace(item) {
                        done.write(&mut whole);
                        whole.push(',');
                    }
                }
            }
            Ok(())
        });
        if read.is_err() || !is_small {
            return None;
        }
    }
    if let Some(done) = last {
        done.write(&mut whole);
    }
    whole.push(']');
    RawValue::from_string(whole).ok().map(RawJson)
}

/// An item of a list.
struct Item<'a> {
    text: &'a str,
    index: Option<&'a str>,
    kind: Option<&'a str>,
    /// The item with the pieces that were added, and how many values it has.
    tree: Option<(Value, usize)>,
}

impl<'a> Item<'a> {
    fn of(text: &'a str) -> Result<Self, json::Error> {
        let (mut index, mut kind) = (None, None);
        Reader::over(text).object_or_skip(|reader, key| {
            match key {
                "index" => index = Some(reader.raw()?),
                "type" => kind = Some(reader.raw()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Self {
            text,
            index: index
                .filter(|index| index.starts_with(|c: char| c == '-' || c.is_ascii_digit())),
            kind,
            tree: None,
        })
    }

    /// Whether it continues the item before it: same type, same `index`.
    fn goes_on_from(&self, before: &Self) -> bool {
        self.index.is_some() && self.index == before.index && self.kind == before.kind
    }

    /// Adds a piece; `None` if there are too many values.
    fn add(&mut self, piece: &str) -> Option<()> {
        if self.tree.is_none() {
            let tree = json::tree(self.text, MOST_JOINED)?;
            let values = count(&tree);
            self.tree = Some((tree, values));
        }
        let (mut tree, mut values) = self.tree.take()?;
        values += merge(&mut tree, json::tree(piece, MOST_JOINED)?, "");
        self.tree = Some((tree, values));
        (values <= MOST_JOINED).then_some(())
    }

    fn write(&self, out: &mut String) {
        match &self.tree {
            Some((tree, _)) => out.push_str(&tree.to_string()),
            None => out.push_str(self.text),
        }
    }
}

/// Keys whose strings are sent in pieces. All other strings are repeated in full.
const PIECES: [&str; 7] = [
    "text",
    "summary",
    "data",
    "transcript",
    "signature",
    "content",
    "thinking",
];

/// Adds a fragment to a block. Returns how many values were added.
fn merge(whole: &mut Value, fragment: Value, key: &str) -> usize {
    match (whole, fragment) {
        (Value::Object(whole), Value::Object(fragment)) => {
            let members = fragment.into_iter();
            let added = members.map(|(key, value)| {
                if let Some(known) = whole.get_mut(&key) {
                    return merge(known, value, &key);
                }
                let added = count(&value);
                whole.insert(key, value);
                added
            });
            added.sum()
        }
        (Value::Array(whole), Value::Array(fragment)) => {
            let items = fragment.into_iter();
            let added = items.map(|item| {
                if let Some(known) = continued(whole, &item) {
                    return merge(known, item, "");
                }
                let added = count(&item);
                whole.push(item);
                added
            });
            added.sum()
        }
        (Value::String(whole), Value::String(piece)) if PIECES.contains(&key) => {
            whole.push_str(&piece);
            0
        }
        (_, Value::Null) => 0,
        (whole, fragment) => {
            let (before, after) = (count(whole), count(&fragment));
            *whole = fragment;
            after.saturating_sub(before)
        }
    }
}

/// How many values a tree has.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

/// The last block of `whole`, if `item` continues it: same type, same `index`.
fn continued<'a>(whole: &'a mut [Value], item: &Value) -> Option<&'a mut Value> {
    let last = whole.last_mut()?;
    let index = item.get("index").filter(|index| index.is_number())?;
    (last.get("index") == Some(index) && last.get("type") == item.get("type")).then_some(last)
}
