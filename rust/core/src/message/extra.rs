//! What else a provider sent with a part, and how its fragments are joined.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::settle::merged;
use crate::json;

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Extra(Vec<(String, RawJson)>);

impl Extra {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        let found = fields.find(|(name, _)| name == key);
        found.map(|(_, json)| json.get())
    }

    /// The value of `key` in its last fragment.
    pub(super) fn last(&self, key: &str) -> Option<&str> {
        let mut fields = self.0.iter().rev();
        let found = fields.find(|(name, _)| name == key);
        found.map(|(_, json)| json.get())
    }

    /// Adds a key.
    pub fn push(&mut self, key: String, json: RawJson) {
        self.0.push((key, json));
    }

    /// Adds the keys of `more`.
    pub fn append(&mut self, mut more: Self) {
        self.0.append(&mut more.0);
    }

    /// Removes a key. Returns its value.
    pub fn take(&mut self, key: &str) -> Option<RawJson> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// The keys and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, json)| (&**key, json.get()))
    }

    /// Adds the keys of the next fragment. Returns how many bytes they take.
    pub(super) fn extend(&mut self, fragment: &Self) -> usize {
        self.0.extend_from_slice(&fragment.0);
        fragment.bytes()
    }

    /// About how many bytes of memory they take.
    pub(super) fn bytes(&self) -> usize {
        let bytes = self.iter().map(|(key, json)| key.len() + json.len());
        bytes
            .map(|bytes| bytes + size_of::<(String, RawJson)>())
            .sum()
    }

    /// Joins the fragments of each key.
    pub(super) fn settle(&mut self) {
        if self.0.len() < 2 {
            return;
        }
        let mut by_key: BTreeMap<String, Vec<RawJson>> = BTreeMap::new();
        for (key, json) in self.0.drain(..) {
            by_key.entry(key).or_default().push(json);
        }
        for (key, fragments) in by_key {
            let joined = merged(fragments).into_iter();
            self.0.extend(joined.map(|json| (key.clone(), json)));
        }
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, json)| (key, json)))
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
                while let Some((key, json)) = map.next_entry()? {
                    extra.push(key, json);
                }
                Ok(extra)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
