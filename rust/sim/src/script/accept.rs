//! What happens to a connection before its first byte.

use serde::{Deserialize, Serialize};

/// `{"accept": {"kind": "reset", "times": 2}}`. By default, connections are served.
///
/// ```
/// use tokenwire_sim::Script;
///
/// for example in [
///     r#"{"accept": {"kind": "serve"}}"#,
///     r#"{"accept": {"kind": "refuse", "for_ms": 500}}"#,
///     r#"{"accept": {"kind": "reset", "times": 2}}"#,
///     r#"{"accept": {"kind": "close"}}"#,
///     r#"{"accept": {"kind": "hold", "times": 1}}"#,
/// ] {
///     Script::parse(example)?;
/// }
/// # Ok::<(), tokenwire_sim::ScriptError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Accept {
    /// Connections are served. With braces, because serde ignores unknown fields of a variant without.
    Serve {},
    /// The listener is closed, so that connections are refused.
    Refuse {
        /// For how long, in milliseconds. `None` lasts until the next script, which must be set
        /// through the library because nothing listens for it.
        for_ms: Option<u64>,
    },
    /// The connection is reset (RST) as soon as it is accepted.
    Reset {
        /// How many connections; `None` means all.
        times: Option<u64>,
    },
    /// The connection is closed (FIN) as soon as it is accepted.
    Close {
        /// How many connections; `None` means all.
        times: Option<u64>,
    },
    /// The connection is accepted, and nothing is ever read or written.
    Hold {
        /// How many connections; `None` means all.
        times: Option<u64>,
    },
}

impl Default for Accept {
    fn default() -> Self {
        Self::Serve {}
    }
}
