//! Sending an answer: head, body, pace, and the fault in it.

mod answer;
mod fault;
mod head;
mod sender;

pub(crate) use self::answer::answer;
pub(crate) use self::sender::{Ids, Stop};
