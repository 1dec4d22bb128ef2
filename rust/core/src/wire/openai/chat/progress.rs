//! How far the arguments of a tool call have come.

/// Knows whether fragments add up to one complete JSON object or array, without keeping them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    depth: usize,
    quoted: bool,
    escaped: bool,
    begun: bool,
    /// Whether the outermost bracket was closed last.
    closed: bool,
    /// FNV-1a over all bytes, to notice that a call is sent again.
    hash: u64,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            depth: 0,
            quoted: false,
            escaped: false,
            begun: false,
            closed: false,
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
        for byte in piece.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            if self.quoted {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.quoted = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' | b'[' => {
                    self.depth += 1;
                    self.closed = false;
                }
                b'}' | b']' => {
                    self.closed = self.depth == 1;
                    self.depth = self.depth.saturating_sub(1);
                }
                b'"' => self.quoted = true,
                _ => {}
            }
        }
    }

    /// Whether there is any text.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether it is complete, if it is JSON.
    pub(super) fn is_complete(&self) -> bool {
        self.closed
    }
}
