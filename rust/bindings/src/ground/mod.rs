//! What everything above stands on: the exceptions that Rust raises, whose call it is, JSON, and what
//! a fork and the interpreter's exit ask for. Read `json.rs` first; `fork.rs` and `exit.rs` are short
//! and explain two traps that the rest of the crate avoids.

pub(crate) mod exit;
pub(crate) mod fork;
pub(crate) mod json;
