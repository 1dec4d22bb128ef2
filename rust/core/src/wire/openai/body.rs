//! Writing a request body in one pass. Keys of `extra_body` win over ours.

use std::borrow::Cow;

use super::params::{Logprobs, Parameters};
use crate::error::{Error, ErrorKind};
use crate::json::{Kind, Reader, write_string};
use crate::request::Request;
use crate::wire::dialect::{Dialect, Provider};
use crate::wire::lookup::find;

/// Keys and JSON texts of an object, in its order.
pub(super) type Fields<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// A JSON object that is being written.
pub(super) struct Body<'a> {
    out: Vec<u8>,
    extra: Fields<'a>,
    params: Fields<'a>,
    stream: bool,
    stream_usage: bool,
    provider: &'a Provider,
}

impl<'a> Body<'a> {
    /// Begins the body of `request`.
    pub(super) fn new(request: &Request<'a>, provider: &'a Provider) -> Result<Self, Error> {
        let mut out = Vec::with_capacity(request.input.get().len() + 256);
        out.push(b'{');
        Ok(Self {
            out,
            extra: fields(
                request.extra_body.map_or("null", |raw| raw.get()),
                "extra_body",
            )?,
            params: fields(request.params.map_or("null", |raw| raw.get()), "params")?,
            stream: request.stream,
            stream_usage: provider.stream_options && request.stream_usage != Some(false),
            provider,
        })
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

    /// Begins a key's value, which the caller writes; `None` where `extra_body` has it.
    pub(super) fn open(&mut self, key: &str) -> Option<&mut Vec<u8>> {
        if self.extra.iter().any(|(name, _)| name == key) {
            return None;
        }
        self.key(key);
        Some(&mut self.out)
    }

    /// Writes all parameters, those of `dialect`, and what a stream needs.
    pub(super) fn params(&mut self, dialect: &dyn Dialect, form: &Parameters) -> Result<(), Error> {
        let mut limit = None;
        for (name, value) in std::mem::take(&mut self.params) {
            let param = find(dialect, self.provider, &name)?;
            // `None` is how Python says that nothing was set.
            if value == "null" {
                continue;
            }
            param.check(value)?;
            match param.name {
                "max_tokens" | "max_completion_tokens" => {
                    if let Some(other) = limit.replace(param.name) {
                        return Err(Error::new(
                            ErrorKind::Config,
                            format!(
                                "params.{name}: {other} is set too; they are one limit, set one of them"
                            ),
                        ));
                    }
                    let field = form.limit_field.unwrap_or(&self.provider.max_tokens_field);
                    self.raw(field, value);
                }
                "seed" => self.raw(&self.provider.seed_field, value),
                "logprobs" => self.logprobs(value, form.logprobs),
                name => self.raw(name, value),
            }
        }
        if self.stream {
            self.raw("stream", "true");
            if self.stream_usage {
                self.raw("stream_options", r#"{"include_usage":true}"#);
            }
        }
        Ok(())
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

    fn logprobs(&mut self, value: &str, form: Logprobs) {
        match (value, form) {
            ("false", Logprobs::Count) => {}
            ("true", Logprobs::Count) => self.raw("logprobs", "1"),
            (_, Logprobs::Count) | ("true" | "false", _) => self.raw("logprobs", value),
            (count, Logprobs::FlagAndCount) => {
                self.raw("logprobs", "true");
                self.raw("top_logprobs", count);
            }
        }
    }

    fn key(&mut self, key: &str) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        write_string(&mut self.out, key);
        self.out.push(b':');
    }
}

/// The fields of a JSON object, the last one of each name; none for null.
pub(super) fn fields<'a>(raw: &'a str, path: &str) -> Result<Fields<'a>, Error> {
    let mut reader = Reader::over(raw);
    let mut fields = Fields::new();
    match reader.peek()? {
        Kind::Null => return Ok(fields),
        Kind::Object => {}
        _ => {
            let message = format!("{path}: it must be an object (a dict with string keys)");
            return Err(Error::new(ErrorKind::Validation, message));
        }
    }
    reader.object(|reader, key| {
        let value = reader.raw()?;
        match fields.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = value,
            None => fields.push((Cow::Owned(key.to_owned()), value)),
        }
        Ok(())
    })?;
    Ok(fields)
}
