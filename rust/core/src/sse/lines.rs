//! Cuts chunks of any size into lines.

use memchr::memchr2;

/// The UTF-8 byte order mark. It is dropped at the very start of a stream.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How large a buffer may be that a stream keeps while it waits for more. A long event comes seldom, and there may be
/// thousands of streams that mostly wait.
const MOST_KEPT: usize = 512;

/// Empties a buffer of a stream that waits for more, and frees it if it is large.
pub(crate) fn empty(buffer: &mut Vec<u8>) {
    if buffer.capacity() > MOST_KEPT {
        *buffer = Vec::new();
    }
    buffer.clear();
}

/// Cuts a byte stream into lines at CR, LF or CRLF.
///
/// At most one unfinished line is kept; each byte is searched once. Source: WHATWG HTML 9.2.5.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    carry: Vec<u8>,
    // Whether a CR ended the last line. An LF that follows belongs to it.
    after_cr: bool,
    // How many bytes of the byte order mark have arrived. With all 3, the search for it has ended.
    bom: usize,
    scanned: u64,
}

impl Lines {
    /// For a stream whose byte order mark is part of its first line.
    pub(crate) fn with_mark() -> Self {
        Self {
            bom: BOM.len(),
            ..Self::default()
        }
    }

    /// How many bytes were searched: at most twice the input, for any chunks.
    pub(crate) fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Removes a byte order mark, or the rest of the previous line's end, from the front of `chunk`.
    pub(crate) fn trim_front<'a>(&mut self, mut chunk: &'a [u8]) -> &'a [u8] {
        while self.bom < BOM.len() {
            let Some((&first, rest)) = chunk.split_first() else {
                return chunk;
            };
            if BOM.get(self.bom) == Some(&first) {
                self.bom += 1;
                chunk = rest;
            } else {
                self.carry
                    .extend_from_slice(BOM.get(..self.bom).unwrap_or_default());
                self.bom = BOM.len();
            }
        }
        if self.after_cr
            && let Some((&first, rest)) = chunk.split_first()
        {
            self.after_cr = false;
            if first == b'\n' {
                return rest;
            }
        }
        chunk
    }

    /// Whether an unfinished line is kept.
    pub(crate) fn is_inside_a_line(&self) -> bool {
        !self.carry.is_empty()
    }

    /// Length of the unfinished line, in bytes.
    pub(crate) fn carried(&self) -> usize {
        self.carry.len()
    }

    /// Cuts the first line off `chunk`; `None` if no line ends in it.
    #[inline]
    pub(crate) fn split<'a>(&mut self, chunk: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let Some(end) = memchr2(b'\n', b'\r', chunk) else {
            self.scanned += chunk.len() as u64;
            return None;
        };
        self.scanned += end as u64 + 1;
        let (line, rest) = chunk.split_at_checked(end)?;
        let (&mark, mut rest) = rest.split_first()?;
        if mark == b'\r' {
            match rest.split_first() {
                Some((b'\n', after)) => rest = after,
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        Some((line, rest))
    }

    /// Keeps the beginning of a line.
    pub(crate) fn keep(&mut self, part: &[u8]) {
        self.carry.extend_from_slice(part);
    }

    /// Takes the unfinished line. [`Self::recycle`] takes its buffer back.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.carry)
    }

    /// Takes a buffer back for the next unfinished line.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        empty(&mut buffer);
        self.carry = buffer;
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, MOST_KEPT};

    #[test]
    fn only_a_small_buffer_is_kept_while_a_stream_waits() {
        for (size, kept) in [(MOST_KEPT / 2, true), (MOST_KEPT * 2, false)] {
            let mut lines = Lines::default();
            lines.recycle(Vec::with_capacity(size));
            assert_eq!(lines.carry.capacity() > 0, kept, "{size}");
        }
    }
}
