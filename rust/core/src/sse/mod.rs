//! Server-sent events (WHATWG HTML, section 9.2): bytes in any chunks become lines, and lines become events.

mod events;
mod lines;

pub use events::{End, EventParser, Item};

#[cfg(test)]
mod tests;
