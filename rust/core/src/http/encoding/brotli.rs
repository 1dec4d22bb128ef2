//! br (RFC 7932), without the large windows that the RFC does not have.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Corrupt, Decoder, Step};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// One stream. Nothing may follow it.
pub(super) struct Brotli {
    state: Box<State>,
    is_over: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            // `new` would accept windows of up to 1 GiB.
            state: Box::new(State::new_strict(alloc(), alloc(), alloc())),
            is_over: false,
        }
    }
}

impl Decoder for Brotli {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Corrupt> {
        let nothing = Step {
            read: 0,
            written: 0,
        };
        if self.is_over {
            return if input.is_empty() {
                Ok(nothing)
            } else {
                Err(Corrupt)
            };
        }
        let (mut left, mut room) = (input.len(), output.len());
        let Step {
            mut read,
            mut written,
        } = nothing;
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut 0,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultFailure => return Err(Corrupt),
            BrotliResult::ResultSuccess => self.is_over = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(Step { read, written })
    }

    fn is_complete(&self) -> bool {
        self.is_over
    }
}
