//! gzip (RFC 1952) and deflate (RFC 1950, and RFC 1951 as some servers send it).

use flate2::{Decompress, FlushDecompress, Status};

use super::{Corrupt, Decoder, Step};

/// The largest window, of 32 KiB.
const WINDOW_BITS: u8 = 15;
/// The first two bytes of each member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One or more members. What follows the last one is ignored, as gzip(1) does: padding of zeros, or anything else.
pub(super) struct Gzip {
    inflate: Decompress,
    place: Place,
}

/// Where the next byte belongs.
#[derive(PartialEq)]
enum Place {
    /// In a member.
    Inside,
    /// After a member.
    Between,
    /// After a member and the first byte of what may be another one.
    Magic,
    /// After all members.
    Over,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            inflate: Decompress::new_gzip(WINDOW_BITS),
            place: Place::Inside,
        }
    }
}

impl Decoder for Gzip {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        let [first, second] = MAGIC;
        let one = Step {
            read: 1,
            written: 0,
        };
        match (&self.place, input.first()) {
            (Place::Inside, _) => {
                let (step, is_over) = inflate(&mut self.inflate, input, output)?;
                if is_over {
                    self.place = Place::Between;
                }
                Ok(step)
            }
            (Place::Between, Some(byte)) if *byte == first => {
                self.place = Place::Magic;
                Ok(one)
            }
            (Place::Magic, Some(byte)) if *byte == second => {
                self.inflate = Decompress::new_gzip(WINDOW_BITS);
                self.place = Place::Inside;
                inflate(&mut self.inflate, &MAGIC, output)?;
                Ok(one)
            }
            (_, None) => Ok(ignored(input)),
            (Place::Between | Place::Magic | Place::Over, Some(_)) => {
                self.place = Place::Over;
                Ok(ignored(input))
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.place != Place::Inside
    }
}

/// One stream, in the wrapper of zlib or without. What follows it is ignored.
pub(super) enum Deflate {
    /// The first two bytes say which of both it is; the first one may be here already.
    Start(Option<u8>),
    Inside(Decompress),
    Over,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self::Start(None)
    }
}

impl Decoder for Deflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        let (step, is_over) = match self {
            Self::Start(held) => {
                let (header, whole) = match (*held, input) {
                    (_, []) => return Ok(ignored(input)),
                    (None, [first]) => {
                        *held = Some(*first);
                        return Ok(ignored(input));
                    }
                    (None, [first, second, ..]) => ([*first, *second], true),
                    (Some(first), [second, ..]) => ([first, *second], false),
                };
                let mut fresh =
                    Decompress::new_with_window_bits(has_zlib_header(header), WINDOW_BITS);
                let data = if whole { input } else { &header };
                let (mut step, is_over) = inflate(&mut fresh, data, output)?;
                step.read -= usize::from(!whole);
                *self = Self::Inside(fresh);
                (step, is_over)
            }
            Self::Inside(decompress) => inflate(decompress, input, output)?,
            Self::Over => return Ok(ignored(input)),
        };
        if is_over {
            *self = Self::Over;
        }
        Ok(step)
    }

    fn is_complete(&self) -> bool {
        matches!(self, Self::Over)
    }
}

/// Whether these bytes begin a zlib stream (RFC 1950, section 2.2): method 8, a window of at most 32 KiB, and a multiple
/// of 31. The first byte of a raw stream would have to begin a stored block whose padding is not zero.
fn has_zlib_header(bytes: [u8; 2]) -> bool {
    let [first, _] = bytes;
    first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes(bytes).is_multiple_of(31)
}

/// All of the input is read, and means nothing.
fn ignored(input: &[u8]) -> Step {
    Step {
        read: input.len(),
        written: 0,
    }
}

/// Decodes, and returns whether the stream is over.
fn inflate(
    decompress: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
) -> Result<(Step, bool), Corrupt> {
    let (read, written) = (decompress.total_in(), decompress.total_out());
    let status = decompress.decompress(input, output, FlushDecompress::None);
    let status = status.map_err(|_| Corrupt)?;
    let size = |total: u64| usize::try_from(total).map_err(|_| Corrupt);
    let step = Step {
        read: size(decompress.total_in() - read)?,
        written: size(decompress.total_out() - written)?,
    };
    Ok((step, status == Status::StreamEnd))
}
