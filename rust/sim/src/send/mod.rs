//! Sending an answer: head, body, pace, and the fault in it.
//!
//! Read `answer` first: it takes a plan from its head to its end. `head` writes the head, `sender`
//! puts payloads into HTTP framing and onto the wire at their time, and `fault` does what the
//! script wants to go wrong on the way.

mod answer;
mod fault;
mod head;
mod sender;

pub(crate) use self::answer::answer;
pub(crate) use self::sender::{Ids, Stop};
