//! Joins the pieces of a call's arguments, each of which says where it belongs, into one JSON text.
//!
//! A server writes the arguments from their beginning to their end, so the text can grow as they arrive: a piece goes on with
//! the value before it, or is the next value in an object or a list that is open. Should a piece belong to a value that
//! is complete, the text stays as it is until the call ends, and each member of the arguments that has changed is then
//! written again: a reader of JSON takes the last one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::late::Late;
use super::path::{Step, steps};
use super::value::{Node, inside};
use crate::error::{Error, ErrorKind};
use crate::json::{self, Kind, Reader, push_string, strict};
use crate::redact::one_line;
use crate::wire::most::MOST;

/// How many items of a list may be missing between two that come one after the other. They are null.
pub(super) const MOST_MISSING: usize = 64;

/// The arguments of a call that grows.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// All of the text so far.
    text: String,
    /// How much of it was passed on.
    taken: usize,
    /// The objects and lists that are open. The first is the arguments.
    open: Vec<Level>,
    /// Whether a string is open.
    in_string: bool,
    /// The path of the last piece.
    path: String,
    late: Option<Box<Late>>,
}

/// An object or a list that is open.
#[derive(Debug)]
struct Level {
    /// The last of its members.
    last: Step,
    /// Hashes of the names of its members.
    names: HashSet<u64>,
}

/// A value, or a piece of one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    /// The inside of a JSON string.
    Text(&'a str),
    /// The JSON text of any other value.
    Whole(&'a str),
}

/// One of the `partialArgs` of a call.
#[derive(Debug, Default)]
pub(super) struct Piece<'a> {
    path: Option<Cow<'a, str>>,
    value: Option<Value<'a>>,
}

impl<'a> Piece<'a> {
    /// Reads one.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, json::Error> {
        let mut piece = Self::default();
        reader.object_or_skip(|reader, key| {
            match (key, reader.peek()?) {
                ("jsonPath", Kind::String) => piece.path = Some(reader.string()?.into_lossy()),
                ("stringValue", Kind::String) => {
                    piece.value = Some(Value::Text(inside(reader.raw()?)));
                }
                ("nullValue", _) => {
                    reader.skip()?;
                    piece.value = Some(Value::Whole("null"));
                }
                // The JSON form of Protocol Buffers quotes the numbers that JSON lacks.
                ("numberValue", Kind::String) => {
                    let number = reader.raw()?;
                    let digits = number.trim_matches('"');
                    let mut inside = Reader::over(digits);
                    let is_number = inside.number().and_then(|_| inside.end()).is_ok();
                    piece.value = Some(Value::Whole(if is_number { digits } else { "null" }));
                }
                (key, kind) if key.ends_with("Value") => {
                    let raw = reader.raw()?;
                    if kind != Kind::Null {
                        piece.value = Some(Value::Whole(raw));
                    }
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(piece)
    }
}

impl Arguments {
    /// Adds a piece.
    pub(super) fn piece(&mut self, piece: Piece<'_>) -> Result<(), Error> {
        match (piece.path, piece.value) {
            (Some(path), Some(value)) => self.add(&path, value),
            // It only says that a value begins or ends.
            _ => Ok(()),
        }
    }

    /// Whether these are the arguments `whole`, or, if they may grow, a beginning of them.
    pub(super) fn begins(&self, whole: &str, may_grow: bool) -> bool {
        let known = if may_grow {
            Cow::Owned(self.as_if_ended())
        } else {
            Cow::Borrowed(&*self.text)
        };
        let read = |text| Node::read(text, MOST);
        match (read(&known), read(whole)) {
            (Some(known), Some(whole)) => known.begins(&whole, may_grow),
            _ => false,
        }
    }

    /// The text, closed.
    fn as_if_ended(&self) -> String {
        match &*self.text {
            "" => "{}".to_owned(),
            text => format!("{text}{}", self.closing(0)),
        }
    }

    /// Takes arguments that are here in full, after the pieces of them that arrived. `ends` says whether nothing follows.
    pub(super) fn whole(&mut self, raw: &str, ends: bool) -> Result<(), Error> {
        if ends && self.late.is_none() && self.complete(raw) {
            return Ok(());
        }
        let mut failed = Ok(());
        Reader::over(raw).object_or_skip(|reader, key| {
            let raw = reader.raw()?;
            if failed.is_ok() {
                failed = self.late().and_then(|late| late.replace(key, raw));
            }
            Ok(())
        })?;
        failed
    }

    /// Goes on to the end of `whole`, if that begins as the text does. Only [`Self::end`] may follow then.
    fn complete(&mut self, whole: &str) -> bool {
        let Some(whole) = Node::read(&strict(whole), MOST) else {
            return false;
        };
        let mut text = String::with_capacity(self.text.len());
        whole.write(&mut text);
        text.pop();
        let goes_on = text.starts_with(&self.text);
        if goes_on {
            self.text = text;
            self.in_string = false;
            self.open.truncate(1);
        }
        goes_on
    }

    fn add(&mut self, path: &str, value: Value<'_>) -> Result<(), Error> {
        if let Value::Text(text) = value
            && self.in_string
            && self.late.is_none()
            && self.path == path
        {
            self.text.push_str(text);
            return Ok(());
        }
        let Some(steps) = steps(path) else {
            let shown = one_line(path, 60);
            let message =
                format!("a piece of a tool call has a jsonPath that names no argument: {shown}");
            return Err(Error::new(ErrorKind::Decode, message));
        };
        if self.late.is_none() && self.enter(&steps)? {
            path.clone_into(&mut self.path);
            self.write(value);
            return Ok(());
        }
        self.late()?.add(&steps, value)
    }

    /// Opens what contains the next value, and names it. Returns whether the text can go on with it.
    fn enter(&mut self, steps: &[Step]) -> Result<bool, Error> {
        let same = self.open.iter().zip(steps);
        let same = same
            .take_while(|(level, step)| level.last == **step)
            .count();
        let Some(next) = steps.get(same) else {
            return Ok(false);
        };
        if let Some(level) = self.open.get_mut(same) {
            // The next member of something that is open.
            let missing = match level.follow(next) {
                Some(missing) if missing <= MOST_MISSING => missing,
                Some(_) => return Err(missing_items()),
                None => return Ok(false),
            };
            self.close_to(same + 1);
            self.text.push(',');
            self.name(next, missing);
        } else if self.open.is_empty() {
            self.begin(next)?;
        } else {
            // The last value is not an object or a list.
            return Ok(false);
        }
        for step in steps.get(same + 1..).unwrap_or_default() {
            self.begin(step)?;
        }
        Ok(true)
    }

    /// Begins an object or a list with its first member.
    fn begin(&mut self, first: &Step) -> Result<(), Error> {
        let (open, missing) = match first {
            Step::Name(_) => ('{', 0),
            Step::Index(index) => ('[', *index),
        };
        if missing > MOST_MISSING {
            return Err(missing_items());
        }
        self.text.push(open);
        self.name(first, missing);
        let mut level = Level {
            last: first.clone(),
            names: HashSet::new(),
        };
        if let Step::Name(name) = first {
            level.names.insert(hash(name));
        }
        self.open.push(level);
        Ok(())
    }

    /// Writes what comes before a value.
    fn name(&mut self, step: &Step, missing: usize) {
        match step {
            Step::Name(name) => push_name(&mut self.text, name),
            Step::Index(_) => self.text.extend(std::iter::repeat_n("null,", missing)),
        }
    }

    fn write(&mut self, value: Value<'_>) {
        match value {
            Value::Text(text) => {
                self.in_string = true;
                self.text.push('"');
                self.text.push_str(text);
            }
            Value::Whole(raw) => self.text.push_str(&strict(raw)),
        }
    }

    /// Closes the string that is open, and all objects and lists but the first `keep`.
    fn close_to(&mut self, keep: usize) {
        self.text.push_str(&self.closing(keep));
        self.in_string = false;
        self.open.truncate(keep);
    }

    /// What is missing at the end of the text, if the first `keep` objects and lists stay open.
    fn closing(&self, keep: usize) -> String {
        let mut closing = String::new();
        if self.in_string {
            closing.push('"');
        }
        for level in self.open.iter().skip(keep).rev() {
            closing.push(match level.last {
                Step::Name(_) => '}',
                Step::Index(_) => ']',
            });
        }
        closing
    }

    /// What does not go on with the text.
    fn late(&mut self) -> Result<&mut Late, Error> {
        if self.late.is_none() {
            self.late = Some(Box::new(Late::after(&self.as_if_ended())?));
        }
        #[allow(clippy::unwrap_used, reason = "it has just been set")]
        Ok(self.late.as_mut().unwrap())
    }

    /// What was added since the last time.
    pub(super) fn take(&mut self) -> String {
        let new = self.text.get(self.taken..).unwrap_or_default().to_owned();
        self.taken = self.text.len();
        new
    }

    /// Ends the arguments, which are complete.
    pub(super) fn end(&mut self) {
        self.close_to(1);
        if self.text.is_empty() {
            self.text.push('{');
        }
        if let Some(late) = self.late.take() {
            late.write(&mut self.text);
        }
        self.text.push('}');
    }
}

impl Level {
    /// Notes the next member. Returns how many are missing before it; `None` if it cannot follow the last one.
    fn follow(&mut self, next: &Step) -> Option<usize> {
        let missing = match (&self.last, next) {
            (Step::Name(_), Step::Name(name)) => self.names.insert(hash(name)).then_some(0),
            (Step::Index(last), Step::Index(next)) => next.checked_sub(*last)?.checked_sub(1),
            _ => None,
        }?;
        if missing <= MOST_MISSING {
            self.last = next.clone();
        }
        Some(missing)
    }
}

/// Writes the name of a member, with its colon.
pub(super) fn push_name(text: &mut String, name: &str) {
    push_string(text, name);
    text.push(':');
}

pub(super) fn missing_items() -> Error {
    let message =
        format!("a piece of a tool call leaves out more than {MOST_MISSING} items of a list");
    Error::new(ErrorKind::Decode, message)
}

/// Two names with one hash are taken for one, which costs only time.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
