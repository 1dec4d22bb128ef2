//! What belongs to one process: the shared connections, the I/O thread, the runtimes of sync calls.

mod current;
pub(crate) mod sync_runtime;
pub(crate) mod test_rules;

pub(crate) use current::{current, forget, shutdown};
