//! Bytes to lines, wherever the chunks fall.

use memchr::memchr2;

/// UTF-8 byte order mark; one at the very start of a stream is dropped.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Cuts a byte stream into lines at CR, LF or CRLF.
///
/// At most one unfinished line is kept; each byte is searched once. Source: WHATWG HTML 9.2.5.
#[derive(Debug, Default)]
pub(super) struct Lines {
    carry: Vec<u8>,
    // A CR ended the last line: an LF that comes next belongs to it.
    after_cr: bool,
    // How much of the byte order mark has come; 4 once it is no longer looked for.
    bom: usize,
    scanned: u64,
}

impl Lines {
    /// Bytes looked at so far; at most twice the input, however it was cut.
    pub(super) fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Takes what belongs to the start of the stream or to the line before from the front of `chunk`.
    pub(super) fn trim_front<'a>(&mut self, mut chunk: &'a [u8]) -> &'a [u8] {
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
    pub(super) fn is_inside_a_line(&self) -> bool {
        !self.carry.is_empty()
    }

    /// Length of the unfinished line, in bytes.
    pub(super) fn carried(&self) -> usize {
        self.carry.len()
    }

    /// Cuts the first line off `chunk`; `None` where no line ends in it.
    #[inline]
    pub(super) fn split<'a>(&mut self, chunk: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
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
    pub(super) fn keep(&mut self, part: &[u8]) {
        self.carry.extend_from_slice(part);
    }

    /// The unfinished line, which is given back with [`Self::recycle`].
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.carry)
    }

    /// Takes a buffer back, so that the next unfinished line needs no new one.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        // One huge line must not hold its memory for the rest of the stream.
        if buffer.capacity() <= 64 << 10 {
            buffer.clear();
            self.carry = buffer;
        }
    }
}
