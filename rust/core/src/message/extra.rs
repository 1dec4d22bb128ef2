//! What else a provider sent with a part.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::join::{MOST_JOINED, concatenated, merged};
use crate::json::{self, Reader};

/// A JSON value as its text. Two are equal if their values are, in whatever form they were written.
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
        are_equal(self.get(), other.get())
    }
}

impl Eq for RawJson {}

impl Hash for RawJson {
    /// Equal values may be written in different forms, but they are of one kind.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let kind = self.get().bytes().next();
        kind.filter(|byte| !matches!(byte, b'-' | b'0'..=b'9'))
            .hash(state);
    }
}

/// Whether two JSON texts have the same value. What is nested too deeply to be read is compared as text.
fn are_equal(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || read(one).is_some_and(|value| Some(value) == read(other))
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

    /// Passes the text of each value of `key` to `take`: there are several while the fragments are not joined.
    pub(super) fn each(&self, key: &str, mut take: impl FnMut(&str)) {
        if let Some(fields) = &self.0 {
            members(&object(&fields.text), |name, json| {
                if name == key {
                    take(json);
                }
            });
        }
    }

    /// Adds a key.
    pub fn push(&mut self, key: &str, json: &RawJson) {
        self.push_text(key, json.get());
    }

    /// Adds a key whose value is valid JSON.
    fn push_text(&mut self, key: &str, json: &str) {
        let text = &mut self.0.get_or_insert_default().text;
        json::push_string(text, key);
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

    /// Adds the keys of the next fragment, which may have none. Returns how many bytes they take.
    pub(super) fn extend(&mut self, fragment: &Self) -> usize {
        let before = self.bytes();
        if let Some(fields) = &mut self.0 {
            fields.last = fields.text.len();
        }
        if let Some(fragment) = &fragment.0 {
            let fields = self.0.get_or_insert_default();
            fields.text.push_str(&fragment.text);
        }
        self.bytes() - before
    }

    /// Takes the keys of `whole` instead of its own. Returns by how many bytes it has grown.
    pub(super) fn replace(&mut self, whole: &Self) -> usize {
        let before = self.bytes();
        self.0.clone_from(&whole.0);
        self.bytes().saturating_sub(before)
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
            // Two of them may be alike, and none is a piece of another.
            if matches!(&*key, "annotations" | "citations")
                && let Some(whole) = concatenated(&fragments)
            {
                self.push(&key, &whole);
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
        one.text == other.text || are_equal(&object(&one.text), &object(&other.text))
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
