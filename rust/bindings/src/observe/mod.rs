//! What a program learns of its calls.

pub(crate) mod call_event;
pub(crate) mod doctor;
pub(crate) mod logs;
pub(crate) mod nested;
pub(crate) mod pricing;
pub(crate) mod tally;

pub(crate) use call_event::{CANCELLED, CallEvent, Ending, is_on, kind_of, let_go, report};
