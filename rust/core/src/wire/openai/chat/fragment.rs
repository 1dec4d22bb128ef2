//! Reads a fragment of a tool call as the server sent it.

use crate::json::{Error, Kind, Reader, Text};
use crate::message::{Extra, RawJson};

/// A fragment as the server sent it, or a whole call.
#[derive(Debug, Default)]
pub(super) struct Fragment<'a> {
    pub(super) index: Option<i64>,
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: Text<'a>,
    /// What else it has; see [`crate::message::ToolCall::extra`].
    pub(super) extra: Extra,
}

impl<'a> Fragment<'a> {
    /// Reads an entry of `tool_calls`. Returns whether it is an object.
    pub(super) fn read_call(&mut self, reader: &mut Reader<'a>) -> Result<bool, Error> {
        let call = self;
        let mut function = Self::default();
        let found = reader.object_or_skip(|reader, key| match key {
            "index" => call.read_index(reader),
            "id" => {
                let id = match reader.peek()? {
                    Kind::Number => Some(reader.number()?.to_owned()),
                    _ => reader
                        .string_or_skip()?
                        .map(|id| id.into_lossy().into_owned()),
                };
                call.id = id.filter(|id| !id.is_empty() && id != "null");
                Ok(())
            }
            "type" => {
                let raw = reader.raw()?;
                if !matches!(raw, "\"function\"" | "\"custom\"" | "\"\"") {
                    call.keep(key, raw);
                }
                Ok(())
            }
            "function" => {
                // Read in place: a fragment is large.
                if function.says_nothing() {
                    return function.read_function(reader);
                }
                let again = Self::of_function(reader)?;
                if !again.says_nothing() {
                    function = again;
                }
                Ok(())
            }
            "custom" => {
                if reader.peek()? != Kind::Object {
                    return reader.skip();
                }
                let custom = Self::of_function(reader)?;
                // Some servers send both, and one of them is empty.
                if custom.says_nothing() && !function.says_nothing() {
                    return Ok(());
                }
                function = custom;
                let extra = function.extra.take("function");
                if let Some(extra) = extra.or_else(|| RawJson::read("{}")) {
                    function.extra.push("custom", &extra);
                }
                Ok(())
            }
            _ => call.field(reader, key),
        })?;
        // Some servers put the name and the arguments beside the function, or leave the function out.
        if !function.name.is_empty() {
            call.name = function.name;
        }
        if !function.arguments.is_empty() {
            call.arguments = function.arguments;
        }
        if !function.extra.is_empty() {
            call.extra.append(&function.extra);
        }
        Ok(found)
    }

    /// Reads the function that a call names. What else that has is under `function` in its extra keys.
    pub(super) fn of_function(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut function = Self::default();
        function.read_function(reader)?;
        Ok(function)
    }

    fn read_function(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        reader.object_or_skip(|reader, key| self.field(reader, key))?;
        if !self.extra.is_empty() {
            let object = self.extra.object();
            self.extra = Extra::default();
            self.keep("function", &object);
        }
        Ok(())
    }

    /// Servers without a call send an empty one.
    pub(super) fn says_nothing(&self) -> bool {
        self.id.is_none()
            && self.name.is_empty()
            && self.arguments.is_empty()
            && self.extra.is_empty()
    }

    fn field(&mut self, reader: &mut Reader<'a>, key: &str) -> Result<(), Error> {
        match key {
            "name" => {
                let name = reader.string_or_skip()?.unwrap_or_default();
                self.name = name.into_lossy().into_owned();
            }
            // Some servers send an object instead of its text.
            "arguments" | "input" => {
                let text = match reader.peek()? {
                    Kind::String => reader.string()?,
                    _ => Text::plain(reader.raw_or_null()?.unwrap_or_default()),
                };
                if key == "arguments" && !text.is_empty() || self.arguments.is_empty() {
                    self.arguments = text;
                }
            }
            key => {
                let raw = reader.raw()?;
                self.keep(key, raw);
            }
        }
        Ok(())
    }

    fn read_index(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.index = if reader.peek()? == Kind::Number {
            reader.number()?.parse().ok()
        } else {
            reader.raw()?.trim_matches('"').parse().ok()
        };
        Ok(())
    }

    fn keep(&mut self, key: &str, raw: &str) {
        if raw != "null"
            && let Some(json) = RawJson::read(raw)
        {
            self.extra.push(key, &json);
        }
    }
}
