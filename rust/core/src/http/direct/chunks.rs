//! The chunks of a body: RFC 9112, section 7.1.

use std::io::{self, ErrorKind};

use crate::http::exchange::MOST_HEADERS;

/// How many bytes the extensions of all chunks may have, and how many the trailers.
const MOST_BYTES: usize = 16 << 10;

/// Takes the chunks of a body apart, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// How much of the current chunk is left. While its size is read, what was read of that.
    left: u64,
    extension_bytes: usize,
    trailer_bytes: usize,
    trailers: usize,
}

/// What comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    FirstDigit,
    Size,
    BlankAfterSize,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// A trailer, or the end.
    Line,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

impl Chunks {
    /// Whether the body has ended.
    pub(super) fn is_over(&self) -> bool {
        self.at == At::End
    }

    /// Adds the data of the next bytes to `data`. Returns what follows the body.
    ///
    /// As in hyper, a line that is wrong is invalid input, and one that is too long invalid data.
    pub(super) fn read<'a>(
        &mut self,
        mut bytes: &'a [u8],
        data: &mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        while self.at != At::End {
            if self.at == At::Data {
                let here = usize::try_from(self.left).unwrap_or(usize::MAX);
                let (chunk, rest) = bytes.split_at(here.min(bytes.len()));
                data.extend_from_slice(chunk);
                self.left -= chunk.len() as u64;
                bytes = rest;
                if self.left > 0 {
                    break;
                }
                self.at = At::DataCr;
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                break;
            };
            self.at = self.step(byte)?;
            bytes = rest;
        }
        Ok(bytes)
    }

    fn step(&mut self, byte: u8) -> io::Result<At> {
        let next = match (self.at, byte) {
            (At::FirstDigit | At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let size = self.left.checked_mul(16);
                let size = size.and_then(|size| size.checked_add(digit.into()));
                self.left = size.ok_or_else(|| invalid("invalid chunk size: overflow"))?;
                At::Size
            }
            (At::FirstDigit, _) => return wrong("invalid chunk size line: missing size digit"),
            (At::Size | At::BlankAfterSize, b' ' | b'\t') => At::BlankAfterSize,
            (At::Size | At::BlankAfterSize, b';') => At::Extension,
            (At::Size | At::BlankAfterSize | At::Extension, b'\r') => At::SizeLf,
            (At::Size | At::BlankAfterSize, _) => return wrong("invalid chunk size line"),
            (At::Extension, b'\n') => {
                return Err(invalid("invalid chunk extension contains newline"));
            }
            (At::Extension, _) => {
                self.extension_bytes += 1;
                if self.extension_bytes >= MOST_BYTES {
                    return Err(invalid("chunk extensions over limit"));
                }
                At::Extension
            }
            (At::SizeLf, b'\n') if self.left == 0 => At::Line,
            (At::SizeLf, b'\n') => At::Data,
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::FirstDigit,
            (At::Line, b'\r') => At::EndLf,
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::Line | At::Trailer, _) => {
                self.trailer_bytes += 1;
                if self.trailer_bytes >= MOST_BYTES {
                    return Err(invalid("chunk trailers bytes over limit"));
                }
                At::Trailer
            }
            (At::TrailerLf, b'\n') => {
                self.trailers += 1;
                if self.trailers > MOST_HEADERS {
                    return Err(invalid("chunk trailers count overflow"));
                }
                At::Line
            }
            (At::EndLf, b'\n') => At::End,
            (At::SizeLf, _) => return wrong("invalid chunk size LF"),
            (At::DataCr | At::DataLf, _) => return wrong("invalid end of a chunk"),
            (At::TrailerLf | At::EndLf, _) => return wrong("invalid end of the trailers"),
            (At::Data | At::End, _) => self.at,
        };
        Ok(next)
    }
}

fn wrong(why: &'static str) -> io::Result<At> {
    Err(io::Error::new(ErrorKind::InvalidInput, why))
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of `text`, read in pieces of `size` bytes, what follows it, and whether it ended.
    fn read(text: &[u8], size: usize) -> io::Result<(String, Vec<u8>, bool)> {
        let (mut chunks, mut data, mut after) = (Chunks::default(), Vec::new(), Vec::new());
        for piece in text.chunks(size) {
            after.extend_from_slice(chunks.read(piece, &mut data)?);
        }
        Ok((String::from_utf8(data).unwrap(), after, chunks.is_over()))
    }

    #[test]
    fn chunks_are_the_same_in_pieces_of_any_size() {
        let text =
            b"3\r\none\r\n00A ;name=\"v\"\r\n two three\r\n0;last\r\nx-trailer: a\r\n\r\nrest";
        for size in 1..=text.len() {
            let whole = ("one two three".to_owned(), b"rest".to_vec(), true);
            assert_eq!(read(text, size).unwrap(), whole, "pieces of {size} bytes");
        }
    }

    #[test]
    fn a_body_is_over_after_its_last_line_only() {
        let text = b"3\r\none\r\n0\r\nx: y\r\n\r\n";
        for end in 1..text.len() {
            assert!(!read(&text[..end], 4).unwrap().2, "{end} bytes");
        }
        assert!(read(text, 4).unwrap().2);
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for text in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            "1 1\r\n",
            "1\n",
            "1\rx",
            "1;a\n",
            "1\r\nab",
            "1\r\na\rb",
            "0\r\n\rx",
            "0\r\na: b\rx",
            "11111111111111111\r\n",
        ] {
            for size in [1, text.len()] {
                assert!(read(text.as_bytes(), size).is_err(), "{text:?}");
            }
        }
    }

    #[test]
    fn extensions_and_trailers_have_an_end() {
        let long = "a".repeat(MOST_BYTES);
        let chunks = format!("1;{}\r\na\r\n", "b".repeat(1_000)).repeat(20);
        let trailers = format!("0\r\n{}", "a:\r\n".repeat(MOST_HEADERS + 1));
        for text in [
            format!("1;{long}"),
            chunks,
            format!("0\r\n{long}"),
            trailers,
        ] {
            let error = read(text.as_bytes(), 999).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        }
        let allowed = format!("0\r\n{}\r\n", "a:\r\n".repeat(MOST_HEADERS));
        assert!(read(allowed.as_bytes(), 999).unwrap().2);
    }
}
