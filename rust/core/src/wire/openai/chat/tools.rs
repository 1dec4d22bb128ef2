//! Finds the tool call that a fragment belongs to. Servers differ in indices, ids and names.

use super::most::{MOST, too_many};
use crate::error::Error;
use crate::json::{self, Kind, Reader, SurrogateJoin, Text};
use crate::message::ToolCallDelta;
use crate::places::Places;

/// The tool calls that one choice has begun.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// The last call with each index, and with each id.
    by_index: Places<i64>,
    by_id: Places<String>,
}

#[derive(Debug, Default)]
struct Call {
    id: Option<String>,
    name: String,
    has_arguments: bool,
    join: SurrogateJoin,
}

/// A fragment as the server sent it.
#[derive(Debug, Default)]
struct Fragment<'a> {
    /// The server's index. It may be missing, repeated or out of order.
    index: Option<i64>,
    id: Option<String>,
    name: String,
    arguments: Text<'a>,
}

/// The index of the only call that the old `function_call` field can have.
const FUNCTION_CALL: i64 = i64::MIN;

impl Calls {
    /// Whether any call has begun.
    pub(super) fn any(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Reads a `tool_calls` list. In a `whole` message each entry is a separate call.
    pub(super) fn read(
        &mut self,
        raw: &str,
        whole: bool,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<(), Error> {
        let mut is_full = false;
        Reader::over(raw).array_or_skip(|reader| {
            if is_full {
                return reader.skip();
            }
            let mut fragment = Fragment::default();
            if reader.object_or_skip(|reader, key| entry(&mut fragment, reader, key))? {
                let at = if whole { None } else { self.find(&fragment) };
                is_full = !self.add(at, fragment, out);
            }
            Ok(())
        })?;
        if is_full {
            return Err(too_many("tool calls in one choice"));
        }
        Ok(())
    }

    /// Reads the older field that `tool_calls` replaced.
    pub(super) fn read_function_call(
        &mut self,
        raw: &str,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<(), Error> {
        let mut fragment = Fragment {
            index: Some(FUNCTION_CALL),
            ..Fragment::default()
        };
        Reader::over(raw).object_or_skip(|reader, key| function(&mut fragment, reader, key))?;
        // Servers without such a call send an empty one.
        if !(fragment.name.is_empty() && fragment.arguments.is_empty()) {
            let at = self.find(&fragment);
            if !self.add(at, fragment, out) {
                return Err(too_many("tool calls in one choice"));
            }
        }
        Ok(())
    }

    /// The call that a fragment continues; `None` if it begins one.
    ///
    /// A fragment with the same index and the same or no id continues a call. A new id begins a call, but only
    /// together with a name, because old servers drew a new random id for each fragment. A name after arguments
    /// begins one too. A fragment without an index and an id continues the last call.
    fn find(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let same_id = |call: &Call| fragment.id.is_some() && call.id == fragment.id;
        let at = match fragment.index {
            Some(index) => self.by_index.get(&index)?,
            None => match fragment.id.as_ref().and_then(|id| self.by_id.get(id)) {
                Some(at) => return Some(at),
                None => self.calls.len().checked_sub(1)?,
            },
        };
        let call = self.calls.get(at)?;
        if same_id(call) || fragment.name.is_empty() {
            return Some(at);
        }
        let other_id = fragment.id.is_some() && (call.id.is_some() || fragment.index.is_none());
        let other_name = call.has_arguments && call.name != fragment.name;
        (!other_id && !other_name).then_some(at)
    }

    /// Adds a fragment to the call at `at`, or as a call of its own. Returns false if there are too many calls.
    fn add(
        &mut self,
        at: Option<usize>,
        fragment: Fragment<'_>,
        out: &mut Vec<ToolCallDelta>,
    ) -> bool {
        let at = at.unwrap_or(self.calls.len());
        if at == MOST {
            return false;
        }
        if at == self.calls.len() {
            self.calls.push(Call::default());
            if let Some(index) = fragment.index {
                self.by_index.set(index, at);
            }
        }
        let Some(call) = self.calls.get_mut(at) else {
            return true;
        };
        let id = fragment.id.filter(|_| call.id.is_none());
        if let Some(id) = &id {
            call.id = Some(id.clone());
            if self.by_id.get(id).is_none_or(|last| last < at) {
                self.by_id.set(id.clone(), at);
            }
        }
        // A name is sent whole, in pieces, or again in each fragment.
        let name = (!fragment.name.is_empty() && fragment.name != call.name && !call.has_arguments)
            .then_some(fragment.name);
        call.name.push_str(name.as_deref().unwrap_or_default());
        call.has_arguments |= !fragment.arguments.is_empty();
        out.push(ToolCallDelta {
            index: u32::try_from(at).unwrap_or(u32::MAX),
            id,
            name,
            arguments: call.join.push(fragment.arguments).into_owned(),
        });
        true
    }
}

/// Reads a field of an entry of `tool_calls`.
fn entry<'a>(
    fragment: &mut Fragment<'a>,
    reader: &mut Reader<'a>,
    key: &str,
) -> Result<(), json::Error> {
    match key {
        "index" if reader.peek()? == Kind::Number => {
            fragment.index = reader.number()?.parse().ok();
        }
        "id" => {
            fragment.id = reader
                .string_or_skip()?
                .map(|id| id.into_lossy().into_owned())
                .filter(|id| !id.is_empty() && id != "null");
        }
        "function" | "custom" => {
            reader.object_or_skip(|reader, key| function(fragment, reader, key))?;
        }
        _ => reader.skip()?,
    }
    Ok(())
}

/// Reads a field of the function that a call names.
fn function<'a>(
    fragment: &mut Fragment<'a>,
    reader: &mut Reader<'a>,
    key: &str,
) -> Result<(), json::Error> {
    match key {
        "name" => {
            let name = reader.string_or_skip()?;
            fragment.name = name
                .map(|name| name.into_lossy().into_owned())
                .unwrap_or_default();
        }
        // Some servers send an object instead of its text.
        "arguments" | "input" => {
            fragment.arguments = match reader.peek()? {
                Kind::String => reader.string()?,
                _ => Text::plain(reader.raw_or_null()?.unwrap_or_default()),
            }
        }
        _ => reader.skip()?,
    }
    Ok(())
}
