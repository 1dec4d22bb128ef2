//! One part of a message, as the caller wrote it. Its fields are JSON text.

use std::borrow::Cow;
use std::rc::Rc;

use super::blocks::check_url;
use super::dict;
use crate::error::Error;
use crate::json::Reader;
use crate::wire::body::{Fields, field, fields, invalid, items};
use crate::wire::providers::Provider;

/// The form in which a list of parts is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wire) enum Parts {
    /// Ours, as [`crate::request::Request::input`] describes them.
    Ours,
    /// The content blocks of Chat Completions.
    Blocks,
}

impl Parts {
    /// Reads a list of parts.
    pub(in crate::wire) fn read<'a>(
        self,
        raw: &'a str,
        path: &str,
    ) -> Result<Vec<Part<'a>>, Error> {
        let items = items(raw, path)?.into_iter().enumerate();
        let path = Rc::from(path);
        let read = match self {
            Self::Ours => Part::read,
            Self::Blocks => dict::block,
        };
        items.map(|(at, raw)| read(raw, &path, at)).collect()
    }
}

/// One part.
///
/// Its kind is one of those of [`crate::request::Request::input`], or empty: then it is a block that is in no form we know,
/// and `raw` has it.
pub(in crate::wire) struct Part<'a> {
    pub(in crate::wire) kind: Cow<'a, str>,
    /// The path of the list that it is in, and its place there. Without a place, it is all that is at that path.
    list: Rc<str>,
    at: Option<usize>,
    pub(in crate::wire) fields: Fields<'a>,
    /// As the caller wrote it.
    pub(in crate::wire) raw: &'a str,
    /// The form of the parts in it, if it is the result of a tool.
    form: Parts,
}

/// The content of a tool's result.
pub(in crate::wire) enum Content<'a> {
    /// A JSON string.
    Text(&'a str),
    /// A list of parts.
    Parts(Vec<Part<'a>>),
}

impl<'a> Part<'a> {
    /// Reads one of our parts. Error messages name it by its list and its place in it.
    pub(super) fn read(raw: &'a str, list: &Rc<str>, at: usize) -> Result<Self, Error> {
        let fields = fields(raw, format_args!("{list}[{at}]"))?;
        let mut part = Self {
            kind: Cow::Borrowed(""),
            list: list.clone(),
            at: Some(at),
            fields,
            raw,
            form: Parts::Ours,
        };
        part.kind = plain(part.text("type")?);
        Ok(part)
    }

    /// A part that is written in another form: `raw`, at place `at` of `list`.
    pub(super) fn of(
        kind: &'static str,
        fields: Fields<'a>,
        (raw, list, at): (&'a str, &Rc<str>, Option<usize>),
    ) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            list: list.clone(),
            at,
            fields,
            raw,
            form: Parts::Blocks,
        }
    }

    /// What error messages call it.
    pub(in crate::wire) fn path(&self) -> String {
        match self.at {
            Some(at) => format!("{}[{at}]", self.list),
            None => self.list.to_string(),
        }
    }

    /// Whether it is a content block or a call in the form of another API, and not one of our parts.
    pub(in crate::wire) fn is_block(&self) -> bool {
        self.form == Parts::Blocks
    }

    /// A field that is not null.
    pub(in crate::wire) fn get(&self, key: &str) -> Option<&'a str> {
        let found = self.fields.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| *raw).filter(|raw| *raw != "null")
    }

    /// A field that must be a string, as JSON text.
    pub(in crate::wire) fn text(&self, key: &str) -> Result<&'a str, Error> {
        self.get(key)
            .filter(|raw| raw.starts_with('"'))
            .ok_or_else(|| self.invalid(&format!(".{key}: it is missing, or it is not a string")))
    }

    /// The keys that we do not know. They are sent along, because providers have their own (`cache_control`).
    pub(in crate::wire) fn extra(&self, known: &[&str]) -> String {
        self.others(known, false)
    }

    /// The keys that we do not know, also those that are null: what a provider sent goes back as it came.
    pub(in crate::wire) fn extra_as_sent(&self, known: &[&str]) -> String {
        self.others(known, true)
    }

    fn others(&self, known: &[&str], with_null: bool) -> String {
        let mut others = Vec::new();
        for (key, raw) in &self.fields {
            let is_known = NOTES.contains(&&**key) || known.contains(&&**key);
            if !is_known && (with_null || *raw != "null") {
                field(&mut others, key, raw);
            }
        }
        String::from_utf8_lossy(&others).into_owned()
    }

    /// The keys of the object in `key`, if there is one.
    pub(in crate::wire) fn object(&self, key: &str) -> Result<Fields<'a>, Error> {
        match self.get(key) {
            Some(raw) => fields(raw, format_args!("{}.{key}", self.path())),
            None => Ok(Fields::new()),
        }
    }

    /// The address of an image or a document as a JSON string: its URL, or a `data:` URL of its data, whose type is
    /// `kind` unless the part has one.
    pub(in crate::wire) fn url(&self, kind: &str) -> Result<Cow<'a, str>, Error> {
        if let Some(url) = self.get("url") {
            check_url(&format!("{}.url", self.path()), url)?;
            return Ok(Cow::Borrowed(url));
        }
        let kind = self.get("media_type").map_or(kind, inner);
        let data = self
            .text("data")
            .map_err(|_| self.invalid(": it needs url, or data in base64"))?;
        let data = inner(data);
        Ok(Cow::Owned(format!("\"data:{kind};base64,{data}\"")))
    }

    /// The content of a tool's result. Without one, it is an empty text.
    pub(in crate::wire) fn content(&self) -> Result<Content<'a>, Error> {
        match self.get("content") {
            None => Ok(Content::Text("\"\"")),
            Some(raw) if raw.starts_with('"') => Ok(Content::Text(raw)),
            Some(raw) if raw.starts_with('[') => {
                let path = format!("{}.content", self.path());
                Ok(Content::Parts(self.form.read(raw, &path)?))
            }
            Some(_) => Err(self.invalid(".content: it must be a string or a list of parts")),
        }
    }

    /// An error about this part; `why` goes on from its path.
    pub(in crate::wire) fn invalid(&self, why: &str) -> Error {
        invalid(format!("{}{why}", self.path()))
    }

    /// Whether `model` was asked for it.
    pub(in crate::wire) fn is_of(&self, model: &str) -> bool {
        self.get("model").is_some_and(|raw| plain(raw) == model)
    }

    /// Whether it came from `provider`, by the API of this name.
    pub(in crate::wire) fn is_from(&self, provider: &Provider, api: &str) -> bool {
        let is_provider = |raw| plain(raw) == provider.name;
        self.get("provider").is_some_and(is_provider) && self.is_by(api)
    }

    /// Whether it came from another provider than this one, or by another API.
    pub(in crate::wire) fn is_of_another(&self, provider: &Provider, api: &str) -> bool {
        match self.get("provider") {
            Some(raw) => plain(raw) != provider.name || !self.is_by(api),
            None => self.get("api").is_some_and(|raw| plain(raw) != api),
        }
    }

    /// Whether it is a text that Gemini signed. Only the provider and the API that it came by take the signature.
    pub(in crate::wire) fn is_signed_text(&self) -> bool {
        self.kind == "text" && self.get("thoughtSignature").is_some()
    }

    /// Whether it only describes the reply that it came with, as what a candidate of Gemini has beside its parts. It is never
    /// sent back, and nothing of what was said is lost.
    pub(in crate::wire) fn only_describes(&self) -> bool {
        let is_beside = |raw| plain(raw) != "parts";
        self.kind == "opaque" && self.is_by("gemini") && self.get("field").is_some_and(is_beside)
    }

    /// Whether it came by the API of this name. A part that does not say so came by chat completions.
    pub(in crate::wire) fn is_by(&self, api: &str) -> bool {
        self.get("api")
            .map_or(api == UNNAMED_API, |raw| plain(raw) == api)
    }
}

/// The API of parts that name none.
const UNNAMED_API: &str = "chat";

/// What parts note, and no API has.
const NOTES: [&str; 4] = ["type", "provider", "api", "cache"];

/// A JSON string without its quotes.
pub(in crate::wire) fn inner(raw: &str) -> &str {
    raw.strip_prefix('"')
        .and_then(|raw| raw.strip_suffix('"'))
        .unwrap_or(raw)
}

/// The text of a JSON string; empty for any other value.
pub(in crate::wire) fn plain(raw: &str) -> Cow<'_, str> {
    let text = Reader::over(raw).string().unwrap_or_default();
    text.into_lossy()
}
