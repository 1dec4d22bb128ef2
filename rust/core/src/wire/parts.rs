//! Numbers the parts of a reply whose API marks where they begin and end, and writes their pieces as chunks.

use std::num::NonZeroU64;

use compact_str::CompactString;

use super::most::{MOST, too_many};
use crate::error::{Error, ErrorKind};
use crate::message::{ChunkKind, Delta, Extra, Logprobs, ToolCallDelta};

/// How many bytes of what items have besides their blocks are kept until the items end.
const MOST_HEADS: usize = 4 << 20;

/// How many bytes parts have of their items in all, with those that later ones replaced. A short event may repeat a long
/// head. Recorded replies have at most a few kilobytes.
const MOST_DESCRIBED: usize = 16 << 20;

/// What a part that is not a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Text,
    Refusal,
    /// Reasoning, and the field that it is in, which may be empty.
    Reasoning(&'static str),
}

/// The parts that have begun, and what all of them say about the end of the reply.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether something was seen, in any order"
)]
pub(super) struct Parts {
    /// The number of the next part.
    next: u32,
    /// The text part that plain text goes on with.
    open: Option<u32>,
    /// The number of the next tool call.
    calls: u32,
    /// The rank of the part or the call that begins now.
    rank: Option<NonZeroU64>,
    /// How many items and blocks there were.
    slots: usize,
    /// How many bytes of heads are kept.
    heads: usize,
    /// How many bytes of heads were passed on.
    described: usize,
    /// Whether any of them is a refusal.
    pub(super) refused: bool,
    /// Whether the model was stopped in the middle of a call.
    pub(super) is_cut: bool,
    /// Whether a copy of a text differs from its pieces, and is not shorter.
    pub(super) differs: bool,
}

/// What is added to a part.
#[derive(Debug, Default)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    /// What else the part has.
    pub(super) extra: Extra,
    /// Whether that is all that it has, and the part is complete.
    pub(super) ends: bool,
    pub(super) signature: Option<String>,
    pub(super) logprobs: Option<Logprobs>,
}

impl Piece<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
            && self.extra.is_empty()
            && self.signature.is_none()
            && self.logprobs.is_none()
    }

    fn is_plain(&self) -> bool {
        self.extra.is_empty() && self.signature.is_none() && self.logprobs.is_none()
    }
}

impl Parts {
    /// Counts an item or a block. Fails if there are too many.
    pub(super) fn count(&mut self) -> Result<(), Error> {
        self.slots += 1;
        if self.slots > MOST {
            return Err(too_many("items and blocks"));
        }
        Ok(())
    }

    /// Keeps so many bytes of a head until [`Self::free`]. Fails if there are too many.
    pub(super) fn keep(&mut self, bytes: usize) -> Result<(), Error> {
        self.heads += bytes;
        if self.heads > MOST_HEADS {
            let message =
                format!("the reply has items that are open and take more than {MOST_HEADS} bytes");
            return Err(Error::new(ErrorKind::ResponseTooLarge, message));
        }
        Ok(())
    }

    pub(super) fn free(&mut self, bytes: usize) {
        self.heads = self.heads.saturating_sub(bytes);
    }

    /// Counts bytes of a head that are passed on. Fails if there were too many.
    pub(super) fn describe(&mut self, bytes: usize) -> Result<(), Error> {
        self.described += bytes;
        if self.described > MOST_DESCRIBED {
            let message = format!(
                "the reply has items whose parts repeat more than {MOST_DESCRIBED} bytes of them"
            );
            return Err(Error::new(ErrorKind::ResponseTooLarge, message));
        }
        Ok(())
    }

    /// The number of a part that begins. Its first piece must come before another part begins.
    pub(super) fn begin(&mut self, rank: u64) -> u32 {
        self.rank = NonZeroU64::new(rank);
        let number = self.next;
        self.next += 1;
        number
    }

    /// The number of a call that begins, likewise.
    pub(super) fn begin_call(&mut self, rank: u64) -> u32 {
        self.rank = NonZeroU64::new(rank);
        let number = self.calls;
        self.calls += 1;
        number
    }

    /// Whether there is any part.
    pub(super) fn any(&self) -> bool {
        self.next > 0 || self.called()
    }

    /// Whether there is any call.
    pub(super) fn called(&self) -> bool {
        self.calls > 0
    }

    /// Adds to a part.
    #[inline]
    pub(super) fn push(
        &mut self,
        number: u32,
        kind: PartKind,
        piece: Piece<'_>,
        out: &mut Vec<ChunkKind>,
    ) {
        if kind == PartKind::Text && self.open == Some(number) && piece.is_plain() {
            out.push(ChunkKind::Text(CompactString::new(piece.text)));
            return;
        }
        let mut delta = Delta {
            part: Some(number),
            rank: self.rank.take(),
            ends: piece.ends,
            extra: piece.extra,
            signature: piece.signature,
            logprobs: piece.logprobs,
            ..Delta::default()
        };
        match kind {
            PartKind::Reasoning(field) => {
                piece.text.clone_into(&mut delta.reasoning);
                delta.reasoning_field = Some(field.into());
            }
            PartKind::Refusal => {
                self.refused = true;
                delta.refusal = Some(piece.text.to_owned());
            }
            PartKind::Text => delta.text = piece.text.into(),
        }
        self.open = (kind == PartKind::Text).then_some(number);
        out.push(ChunkKind::Delta(Box::new(delta)));
    }

    /// Adds to a call.
    pub(super) fn push_call(&mut self, call: ToolCallDelta, out: &mut Vec<ChunkKind>) {
        out.push(ChunkKind::Delta(Box::new(Delta {
            rank: self.rank.take(),
            tool_calls: vec![call],
            ..Delta::default()
        })));
    }

    /// Adds what only the provider understands, or replaces its earlier form.
    pub(super) fn push_opaque(
        &mut self,
        number: u32,
        field: &str,
        raw: &str,
        out: &mut Vec<ChunkKind>,
    ) {
        self.open = None;
        out.push(ChunkKind::Delta(Box::new(Delta {
            part: Some(number),
            rank: self.rank.take(),
            opaque: vec![(field.to_owned(), raw.to_owned())],
            ..Delta::default()
        })));
    }
}
