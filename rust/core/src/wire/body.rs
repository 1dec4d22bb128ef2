//! Reading the caller's JSON and writing a request body in one pass. Keys of `extra_body` win over ours.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;

use crate::error::{Error, ErrorKind};
use crate::json::{Kind, Reader, write_string};

/// Keys and JSON texts of an object, in its order.
pub(super) type Fields<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// So many keys are compared one by one, which is faster than a hash.
const FEW: usize = 8;

/// An error about a value that a request cannot hold. `message` begins with its path.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Validation, message)
}

/// The fields of a JSON object, the last one of each name; none for null.
pub(super) fn fields(raw: &str, path: impl Display) -> Result<Fields<'_>, Error> {
    let mut reader = Reader::over(raw);
    let mut fields = Fields::new();
    // The places of the keys, once there are many.
    let mut places = HashMap::new();
    match reader.peek()? {
        Kind::Null => return Ok(fields),
        Kind::Object => {}
        _ => {
            return Err(invalid(format!(
                "{path}: it must be an object (a dict with string keys)"
            )));
        }
    }
    reader.object(|reader, key| {
        let value = reader.raw()?;
        let place = if places.is_empty() {
            fields.iter().position(|(known, _)| known == key)
        } else {
            places.get(key).copied()
        };
        if let Some((_, known)) = place.and_then(|place| fields.get_mut(place)) {
            *known = value;
            return Ok(());
        }
        fields.push((Cow::Owned(key.to_owned()), value));
        if fields.len() > FEW {
            let unknown = fields.iter().enumerate().skip(places.len());
            places.extend(unknown.map(|(place, (key, _))| (key.to_string(), place)));
        }
        Ok(())
    })?;
    Ok(fields)
}

/// The value of a key.
pub(super) fn value<'a>(fields: &Fields<'a>, key: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(name, _)| name == key);
    found.map(|(_, raw)| *raw)
}

/// The items of a JSON list.
pub(super) fn items<'a>(raw: &'a str, path: &str) -> Result<Vec<&'a str>, Error> {
    let mut items = Vec::new();
    let is_list = Reader::over(raw).array_or_skip(|reader| {
        items.push(reader.raw()?);
        Ok(())
    })?;
    if is_list {
        return Ok(items);
    }
    Err(invalid(format!("{path}: it must be a list")))
}

/// A JSON object that is being written.
pub(super) struct Body<'a> {
    out: Vec<u8>,
    extra: Fields<'a>,
}

impl<'a> Body<'a> {
    /// Starts a body of about `size` bytes. The keys of `extra`, which is a JSON object or null, win over ours.
    pub(super) fn new(size: usize, extra: &'a str) -> Result<Self, Error> {
        let mut out = Vec::with_capacity(size);
        out.push(b'{');
        let extra = fields(extra, "extra_body")?;
        Ok(Self { out, extra })
    }

    /// Writes a key with a JSON value, unless `extra_body` has it.
    pub(super) fn raw(&mut self, key: &str, value: &str) {
        if let Some(out) = self.open(key) {
            out.extend_from_slice(value.as_bytes());
        }
    }

    /// Writes a key with a text, unless `extra_body` has it.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        if let Some(out) = self.open(key) {
            write_string(out, value);
        }
    }

    /// Writes a key with an object of ours. Where `extra_body` has an object too, the two are merged.
    pub(super) fn object(&mut self, key: &str, ours: &str) -> Result<(), Error> {
        let given = self.extra.iter().position(|(name, _)| name == key);
        match given.map(|at| self.extra.remove(at).1) {
            Some(theirs) => self.raw(key, &merged(ours, theirs)?),
            None => self.raw(key, ours),
        }
        Ok(())
    }

    /// What `extra_body` has under a key.
    pub(super) fn given(&self, key: &str) -> Option<&'a str> {
        let found = self.extra.iter().find(|(name, _)| name == key);
        found.map(|(_, raw)| *raw)
    }

    /// Writes a key whose value the caller writes next; `None` if `extra_body` has it.
    pub(super) fn open(&mut self, key: &str) -> Option<&mut Vec<u8>> {
        if self.extra.iter().any(|(name, _)| name == key) {
            return None;
        }
        self.key(key);
        Some(&mut self.out)
    }

    /// Ends the object.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for (key, value) in std::mem::take(&mut self.extra) {
            self.key(&key);
            self.out.extend_from_slice(value.as_bytes());
        }
        self.out.push(b'}');
        self.out
    }

    fn key(&mut self, key: &str) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        write_string(&mut self.out, key);
        self.out.push(b':');
    }
}

/// Both JSON values as one; the keys of `theirs` win. Objects are merged key by key, unless one of them has a `type`: that
/// says what the other keys mean. Any other value is replaced.
fn merged<'a>(ours: &'a str, theirs: &'a str) -> Result<Cow<'a, str>, Error> {
    if !(ours.starts_with('{') && theirs.starts_with('{')) {
        return Ok(Cow::Borrowed(theirs));
    }
    let mut both = fields(ours, "extra_body")?;
    let mut rest = fields(theirs, "extra_body")?;
    let is_typed = |fields: &Fields<'_>| fields.iter().any(|(key, _)| key == "type");
    if is_typed(&both) || is_typed(&rest) {
        return Ok(Cow::Borrowed(theirs));
    }
    let mut all = Vec::with_capacity(both.len() + rest.len());
    for (key, ours) in both.drain(..) {
        let given = rest.iter().position(|(name, _)| *name == key);
        let value = match given.map(|at| rest.remove(at).1) {
            Some(theirs) => merged(ours, theirs)?,
            None => Cow::Borrowed(ours),
        };
        all.push((key, value));
    }
    let rest = rest.into_iter();
    all.extend(rest.map(|(key, theirs)| (key, Cow::Borrowed(theirs))));
    let all = all.iter().map(|(key, value)| (&**key, &**value));
    Ok(Cow::Owned(object(all)))
}

/// The JSON object with these keys and JSON values.
pub(super) fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = Vec::new();
    for (key, json) in fields {
        field(&mut out, key, json);
    }
    match out.first_mut() {
        // Every field begins with a comma.
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes a comma, a key and a JSON value.
pub(super) fn field(out: &mut Vec<u8>, key: &str, json: &str) {
    out.push(b',');
    write_string(out, key);
    out.push(b':');
    out.extend_from_slice(json.as_bytes());
}
