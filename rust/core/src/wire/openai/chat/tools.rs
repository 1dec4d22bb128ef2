//! Finds the tool call that a fragment belongs to. Servers differ in indices, ids and names.

use super::fragment::Fragment;
use super::progress::Progress;
use crate::error::Error;
use crate::json::{Reader, SurrogateJoin, Text};
use crate::message::ToolCallDelta;
use crate::places::Places;
use crate::wire::call_id::made_up;
use crate::wire::most::{MOST, too_many};

/// The tool calls that one choice has begun.
#[derive(Debug, Default)]
pub(super) struct Calls {
    begun: Vec<Call>,
    /// The last call at each of the server's indices.
    by_index: Places<i64>,
    /// The last call with each of the server's ids.
    by_id: Places<String>,
    /// The last call, while its id has not arrived.
    without_id: Option<usize>,
    /// Whether `tool_calls` has had a call, so that the older field only repeats it.
    listed: bool,
    /// How many calls had begun before the list that is being read.
    before: usize,
}

#[derive(Debug, Default)]
struct Call {
    /// The server's index. It may be missing, repeated or out of order.
    index: Option<i64>,
    /// The server's id, which another call may have too.
    id: Option<String>,
    name: String,
    arguments: Progress,
    /// Whether the name came again after complete arguments. The next arguments then belong to another call.
    again: bool,
    /// Whether all of it came in the older field, so that the list only repeats it.
    is_closed: bool,
    join: SurrogateJoin,
}

/// The index of the only call that the old `function_call` field can have.
const FUNCTION_CALL: i64 = i64::MIN;

impl Calls {
    /// How many calls have begun.
    pub(super) fn len(&self) -> usize {
        self.begun.len()
    }

    /// Whether any call has begun.
    pub(super) fn any(&self) -> bool {
        !self.begun.is_empty()
    }

    /// Reads a `tool_calls` list of a stream.
    pub(super) fn read(&mut self, raw: &str, out: &mut Vec<ToolCallDelta>) -> Result<(), Error> {
        self.each(raw, |calls, mut fragment| {
            let older = calls.older(&mut fragment);
            let at = older.or_else(|| calls.find(&mut fragment));
            calls.add(at, fragment, out);
        })
    }

    /// Reads the `tool_calls` list of a whole message, in which each entry is a call. The first `known` ones have
    /// been read from fragments.
    pub(super) fn read_whole(
        &mut self,
        raw: &str,
        mut known: usize,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<(), Error> {
        self.each(raw, |calls, fragment| {
            if known > 0 {
                known -= 1;
            } else {
                calls.add(None, fragment, out);
            }
        })
    }

    fn each(
        &mut self,
        raw: &str,
        mut take: impl FnMut(&mut Self, Fragment<'_>),
    ) -> Result<(), Error> {
        // Those that continue a call, too, take many times their bytes.
        let mut entries = 0;
        self.before = self.begun.len();
        let mut entry = |reader: &mut Reader<'_>| {
            entries += 1;
            if entries > MOST || self.begun.len() > MOST {
                return reader.skip();
            }
            let mut fragment = Fragment::default();
            if fragment.read_call(reader)? {
                take(self, fragment);
                self.listed = true;
            }
            Ok(())
        };
        let mut reader = Reader::over(raw);
        // Some servers send their only call without a list.
        if raw.starts_with('{') {
            entry(&mut reader)?;
        } else {
            reader.array_or_skip(entry)?;
        }
        self.check_count(entries)
    }

    /// Reads the older field that `tool_calls` replaced, unless that had a call: servers that send both repeat it.
    pub(super) fn read_function_call(
        &mut self,
        raw: &str,
        out: &mut Vec<ToolCallDelta>,
    ) -> Result<(), Error> {
        let mut fragment = Fragment::of_function(&mut Reader::over(raw))?;
        fragment.index = Some(FUNCTION_CALL);
        if !self.listed {
            let at = self.find(&mut fragment);
            self.add(at, fragment, out);
        }
        self.check_count(1)
    }

    fn check_count(&self, entries: usize) -> Result<(), Error> {
        if entries > MOST || self.begun.len() > MOST {
            return Err(too_many("tool calls in one choice"));
        }
        Ok(())
    }

    /// Makes up an id for the last call if it came without one. A result could not be matched with its call otherwise.
    pub(super) fn complete_ids(&mut self, out: &mut Vec<ToolCallDelta>) {
        if let Some(at) = self.without_id.take() {
            out.push(ToolCallDelta {
                ends: None,
                index: u32::try_from(at).unwrap_or(u32::MAX),
                id: Some(made_up()),
                ..ToolCallDelta::default()
            });
        }
    }

    /// The call of the older field, if the first entry of the list is the same call.
    fn older(&mut self, fragment: &mut Fragment<'_>) -> Option<usize> {
        if self.listed || self.by_index.get(&FUNCTION_CALL).is_none() {
            return None;
        }
        let call = self.begun.first_mut()?;
        if fragment.name != call.name {
            return None;
        }
        call.index = fragment.index;
        call.is_closed = call.arguments.is_complete();
        if call.arguments == Progress::of(&fragment.arguments.body) {
            fragment.arguments = Text::default();
        }
        if let Some(index) = fragment.index {
            self.by_index.set(index, 0);
        }
        Some(0)
    }

    /// The call that a fragment continues; `None` if it begins one.
    ///
    /// The server's index and id lead to a call, and without them the last one is meant. A fragment without a name
    /// continues it, even with another id, because old servers drew a new random id for each fragment. A name begins
    /// another call if the arguments are complete, or if it comes with a new id, or if it is another name after
    /// arguments. A server may also repeat the name, or all of the header, in each fragment.
    fn find(&mut self, fragment: &mut Fragment<'_>) -> Option<usize> {
        let named = !fragment.name.is_empty();
        let by_id = fragment.id.as_ref().and_then(|id| self.by_id.get(id));
        let last = self.begun.len().checked_sub(1);
        let at = match fragment.index {
            Some(index) => match self.by_index.get(&index) {
                // Calls that share an index have ids.
                Some(at) => by_id.filter(|&at| self.has_index(at, index)).unwrap_or(at),
                // The index may change in the middle of a call.
                None if !named => by_id.or_else(|| {
                    last.filter(|&at| fragment.id.is_none() && !self.is_complete(at))
                })?,
                None => return None,
            },
            None => by_id.or(last)?,
        };
        let call = self.begun.get_mut(at)?;
        let same_id = fragment.id.is_some() && call.id == fragment.id;
        // One list names each of its calls once.
        if named && at >= self.before && !same_id {
            return None;
        }
        let brings = !fragment.arguments.is_empty();
        if !named {
            if !(call.again && brings) {
                return Some(at);
            }
            call.again = false;
            fragment.name.clone_from(&call.name);
            return None;
        }
        if call.arguments.is_complete() {
            if brings {
                let repeats = same_id && call.arguments == Progress::of(&fragment.arguments.body);
                return repeats.then_some(at);
            }
            call.again = !same_id && call.name == fragment.name;
        }
        let other_id = fragment.id.is_some() && (call.id.is_some() || fragment.index.is_none());
        let other_name =
            call.arguments.has_begun() && !call.name.is_empty() && call.name != fragment.name;
        (same_id || !other_id && !other_name).then_some(at)
    }

    fn has_index(&self, at: usize, index: i64) -> bool {
        let call = self.begun.get(at);
        call.is_some_and(|call| call.index == Some(index))
    }

    fn is_complete(&self, at: usize) -> bool {
        let call = self.begun.get(at);
        call.is_some_and(|call| call.arguments.is_complete())
    }

    fn add(&mut self, at: Option<usize>, fragment: Fragment<'_>, out: &mut Vec<ToolCallDelta>) {
        if at.is_none() && fragment.says_nothing() {
            return;
        }
        let at = at.unwrap_or_else(|| {
            // What came before has no id to wait for.
            self.complete_ids(out);
            self.begun.push(Call {
                index: fragment.index,
                ..Call::default()
            });
            let at = self.begun.len() - 1;
            self.without_id = Some(at);
            if let Some(index) = fragment.index {
                self.by_index.set(index, at);
            }
            at
        });
        let Some(call) = self.begun.get_mut(at) else {
            return;
        };
        let mut id = None;
        if let Some(sent) = fragment.id
            && call.id.is_none()
            && self.without_id == Some(at)
        {
            self.without_id = None;
            call.id = Some(sent.clone());
            // Two calls with one id could not be told apart.
            let is_taken = self.by_id.get(&sent).is_some();
            self.by_id.set(sent.clone(), at);
            id = Some(if is_taken { made_up() } else { sent });
        }
        // A call that is repeated as a whole adds nothing.
        let is_repeated = call.is_closed
            || call.arguments.is_complete()
                && (!fragment.name.is_empty()
                    || call.arguments == Progress::of(&fragment.arguments.body));
        let arguments = if is_repeated {
            String::new()
        } else {
            call.join.push(fragment.arguments).into_owned()
        };
        // A name is sent whole, in pieces, or again in each fragment.
        let begun = call.arguments.has_begun() && !call.name.is_empty();
        let name = (!fragment.name.is_empty() && fragment.name != call.name && !begun)
            .then_some(fragment.name);
        call.name.push_str(name.as_deref().unwrap_or_default());
        call.arguments.push(&arguments);
        // A reader waits for what is new. A header that is only repeated must not put off the idle timer.
        let is_news = id.is_some() || name.is_some() || !arguments.is_empty();
        if is_news || !fragment.extra.is_empty() {
            out.push(ToolCallDelta {
                ends: None,
                index: u32::try_from(at).unwrap_or(u32::MAX),
                id,
                name,
                arguments,
                extra: fragment.extra,
            });
        }
    }
}
