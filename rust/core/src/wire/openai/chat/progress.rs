//! How far the arguments of a tool call have come.

use crate::json::Growing;

/// Knows whether fragments add up to one complete JSON object or array, without keeping them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    json: Growing,
    begun: bool,
    /// FNV-1a over all bytes, to notice that a call is sent again.
    hash: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            json: Growing::default(),
            begun: false,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }
}

impl Progress {
    /// The progress of a text by itself.
    pub(super) fn of(text: &str) -> Self {
        let mut progress = Self::default();
        progress.push(text);
        progress
    }

    /// Adds the next piece.
    pub(super) fn push(&mut self, piece: &str) {
        self.begun |= !piece.is_empty();
        self.json.push(piece.as_bytes());
        for byte in piece.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// Whether there is any text.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether it is complete, if it is JSON.
    pub(super) fn is_complete(&self) -> bool {
        self.json.has_ended()
    }
}
