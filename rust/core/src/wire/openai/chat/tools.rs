//! Finds the tool call that a fragment belongs to. Servers differ in indices, ids and names.

use crate::json::{Error, Kind, Reader, SurrogateJoin, Text};
use crate::message::ToolCallDelta;

/// The tool calls that one choice has begun.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
}

#[derive(Debug, Default)]
struct Call {
    /// The server's index. It may be missing, repeated or out of order.
    index: Option<i64>,
    id: Option<String>,
    name: String,
    has_arguments: bool,
    join: SurrogateJoin,
}

/// A fragment as the server sent it.
#[derive(Debug, Default)]
struct Fragment<'a> {
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
        Reader::over(raw).array_or_skip(|reader| {
            let mut fragment = Fragment::default();
            if reader.object_or_skip(|reader, key| entry(&mut fragment, reader, key))? {
                let at = if whole { None } else { self.find(&fragment) };
                self.add(at, fragment, out);
            }
            Ok(())
        })?;
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
            self.add(at, fragment, out);
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
            Some(_) => self
                .calls
                .iter()
                .rposition(|call| call.index == fragment.index)?,
            None => match self.calls.iter().rposition(same_id) {
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

    fn add(&mut self, at: Option<usize>, fragment: Fragment<'_>, out: &mut Vec<ToolCallDelta>) {
        let at = at.unwrap_or_else(|| {
            self.calls.push(Call {
                index: fragment.index,
                ..Call::default()
            });
            self.calls.len() - 1
        });
        let Some(call) = self.calls.get_mut(at) else {
            return;
        };
        let id = fragment.id.filter(|_| call.id.is_none());
        call.id = call.id.take().or_else(|| id.clone());
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
    }
}

/// Reads a field of an entry of `tool_calls`.
fn entry<'a>(fragment: &mut Fragment<'a>, reader: &mut Reader<'a>, key: &str) -> Result<(), Error> {
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
) -> Result<(), Error> {
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
