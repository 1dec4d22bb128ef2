//! What everything above stands on. It knows none of our classes.
//!
//! `caller.rs` and `exception.rs` first: whose call it is, and how an error is raised. `json.rs` is how
//! values cross to Rust and back. `python.rs` lists what Rust calls in Python, `key.rs` is the rule for
//! refused keys. `fork.rs` and `exit.rs` are short, and explain two traps that the rest avoids.

pub(crate) mod caller;
pub(crate) mod exception;
pub(crate) mod exit;
pub(crate) mod fork;
pub(crate) mod json;
pub(crate) mod key;
pub(crate) mod python;
pub(crate) mod raised;
