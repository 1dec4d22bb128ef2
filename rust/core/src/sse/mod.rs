//! Server-sent events (WHATWG HTML, section 9.2): bytes in any chunks become lines (`lines`), and lines
//! become events (`events`).

mod events;
mod lines;

pub use events::{End, EventParser, Item};

#[cfg(test)]
mod tests;
