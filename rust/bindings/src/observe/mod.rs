//! What a program learns about its calls: events, log lines and the doctor's report.
//!
//! Read `on_call.rs` first: it passes each finished call to the registered callbacks. `callbacks.rs` is the
//! list of them, and `call_event.rs` is what they receive. `trace.rs` asks for the headers of the caller's trace.
//! `logs.rs` hands the engine's log lines to Python. `text.rs` makes the text of others fit to show. `doctor.rs` is
//! independent of the rest.

pub(crate) mod call_event;
pub(crate) mod callbacks;
pub(crate) mod doctor;
pub(crate) mod logs;
pub(crate) mod on_call;
pub(crate) mod text;
pub(crate) mod trace;

pub(crate) use callbacks::is_on;
pub(crate) use on_call::{Ending, error_or_interrupt, remember_refused, report, report_in_drop};
