//! Sending an answer: head, body, pacing, and the fault in it.
//!
//! Read `answer` first: it takes a plan from its head to its end. `head` writes the head, `sender`
//! frames payloads and writes them at their time, and `fault` does what the script wants to go
//! wrong, except that `repeat` sends events twice.

mod answer;
mod fault;
mod head;
mod repeat;
mod sender;

pub(crate) use self::answer::answer;
pub(crate) use self::sender::{Sender, Stop};
