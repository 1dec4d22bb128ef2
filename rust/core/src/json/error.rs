//! What is wrong with a JSON text.

/// Deepest nesting that is read, the same as `serde_json`'s.
pub const MAX_DEPTH: u32 = 127;

/// What is wrong with a JSON text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// Offset in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}
