//! What a stream has to remember of one block, which is one part of the reply.

use super::item::{Block, BlockKind, List};
use super::said::{Said, hash, rest_of};
use crate::json::Text;
use crate::message::{ChunkKind, Extra, Logprobs, RawJson};
use crate::wire::parts::{PartKind, Parts, Piece};

/// What a stream has to remember of one block.
#[derive(Debug)]
pub(super) struct BlockState {
    pub(super) list: List,
    pub(super) kind: BlockKind,
    /// The number of its part.
    number: u32,
    /// Whether its part is the first of its item.
    pub(super) is_first: bool,
    said: Said,
    /// How many annotations came.
    annotations: usize,
    has_logprobs: bool,
    /// A hash of what it has besides its text, as it was last passed on.
    passed_on: u64,
}

impl BlockState {
    /// Begins a block.
    pub(super) fn new(
        list: List,
        kind: BlockKind,
        is_first: bool,
        rank: u64,
        parts: &mut Parts,
    ) -> Self {
        Self {
            list,
            kind,
            number: parts.begin(rank),
            is_first,
            said: Said::default(),
            annotations: 0,
            has_logprobs: false,
            passed_on: 0,
        }
    }

    #[inline]
    fn push(&self, piece: Piece<'_>, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if !piece.is_empty() {
            parts.push(self.number, self.part_kind(), piece, out);
        }
    }

    #[inline]
    fn part_kind(&self) -> PartKind {
        match (self.kind, self.list) {
            (BlockKind::Text | BlockKind::Other, _) => PartKind::Text,
            (BlockKind::Refusal, _) => PartKind::Refusal,
            (BlockKind::Reasoning, List::Summary) => PartKind::Reasoning("summary"),
            (BlockKind::Reasoning, List::Content) => PartKind::Reasoning("content"),
            (BlockKind::Reasoning, List::Bare) => PartKind::Reasoning(""),
        }
    }

    /// Passes on what it has besides its text.
    pub(super) fn describe(
        &mut self,
        extra: Extra,
        ends: bool,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let passed_on = hash(&extra.object());
        if std::mem::replace(&mut self.passed_on, passed_on) != passed_on {
            let piece = Piece {
                extra,
                ends,
                ..Piece::default()
            };
            self.push(piece, parts, out);
        }
    }

    /// Becomes a block of this list, which has `more` besides its text. It stood for its item until now.
    pub(super) fn turn_into(
        &mut self,
        list: List,
        more: &Extra,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        self.list = list;
        let piece = Piece {
            extra: more.clone(),
            ..Piece::default()
        };
        // Even an empty piece says which list it is.
        parts.push(self.number, self.part_kind(), piece, out);
    }

    /// Whether half a character is waiting for the other half.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.said.is_waiting()
    }

    /// Adds the next piece of its text as it is.
    #[inline]
    pub(super) fn grow_plain(&mut self, text: &str, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        self.said.add(text);
        let piece = Piece {
            text,
            ..Piece::default()
        };
        self.push(piece, parts, out);
    }

    /// Adds the next piece of its text.
    pub(super) fn grow(
        &mut self,
        text: Text<'_>,
        logprobs: Option<&str>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let text = self.said.push(text);
        let logprobs = logprobs.and_then(logprobs_of);
        self.has_logprobs |= logprobs.is_some();
        let piece = Piece {
            text: &text,
            logprobs,
            ..Piece::default()
        };
        self.push(piece, parts, out);
    }

    /// Adds what a copy of its whole text has beyond what was said.
    pub(super) fn whole_text(
        &mut self,
        whole: &str,
        logprobs: Option<&str>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let logprobs = self.new_logprobs(logprobs);
        let mut half = [0; 4];
        let piece = Piece {
            text: rest_of(&mut self.said, whole, &mut half, parts),
            logprobs,
            ..Piece::default()
        };
        self.push(piece, parts, out);
    }

    /// The probabilities of all tokens, unless they came with the pieces.
    fn new_logprobs(&mut self, list: Option<&str>) -> Option<Logprobs> {
        let new = list.filter(|_| !self.has_logprobs).and_then(logprobs_of);
        self.has_logprobs |= new.is_some();
        new
    }

    /// Adds an annotation.
    pub(super) fn annotate(
        &mut self,
        annotation: &str,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        if let Some(list) = RawJson::read(&format!("[{annotation}]")) {
            self.annotations += 1;
            let mut extra = Extra::default();
            extra.push("annotations", &list);
            let piece = Piece {
                extra,
                ..Piece::default()
            };
            self.push(piece, parts, out);
        }
    }

    /// Ends the block, which is here in full. `extra` is what its part has of the item.
    pub(super) fn end(
        &mut self,
        mut whole: Block<'_>,
        mut extra: Extra,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        if self.kind == BlockKind::Other {
            self.end_opaque("content", whole.raw, parts, out);
            return;
        }
        // A server may list its annotations only in events of their own.
        let ends = whole.annotations >= self.annotations;
        if ends {
            self.annotations = whole.annotations;
        } else {
            whole.extra.take("annotations");
        }
        extra.append(&whole.extra);
        self.describe(extra, ends, parts, out);
        let text = whole.text.into_lossy();
        self.whole_text(&text, whole.logprobs, parts, out);
    }

    /// Passes on what only the provider understands, or replaces its earlier form.
    pub(super) fn end_opaque(
        &mut self,
        field: &str,
        raw: &str,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let passed_on = hash(raw);
        if std::mem::replace(&mut self.passed_on, passed_on) != passed_on {
            parts.push_opaque(self.number, field, raw, out);
        }
    }

    /// Adds the signature over the reasoning of its item.
    pub(super) fn sign(&self, signature: String, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        let piece = Piece {
            signature: Some(signature),
            ..Piece::default()
        };
        self.push(piece, parts, out);
    }

    /// Ends the block as it is.
    pub(super) fn leave(&mut self, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        if let Some(half) = self.said.finish() {
            let mut text = [0; 4];
            let piece = Piece {
                text: half.encode_utf8(&mut text),
                ..Piece::default()
            };
            self.push(piece, parts, out);
        }
    }
}

/// The probabilities in a list of tokens.
fn logprobs_of(list: &str) -> Option<Logprobs> {
    Logprobs::of(&format!("{{\"content\":{list}}}"))
}
