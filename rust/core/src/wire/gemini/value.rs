//! Values of a call's arguments, as they were written.

use std::borrow::Cow;

use super::arguments::push_name;
use crate::json::{self, Kind, Reader};
use crate::places::Places;

/// A value. Texts keep their escapes, because a piece may end with half of a character, and numbers keep their digits.
#[derive(Debug)]
pub(super) enum Node {
    /// The inside of a JSON string.
    Text(String),
    /// The JSON text of a number, a boolean or null.
    Plain(Cow<'static, str>),
    Object(Members),
    List(Vec<Node>),
}

/// The members of an object, in the order in which their names first came.
#[derive(Debug, Default)]
pub(super) struct Members {
    places: Places<String>,
    list: Vec<(String, Node)>,
}

impl Node {
    pub(super) const NULL: Self = Self::Plain(Cow::Borrowed("null"));

    /// Reads the one value in `text`; `None` if it has more than `most` values in it.
    pub(super) fn read(text: &str, most: usize) -> Option<Self> {
        let mut left = most;
        let mut reader = Reader::over(text);
        let node = Self::next(&mut reader, &mut left).ok()?;
        reader.end().ok()?;
        Some(node)
    }

    fn next(reader: &mut Reader<'_>, left: &mut usize) -> Result<Self, json::Error> {
        *left = left.checked_sub(1).ok_or(TOO_MANY)?;
        Ok(match reader.peek()? {
            Kind::String => Self::Text(inside(reader.raw()?).to_owned()),
            Kind::Array => {
                let mut list = Vec::new();
                reader.array(|reader| {
                    list.push(Self::next(reader, left)?);
                    Ok(())
                })?;
                Self::List(list)
            }
            Kind::Object => {
                let mut members = Members::default();
                reader.object(|reader, key| {
                    *members.get_mut(key) = Self::next(reader, left)?;
                    Ok(())
                })?;
                Self::Object(members)
            }
            Kind::Null | Kind::Bool | Kind::Number => {
                Self::Plain(Cow::Owned(reader.raw()?.to_owned()))
            }
        })
    }

    /// Writes it as JSON.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Text(inside) => {
                out.push('"');
                out.push_str(inside);
                out.push('"');
            }
            Self::Plain(text) => out.push_str(text),
            Self::List(list) => {
                out.push('[');
                for (at, node) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    node.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, node)) in members.list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    push_name(out, name);
                    node.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Whether this is what `whole` is, or, if it may grow, a beginning of that.
    pub(super) fn begins(&self, whole: &Self, may_grow: bool) -> bool {
        let has_length = |one: usize, other: usize| one == other || may_grow && one < other;
        match (self, whole) {
            (Self::Text(one), Self::Text(other)) => {
                let (one, other) = (unescaped(one), unescaped(other));
                has_length(one.len(), other.len()) && other.starts_with(&*one)
            }
            (Self::Plain(one), Self::Plain(other)) => {
                one == other || number(one).is_some_and(|one| number(other) == Some(one))
            }
            (Self::List(list), Self::List(others)) => {
                let mut pairs = list.iter().zip(others);
                has_length(list.len(), others.len())
                    && pairs.all(|(one, other)| one.begins(other, may_grow))
            }
            (Self::Object(members), Self::Object(others)) => {
                has_length(members.list.len(), others.list.len())
                    && members.list.iter().all(|(name, one)| {
                        let other = others.get(name);
                        other.is_some_and(|other| one.begins(other, may_grow))
                    })
            }
            _ => false,
        }
    }
}

impl Members {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let at = self.places.get(name)?;
        self.list.get(at).map(|(_, node)| node)
    }

    /// The value of this name, which is null if there was none.
    pub(super) fn get_mut(&mut self, name: &str) -> &mut Node {
        let at = self.places.get(name).unwrap_or_else(|| {
            self.places.set(name.to_owned(), self.list.len());
            self.list.push((name.to_owned(), Node::NULL));
            self.list.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "the places are those of the list")]
        &mut self.list[at].1
    }
}

const TOO_MANY: json::Error = json::Error {
    offset: 0,
    what: "too many values",
};

/// A JSON string without its quotes.
pub(super) fn inside(raw: &str) -> &str {
    let rest = raw.strip_prefix('"').unwrap_or(raw);
    rest.strip_suffix('"').unwrap_or(rest)
}

/// The text of the inside of a JSON string.
fn unescaped(inside: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Cow::Borrowed(inside);
    }
    let json = format!("\"{inside}\"");
    let text = Reader::over(&json).string();
    Cow::Owned(text.map_or_else(|_| inside.to_owned(), |text| text.into_lossy().into_owned()))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}
