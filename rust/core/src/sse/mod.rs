//! Server-sent events (WHATWG HTML, section 9.2). Read `lines` first: it cuts chunks of any size into lines. `events`
//! makes events from the lines.

mod events;
mod lines;

pub(crate) use events::event_too_large;
pub use events::{End, EventParser, Item};
pub(crate) use lines::{Lines, empty};

#[cfg(test)]
mod tests;
