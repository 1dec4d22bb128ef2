//! zstd (RFC 8878), with windows of at most 8 MiB (RFC 9659).

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use super::{Corrupt, Decoder, Step};

/// The largest window: 2 to the power of this.
const WINDOW_LOG: u32 = 23;

/// One or more frames, and skippable ones between them. Nothing else may follow.
pub(super) struct Zstd {
    // `None` if there is no memory for it, or if it does not know its largest window.
    decoder: Option<DCtx<'static>>,
    // Whether the last frame is over.
    is_over: bool,
}

impl Zstd {
    pub(super) fn new() -> Self {
        let decoder = DCtx::try_create().and_then(|mut decoder| {
            let set = decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG));
            set.is_ok().then_some(decoder)
        });
        Self {
            decoder,
            is_over: false,
        }
    }
}

impl Decoder for Zstd {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        if self.is_over && input.is_empty() {
            // The decoder would begin another frame.
            return Ok(Step {
                read: 0,
                written: 0,
            });
        }
        let decoder = self.decoder.as_mut().ok_or(Corrupt)?;
        let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(output));
        let left = decoder.decompress_stream(&mut to, &mut from);
        self.is_over = left.map_err(|_| Corrupt)? == 0;
        Ok(Step {
            read: from.pos(),
            written: to.pos(),
        })
    }

    fn is_complete(&self) -> bool {
        self.is_over
    }
}
