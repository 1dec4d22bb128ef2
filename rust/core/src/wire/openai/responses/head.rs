//! What an item has besides its blocks, which its parts repeat.

use super::item::{Item, Kind};
use crate::error::Error;
use crate::json::push_string;
use crate::message::{Extra, RawJson};
use crate::wire::parts::Parts;

/// What the parts of an item have as `item`. It is kept until the item ends.
#[derive(Debug)]
pub(super) struct Head {
    first: Option<RawJson>,
    continues: Option<RawJson>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            first: RawJson::read("{}"),
            continues: RawJson::read(r#"{"continues":true}"#),
        }
    }
}

impl Head {
    /// Notes what the item has now.
    pub(super) fn note(&mut self, item: &Item<'_>, parts: &mut Parts) -> Result<(), Error> {
        parts.free(self.bytes());
        if let Some(id) = &item.id {
            let mut continues = String::from(r#"{"id":"#);
            push_string(&mut continues, id);
            continues.push_str(r#","continues":true}"#);
            self.continues = RawJson::read(&continues);
        }
        if item.kind != Kind::Other {
            self.first = RawJson::read(&item.head()?);
        }
        parts.keep(self.bytes())
    }

    fn bytes(&self) -> usize {
        let kept = [&self.first, &self.continues].into_iter().flatten();
        kept.map(|json| json.get().len()).sum()
    }

    /// What a part has. Fails if too many bytes were repeated.
    pub(super) fn extra(&self, is_first: bool, parts: &mut Parts) -> Result<Extra, Error> {
        let mut extra = Extra::default();
        let json = if is_first {
            &self.first
        } else {
            &self.continues
        };
        if let Some(json) = json {
            parts.describe(json.get().len())?;
            extra.push("item", json);
        }
        Ok(extra)
    }

    /// Forgets it at the end of the item.
    pub(super) fn free(&mut self, parts: &mut Parts) {
        parts.free(self.bytes());
        (self.first, self.continues) = (None, None);
    }
}
