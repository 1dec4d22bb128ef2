//! Unpacks bodies that were compressed, as they arrive.
//!
//! [`Unpacker`] reads `content-encoding`, gives its bytes to the decoder of the coding and watches how much comes out.
//! Each coding has its file: `inflate` for gzip and deflate, `brotli`, and `zstd`. `error` says what a broken body
//! means for its call.
//!
//! A decoder returns all that its input allows, so an event that the server flushed is never held back.

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::task::coop;

use super::turn;

mod brotli;
mod error;
mod inflate;
#[cfg(test)]
mod tests;
mod zstd;

/// The codings that a call with `compression=True` asks for. deflate is not one of them, because it means two formats.
pub(crate) const ASKED: &str = "gzip, br, zstd";

/// The most bytes of a piece.
const PIECE_BYTES: usize = 16 << 10;
/// The least room for a piece. Most events fit in.
const LEAST_PIECE_BYTES: usize = 512;

/// From here on, so much output for its input is an attack: no text of a model shrinks like that.
const BOMB_BYTES: u64 = 8 << 20;
/// How many bytes may come out for each one that went in. deflate can do 1,032, the others far more.
const BOMB_RATIO: u64 = 200;

/// The content codings of RFC 9110, section 8.4.1, RFC 7932 and RFC 8878.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// The coding of this name, in any case.
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match &*name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    fn decoder(self) -> Box<dyn Decoder> {
        match self {
            Self::Gzip => Box::new(inflate::Gzip::new()),
            Self::Deflate => Box::new(inflate::Deflate::new()),
            Self::Brotli => Box::new(brotli::Brotli::new()),
            Self::Zstd => Box::new(zstd::Zstd::new()),
        }
    }
}

/// What one step of a decoder read and wrote, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    read: usize,
    written: usize,
}

/// The input is not of the coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Corrupt;

/// Decodes one coding.
trait Decoder: Send + Sync {
    /// Decodes some of `input` into `output`. Unless the output is full, everything that the input so far means has
    /// been written once the input is used up. A step that does nothing needs more input.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt>;

    /// Whether the input may end here.
    fn is_complete(&self) -> bool;
}

/// Why a body cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The coding is not one that can be unpacked.
    Unknown,
    /// The body was compressed more than once.
    Nested,
    /// The body is not of its coding, or damaged.
    Corrupt,
    /// The body ended before its data did.
    Cut,
    /// More came out than any honest reply has: over 8 MiB, and over 200 times the input.
    Bomb,
}

/// Unpacks one body. Its memory is bounded by the window of the coding: 32 KiB for gzip and deflate, 16 MiB for br and
/// 8 MiB for zstd, of which only as much is used as the body has.
pub struct Unpacker {
    // The header as messages show it.
    coding: String,
    decoder: Result<Box<dyn Decoder>, Broken>,
    input: Bytes,
    // Whether the last piece was full, so that there may be more without any input.
    was_full: bool,
    read: u64,
    written: u64,
}

impl Unpacker {
    /// The unpacker of a body with these headers; `None` if it was not compressed. If nothing can unpack it, its first
    /// byte is an error.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(CONTENT_ENCODING);
        let values = values
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut codings = Vec::new();
        for value in values {
            let names = value.split(',').map(str::trim);
            let packed =
                names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
            codings.extend(packed.map(str::to_owned));
        }
        let decoder = match &*codings {
            [] => return None,
            [name] => Coding::named(name)
                .map(Coding::decoder)
                .ok_or(Broken::Unknown),
            _ => Err(Broken::Nested),
        };
        Some(Self {
            coding: error::shown(&codings),
            decoder,
            input: Bytes::new(),
            was_full: false,
            read: 0,
            written: 0,
        })
    }

    /// Adds bytes of the body. That is cheap once [`Self::next`] has returned `None`.
    pub fn push(&mut self, bytes: Bytes) {
        if self.input.is_empty() {
            self.input = bytes;
        } else {
            let mut both = BytesMut::from(&*self.input);
            both.extend_from_slice(&bytes);
            self.input = both.freeze();
        }
    }

    /// The next piece, of 1 byte to 16 KiB; `None` if it takes more input. Once it has failed, it fails again.
    #[allow(
        clippy::should_implement_trait,
        reason = "after `None` there may be more"
    )]
    pub fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.input.is_empty() && !self.was_full {
            return Ok(None);
        }
        let decoder = self.decoder.as_mut().map_err(|broken| *broken)?;
        let room = if self.was_full {
            PIECE_BYTES
        } else {
            (4 * self.input.len()).clamp(LEAST_PIECE_BYTES, PIECE_BYTES)
        };
        let mut piece = BytesMut::zeroed(room);
        let broken = loop {
            let Ok(step) = decoder.step(&self.input, &mut piece) else {
                break Broken::Corrupt;
            };
            self.input.advance(step.read.min(self.input.len()));
            self.read += step.read as u64;
            self.written += step.written as u64;
            self.was_full = step.written == room;
            if step.written > 0 {
                if self.written > BOMB_BYTES && self.written / BOMB_RATIO > self.read {
                    break Broken::Bomb;
                }
                piece.truncate(step.written);
                return Ok(Some(piece.freeze()));
            }
            if self.input.is_empty() {
                return Ok(None);
            }
            if step.read == 0 {
                // A decoder that neither reads nor writes would do so forever.
                break Broken::Corrupt;
            }
        };
        self.was_full = true;
        self.decoder = Err(broken);
        Err(broken)
    }

    /// The same as [`Self::next`], for a task that may unpack only so much in a turn: 32 KiB.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Broken>> {
        let unit = ready!(coop::poll_proceed(cx));
        let piece = self.next();
        if let Ok(Some(piece)) = &piece {
            unit.made_progress();
            turn::spend(cx, piece.len());
        }
        Poll::Ready(piece)
    }

    /// Whether the body may end, once [`Self::next`] has returned `None`. An empty body may.
    pub fn finish(&mut self) -> Result<(), Broken> {
        match &self.decoder {
            _ if self.read == 0 && self.input.is_empty() => Ok(()),
            Ok(decoder) if decoder.is_complete() => Ok(()),
            Ok(_) => {
                self.decoder = Err(Broken::Cut);
                Err(Broken::Cut)
            }
            Err(broken) => Err(*broken),
        }
    }

    /// Why nothing of a body could be unpacked, and its first bytes, which may not be compressed at all.
    pub(super) fn rejected(&mut self) -> Option<(Broken, Bytes)> {
        let broken = self.decoder.as_ref().err().filter(|_| self.written == 0)?;
        let first = if self.read == 0 {
            std::mem::take(&mut self.input)
        } else {
            Bytes::new()
        };
        Some((*broken, first))
    }
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker")
            .field("coding", &self.coding)
            .field("read", &self.read)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
