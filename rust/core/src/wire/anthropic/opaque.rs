//! A block that only the provider understands, put together as it would be in a whole reply.

use std::collections::BTreeMap;

use super::event::{Delta, DeltaKind};
use crate::json::{Error, Kind, Reader, SurrogateJoin, push_string};

/// What a stream has to remember of such a block until its end.
#[derive(Debug)]
pub(super) struct OpaqueState {
    /// The block as it began.
    raw: Box<str>,
    /// What deltas made of its members.
    changes: BTreeMap<String, Change>,
    /// How many bytes of deltas were kept.
    pub(super) kept: usize,
}

/// What deltas made of a member.
#[derive(Debug)]
enum Change {
    /// JSON text in pieces.
    Input(String),
    /// More of a string.
    Text(String, SurrogateJoin),
    /// More items of a list, with commas between them.
    Items(String),
    /// Another value.
    Value(String),
}

impl OpaqueState {
    pub(super) fn begin(raw: &str) -> Self {
        Self {
            raw: raw.into(),
            changes: BTreeMap::new(),
            kept: 0,
        }
    }

    /// Whether it is no longer as it began.
    pub(super) fn has_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Adds a delta: pieces of its input, its text and its citations follow each other, as do strings of unknown deltas. All
    /// else takes the place of what there was, as in Anthropic's SDK (`accumulate_event`). Returns how many members it is the
    /// first to change.
    pub(super) fn add(&mut self, delta: &Delta<'_>) -> Result<usize, Error> {
        let (kind, before) = (delta.kind(), self.changes.len());
        Reader::over(delta.raw).object(|reader, key| self.member(reader, key, kind))?;
        Ok(self.changes.len() - before)
    }

    fn member(&mut self, reader: &mut Reader<'_>, key: &str, kind: DeltaKind) -> Result<(), Error> {
        let value = reader.peek()?;
        match (kind, key) {
            (_, "type") => return reader.skip(),
            (DeltaKind::Input, "partial_json") => {
                let piece = match value {
                    Kind::String => reader.string()?.into_lossy(),
                    _ => reader.raw_or_null()?.unwrap_or_default().into(),
                };
                self.kept += piece.len();
                match self.changes.get_mut("input") {
                    Some(Change::Input(text)) => text.push_str(&piece),
                    _ => self.set("input", Change::Input(piece.into_owned())),
                }
            }
            (DeltaKind::Citation, "citation") => {
                let Some(item) = reader.raw_or_null()? else {
                    return Ok(());
                };
                self.kept += item.len();
                match self.changes.get_mut("citations") {
                    Some(Change::Items(items)) => {
                        items.push(',');
                        items.push_str(item);
                    }
                    _ => self.set("citations", Change::Items(item.to_owned())),
                }
            }
            (DeltaKind::Signature | DeltaKind::Compaction, _) => {
                let value = reader.raw()?.to_owned();
                self.kept += value.len();
                self.set(key, Change::Value(value));
            }
            _ if value == Kind::String => {
                let piece = reader.string()?;
                self.kept += piece.body.len();
                if let Some(Change::Text(text, join)) = self.changes.get_mut(key) {
                    text.push_str(&join.push(piece));
                } else {
                    let mut join = SurrogateJoin::default();
                    let text = join.push(piece).into_owned();
                    self.set(key, Change::Text(text, join));
                }
            }
            _ => {
                if let Some(value) = reader.raw_or_null()? {
                    let value = value.to_owned();
                    self.kept += value.len();
                    self.set(key, Change::Value(value));
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, change: Change) {
        self.changes.insert(key.to_owned(), change);
    }

    /// The block as it is now. Input that is not JSON, because it was cut, is a string.
    pub(super) fn json(&self) -> String {
        let json = self.written(false);
        let mut reader = Reader::over(&json);
        if reader.skip().and_then(|()| reader.end()).is_ok() {
            return json;
        }
        self.written(true)
    }

    fn written(&self, is_cut: bool) -> String {
        let mut json = String::from("{");
        let mut rest: BTreeMap<&str, &Change> = self
            .changes
            .iter()
            .map(|(key, change)| (&**key, change))
            .collect();
        // It was read when it began.
        let _ = Reader::over(&self.raw).object_or_skip(|reader, key| {
            let raw = reader.raw()?;
            push_key(&mut json, key);
            match self.changes.get(key) {
                Some(change) => change.write(raw, is_cut, &mut json),
                None => json.push_str(raw),
            }
            rest.remove(key);
            Ok(())
        });
        for (key, change) in rest {
            push_key(&mut json, key);
            change.write("null", is_cut, &mut json);
        }
        json.push('}');
        json
    }
}

impl Change {
    /// Writes the value that has become of `before`.
    fn write(&self, before: &str, is_cut: bool, json: &mut String) {
        match self {
            Self::Input(text) if text.is_empty() => json.push_str(before),
            Self::Input(text) if is_cut => push_string(json, text),
            Self::Input(text) | Self::Value(text) => json.push_str(text),
            Self::Text(text, join) => {
                let string = Reader::over(before).string_or_skip().ok().flatten();
                let mut whole = string.map_or_else(String::new, |it| it.into_lossy().into_owned());
                whole.push_str(text);
                whole.extend(join.clone().finish());
                push_string(json, &whole);
            }
            Self::Items(items) => {
                let list = before.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
                let before = list.unwrap_or_default().trim_ascii();
                let comma = if before.is_empty() { "" } else { "," };
                json.extend(["[", before, comma, items, "]"]);
            }
        }
    }
}

fn push_key(json: &mut String, key: &str) {
    if json.len() > 1 {
        json.push(',');
    }
    push_string(json, key);
    json.push(':');
}
