//! What a program learns of its calls: events, log lines, and the doctor's report.
//!
//! `on_call.rs` first: it passes each finished call to those who listen. `callbacks.rs` is who they are,
//! and `call_event.rs` what they get. `tally.rs` is a callback that counts without running Python code, by the prices of `pricing.rs`. `logs.rs` hands the
//! engine's lines to Python; `doctor.rs` stands alone.

pub(crate) mod call_event;
pub(crate) mod callbacks;
pub(crate) mod doctor;
pub(crate) mod logs;
pub(crate) mod on_call;
pub(crate) mod pricing;
pub(crate) mod tally;

pub(crate) use callbacks::is_on;
pub(crate) use on_call::{Ending, remember_refused, report};
