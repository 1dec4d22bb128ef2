//! What else a provider sent with a part, and how its fragments are joined.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::{self, Reader};

/// A JSON value as its text. Two are equal if their texts are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(pub Box<RawValue>);

impl RawJson {
    /// The value with this text; `None` if it is no JSON. A number that JSON lacks, such as `NaN`, becomes null,
    /// because the value may be sent back.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let json = json::strict(json).into_owned();
        RawValue::from_string(json).ok().map(Self)
    }

    /// Its text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl Hash for RawJson {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

/// Keys that we do not know, with their values. They are sent back as they came.
///
/// They are kept as text, because a server can write a key in a few bytes that would take a hundred as a value.
#[derive(Debug, Clone, Default)]
pub struct Extra(Option<Box<Fields>>);

#[derive(Debug, Clone, Default)]
struct Fields {
    /// Members of a JSON object, each with a comma after it.
    text: String,
    /// Where those of the last fragment begin.
    last: usize,
}

impl Extra {
    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// About how many bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let fields = self.0.as_ref();
        fields.map_or(0, |fields| size_of::<Fields>() + fields.text.len())
    }

    /// The value of `key` in the last fragment.
    pub(super) fn last(&self, key: &str) -> Option<String> {
        let fields = self.0.as_ref()?;
        let last = fields.text.get(fields.last..).unwrap_or_default();
        let mut found = None;
        members(&object(last), |name, json| {
            if name == key {
                found = Some(json.to_owned());
            }
        });
        found
    }

    /// Adds a key.
    pub fn push(&mut self, key: &str, json: &RawJson) {
        self.push_text(key, json.get());
    }

    /// Adds a key whose value is valid JSON.
    fn push_text(&mut self, key: &str, json: &str) {
        let mut name = Vec::with_capacity(key.len() + 2);
        json::write_string(&mut name, key);
        let text = &mut self.0.get_or_insert_default().text;
        text.push_str(&String::from_utf8_lossy(&name));
        text.push(':');
        text.push_str(json);
        text.push(',');
    }

    /// Adds the keys of `more`, which is part of the same fragment.
    pub fn append(&mut self, more: &Self) {
        if let Some(more) = &more.0 {
            let fields = self.0.get_or_insert_default();
            fields.text.push_str(&more.text);
        }
    }

    /// Removes a key. Returns its value.
    pub fn take(&mut self, key: &str) -> Option<RawJson> {
        let mut found = None;
        let fields = self.0.take()?;
        members(&object(&fields.text), |name, json| {
            if name == key && found.is_none() {
                found = RawJson::read(json);
            } else {
                self.push_text(name, json);
            }
        });
        found
    }

    /// The keys as one JSON object.
    #[must_use]
    pub fn object(&self) -> String {
        object(self.0.as_ref().map_or("", |fields| &fields.text))
    }

    /// Adds the keys of the next fragment. Returns how many bytes they take.
    pub(super) fn extend(&mut self, fragment: &Self) -> usize {
        let before = self.bytes();
        if let Some(fragment) = &fragment.0 {
            let fields = self.0.get_or_insert_default();
            fields.last = fields.text.len();
            fields.text.push_str(&fragment.text);
        }
        self.bytes() - before
    }

    /// Joins the fragments of each key. If there are too many keys, they stay as they are.
    pub(super) fn settle(&mut self) {
        let Some(fields) = &self.0 else {
            return;
        };
        let whole = object(&fields.text);
        let mut count = 0;
        members(&whole, |_, _| count += 1);
        if !(2..=MOST_JOINED).contains(&count) {
            return;
        }
        let mut by_key: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        members(&whole, |key, json| match by_key.get_mut(key) {
            Some(fragments) => fragments.push(json),
            None => {
                by_key.insert(key.to_owned(), vec![json]);
            }
        });
        self.0 = None;
        for (key, fragments) in by_key {
            if let [json] = *fragments {
                self.push_text(&key, json);
                continue;
            }
            for json in merged(fragments.into_iter().filter_map(RawJson::read).collect()) {
                self.push(&key, &json);
            }
        }
    }
}

fn object(members: &str) -> String {
    format!("{{{}}}", members.strip_suffix(',').unwrap_or(members))
}

/// Passes each key of an object and the text of its value to `take`.
fn members<'a>(object: &'a str, mut take: impl FnMut(&str, &'a str)) {
    // The text was checked when it was added.
    let _ = Reader::over(object).object(|reader, key| {
        take(key, reader.raw()?);
        Ok(())
    });
}

impl PartialEq for Extra {
    /// Two are equal if their values are, in whatever form they were written.
    fn eq(&self, other: &Self) -> bool {
        let (Some(one), Some(other)) = (&self.0, &other.0) else {
            return self.is_empty() && other.is_empty();
        };
        let read = |text: &str| serde_json::from_str::<Value>(&object(text)).ok();
        one.text == other.text || read(&one.text) == read(&other.text)
    }
}

impl Eq for Extra {}

impl Hash for Extra {
    /// Equal values may be written in different forms.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_empty().hash(state);
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawJson::read(&self.object()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Extra;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extra, A::Error> {
                let mut extra = Extra::default();
                while let Some((key, json)) = map.next_entry::<String, RawJson>()? {
                    extra.push(&key, &json);
                }
                Ok(extra)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// How many values a block may have that is joined from fragments. Each takes up to a kilobyte of memory meanwhile.
const MOST_JOINED: usize = 16_384;

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
        let (mut tree, mut values) = match self.tree.take() {
            Some(known) => known,
            None => {
                let tree = json::tree(self.text, MOST_JOINED)?;
                let values = count(&tree);
                (tree, values)
            }
        };
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
