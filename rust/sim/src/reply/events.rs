//! A reply as events: what a sender needs of any API's stream, and how a fault changes its end.

use std::fmt;

use crate::script::Fault;

/// When an event is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// With the head.
    Head,
    /// With the token of this number, from 0.
    Step(u64),
}

/// The events of one reply, in order, written one at a time into the sender's buffer.
pub(crate) trait Events: fmt::Debug + Send + Sync {
    fn content_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// When the next event is due; `None` after the last.
    fn next_due(&mut self) -> Option<Due>;

    /// Appends the next event, including its blank line. Returns `false` after the last.
    fn write_next(&mut self, out: &mut Vec<u8>) -> bool;
}

/// What a stream sends at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// The reason why it ended, and whatever comes with that, such as the usage.
    pub(crate) sends_finish: bool,
    /// The event that marks the end, if the API has one.
    pub(crate) sends_end: bool,
    /// How many events follow after the end was sent.
    pub(crate) late_events: u64,
}

impl Ending {
    pub(crate) fn of(fault: Option<&Fault>) -> Self {
        let mut ending = Self {
            sends_finish: true,
            sends_end: true,
            late_events: 0,
        };
        match fault {
            Some(Fault::DropDone { before_finish }) => {
                ending.sends_end = false;
                ending.sends_finish = !before_finish;
            }
            Some(Fault::AfterDone { events }) => ending.late_events = *events,
            _ => {}
        }
        ending
    }
}

/// Whether a recorded body looks like an event stream.
pub(crate) fn is_event_stream(body: &[u8]) -> bool {
    let starts = [&b"data:"[..], b"event:", b":", b"id:"];
    starts.iter().any(|start| body.starts_with(start))
}
