//! The foundation of this crate. Nothing here knows our classes.
//!
//! Read in this order:
//! - `caller.rs`: which client makes a call. `exception.rs`: how an error is raised.
//! - `json.rs`: how values cross to Rust and back. `python.rs`: every Python function that Rust calls.
//! - `key.rs`: the rule for refused keys. `elsewhere.rs`: where large values are freed.
//! - `fork.rs`, `exit.rs`, `raised.rs`: three traps, and how the rest of the crate avoids them.

pub(crate) mod caller;
pub(crate) mod elsewhere;
pub(crate) mod exception;
pub(crate) mod exit;
pub(crate) mod fork;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod python;
pub(crate) mod raised;
