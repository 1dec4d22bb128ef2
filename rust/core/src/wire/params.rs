//! What a request parameter is, and how its value is checked.

use super::shown::{cut, one_line};
use crate::error::{Error, ErrorKind};
use crate::json::{Kind, Reader};

/// A request parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Our name for it.
    pub name: &'static str,
    kind: Type,
}

/// What its value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Bool,
    Number,
    Integer,
    /// An integer from 1.
    Count,
    /// An integer from 0: with `echo`, no new token may be wanted.
    FromZero,
    /// A flag, or an integer from 0.
    BoolOrCount,
    /// A string or a list of strings.
    Texts,
    Object,
    Objects,
    TextOrObject,
}

/// A parameter of this name and type.
pub(super) const fn param(name: &'static str, kind: Type) -> Param {
    Param { name, kind }
}

impl Param {
    /// Checks a value's type; ranges are the server's to judge.
    pub(super) fn check(&self, raw: &str) -> Result<(), Error> {
        let fits = self.kind.fits(raw)?;
        if fits {
            return Ok(());
        }
        let shown = one_line(cut(raw, 60));
        Err(Error::new(
            ErrorKind::Validation,
            format!(
                "params.{}: it must be {}, not {shown}",
                self.name,
                self.kind.described()
            ),
        ))
    }
}

impl Type {
    fn fits(self, raw: &str) -> Result<bool, crate::json::Error> {
        let kind = Reader::over(raw).peek()?;
        Ok(match self {
            Self::Text => kind == Kind::String,
            Self::Bool => kind == Kind::Bool,
            Self::Number => kind == Kind::Number,
            Self::Integer => is_integer(raw),
            Self::Count => is_integer(raw) && !raw.starts_with(['-', '0']),
            Self::FromZero => is_integer(raw) && !raw.starts_with('-'),
            Self::BoolOrCount => kind == Kind::Bool || is_integer(raw) && !raw.starts_with('-'),
            Self::Texts => kind == Kind::String || is_list_of(raw, Kind::String)?,
            Self::Object => kind == Kind::Object,
            Self::Objects => is_list_of(raw, Kind::Object)?,
            Self::TextOrObject => matches!(kind, Kind::String | Kind::Object),
        })
    }

    fn described(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Count => "a whole number from 1",
            Self::FromZero => "a whole number from 0",
            Self::BoolOrCount => "true, false or a whole number from 0",
            Self::Texts => "a string or a list of strings",
            Self::Object => "an object",
            Self::Objects => "a list of objects",
            Self::TextOrObject => "a string or an object",
        }
    }
}

fn is_integer(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_list_of(raw: &str, wanted: Kind) -> Result<bool, crate::json::Error> {
    let mut all = true;
    let list = Reader::over(raw).array_or_skip(|reader| {
        all &= reader.peek()? == wanted;
        reader.skip()
    })?;
    Ok(list && all)
}
