//! A reply as events: what a sender needs of any API's stream, and how a fault spoils its end.

use std::fmt;

use crate::script::Fault;

/// When an event is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// With the head.
    Head,
    /// With the token of this number, from 0.
    Step(u64),
}

/// The events of one reply, in order, written one at a time into the sender's buffer.
pub(crate) trait Events: fmt::Debug + Send + Sync {
    /// When the next event is due; `None` after the last.
    fn next_due(&mut self) -> Option<Due>;

    /// Appends the next event, its blank line included; `false` after the last.
    fn write_next(&mut self, out: &mut Vec<u8>) -> bool;
}

/// What a stream sends at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// The reason why it ended, and whatever comes with that, such as the usage.
    pub(crate) sends_finish: bool,
    /// The event that marks the end, if the API has one.
    pub(crate) sends_end: bool,
    /// How many events follow although the end has been sent.
    pub(crate) late_events: u64,
}

impl Ending {
    pub(crate) fn of(fault: Option<&Fault>) -> Self {
        let (dropped, before_finish) = match fault {
            Some(Fault::DropDone { before_finish }) => (true, *before_finish),
            _ => (false, false),
        };
        Self {
            sends_finish: !before_finish,
            sends_end: !dropped,
            late_events: match fault {
                Some(Fault::AfterDone { events }) => *events,
                _ => 0,
            },
        }
    }
}
