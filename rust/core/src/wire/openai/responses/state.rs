//! What a stream has to remember about one item, and how its parts begin, grow and end.

use super::item::{Block, BlockKind, Item, Kind, List, push_string};
use super::parts::{Parts, Piece};
use super::said::{Said, Whole, hash};
use crate::error::Error;
use crate::json::Text;
use crate::message::{ChunkKind, Extra, Logprobs, RawJson, ToolCallDelta};
use crate::places::Places;
use crate::wire::openai::chat::new_id;

/// What a stream has to remember about one item.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether something was seen, in any order"
)]
pub(super) struct ItemState {
    pub(super) kind: Kind,
    /// A hash of its id.
    pub(super) id: Option<u64>,
    /// What its first part has as `item`, and the other ones.
    head: Box<str>,
    continues: Box<str>,
    blocks: Vec<BlockState>,
    places: Places<(List, u64)>,
    call: Option<Box<CallState>>,
    /// Whether the signature of its reasoning came.
    pub(super) is_signed: bool,
    /// Whether all of it came.
    pub(super) has_ended: bool,
    /// Whether it ended with nothing in it.
    pub(super) is_bare: bool,
    /// Whether the terminal event repeated it.
    pub(super) is_repeated: bool,
}

#[derive(Debug)]
struct BlockState {
    list: List,
    kind: BlockKind,
    /// The number of its part.
    number: u32,
    is_first: bool,
    said: Said,
    /// How many annotations came.
    annotations: usize,
    has_logprobs: bool,
    /// A hash of what else was last passed on.
    passed_on: u64,
}

#[derive(Debug, Default)]
struct CallState {
    index: u32,
    said: Said,
    has_id: bool,
    has_name: bool,
}

impl ItemState {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            id: None,
            head: "{}".into(),
            continues: r#"{"continues":true}"#.into(),
            blocks: Vec::new(),
            places: Places::None,
            call: None,
            is_signed: false,
            has_ended: false,
            is_bare: false,
            is_repeated: false,
        }
    }

    /// Whether anything of it was passed on.
    pub(super) fn has_begun(&self) -> bool {
        self.call.is_some() || !self.blocks.is_empty()
    }

    /// Notes what the item has besides its blocks.
    pub(super) fn note(&mut self, item: &Item<'_>, parts: &mut Parts) -> Result<(), Error> {
        parts.free(self.head.len() + self.continues.len());
        if let Some(id) = &item.id {
            self.id = Some(hash(id));
            let mut continues = String::from(r#"{"id":"#);
            push_string(&mut continues, id);
            continues.push_str(r#","continues":true}"#);
            self.continues = continues.into();
        }
        if item.kind != Kind::Other {
            self.head = item.head()?.into();
        }
        parts.keep(self.head.len() + self.continues.len())
    }

    /// What a part of it has as `item`.
    fn extra(&self, is_first: bool) -> Extra {
        let mut extra = Extra::default();
        let json = if is_first {
            &self.head
        } else {
            &self.continues
        };
        if let Some(json) = RawJson::read(json) {
            extra.push("item", &json);
        }
        extra
    }

    /// The place of a block that has begun.
    pub(super) fn place(&self, list: List, index: u64) -> Option<usize> {
        // Nearly every item has one block.
        self.places.get(&(list, index))
    }

    /// Begins a block. The part of one that we understand begins with an empty piece.
    pub(super) fn begin(
        &mut self,
        list: List,
        index: u64,
        kind: BlockKind,
        more: Option<&Extra>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<usize, Error> {
        if let [bare] = self.blocks.as_mut_slice()
            && bare.list == List::Bare
        {
            // The part that stood for the item is that of its first block.
            bare.list = list;
            self.places.set((list, index), 0);
            let piece = Piece {
                extra: more.cloned().unwrap_or_default(),
                ..Piece::default()
            };
            parts.push(bare.number, bare.kind, list, piece, out);
            return Ok(0);
        }
        parts.count()?;
        let at = self.blocks.len();
        self.places.set((list, index), at);
        let mut block = BlockState {
            list,
            kind,
            number: parts.begin(),
            is_first: !self
                .blocks
                .iter()
                .any(|block| block.kind != BlockKind::Other),
            said: Said::default(),
            annotations: 0,
            has_logprobs: false,
            passed_on: 0,
        };
        if kind != BlockKind::Other {
            let mut extra = self.extra(block.is_first);
            if let Some(more) = more {
                extra.append(more);
            }
            block.passed_on = hash(&extra.object());
            let piece = Piece {
                extra,
                ..Piece::default()
            };
            parts.push(block.number, kind, list, piece, out);
        }
        self.blocks.push(block);
        Ok(at)
    }

    /// Whether a block is of this kind, so that a piece may go on with it.
    pub(super) fn is_of(&self, at: usize, kind: BlockKind) -> bool {
        self.blocks.get(at).is_some_and(|block| block.kind == kind)
    }

    /// Adds the next piece of a block's text.
    pub(super) fn grow(
        &mut self,
        at: usize,
        text: Text<'_>,
        logprobs: Option<&str>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        let text = block.said.push(text);
        let logprobs = logprobs.and_then(logprobs_of);
        block.has_logprobs |= logprobs.is_some();
        let piece = Piece {
            text: &text,
            logprobs,
            ..Piece::default()
        };
        if !piece.is_empty() {
            parts.push(block.number, block.kind, block.list, piece, out);
        }
    }

    /// Adds the next piece of a block's text, which is all that its event has. Returns whether it could.
    #[inline]
    pub(super) fn grow_plain(
        &mut self,
        at: usize,
        text: &str,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> bool {
        let Some(block) = self.blocks.get_mut(at) else {
            return false;
        };
        if !block.said.push_plain(text) {
            return false;
        }
        if !text.is_empty() {
            let piece = Piece {
                text,
                ..Piece::default()
            };
            parts.push(block.number, block.kind, block.list, piece, out);
        }
        true
    }

    /// Adds what a copy of a block's whole text has beyond what was said.
    pub(super) fn whole_text(
        &mut self,
        at: usize,
        whole: &str,
        logprobs: Option<&str>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        let mut half = [0; 4];
        let text = rest_of(&mut block.said, whole, &mut half, parts);
        let logprobs = logprobs
            .filter(|_| !block.has_logprobs)
            .and_then(logprobs_of);
        block.has_logprobs |= logprobs.is_some();
        let piece = Piece {
            text,
            logprobs,
            ..Piece::default()
        };
        if !piece.is_empty() {
            parts.push(block.number, block.kind, block.list, piece, out);
        }
    }

    /// Adds an annotation to a block.
    pub(super) fn annotate(
        &mut self,
        at: usize,
        annotation: &str,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        let Some(list) = RawJson::read(&format!("[{annotation}]")) else {
            return;
        };
        block.annotations += 1;
        let mut extra = Extra::default();
        extra.push("annotations", &list);
        let piece = Piece {
            extra,
            ..Piece::default()
        };
        parts.push(block.number, block.kind, block.list, piece, out);
    }

    /// Ends a block, which is here in full.
    pub(super) fn whole_block(
        &mut self,
        at: usize,
        mut whole: Block<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        let Some(is_first) = self.blocks.get(at).map(|block| block.is_first) else {
            return;
        };
        let mut extra = self.extra(is_first);
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        if block.kind == BlockKind::Other {
            let passed_on = hash(whole.raw);
            if std::mem::replace(&mut block.passed_on, passed_on) != passed_on {
                parts.push_opaque(block.number, "content", whole.raw, out);
            }
            return;
        }
        // A server may list its annotations only in events of their own.
        let ends = whole.annotations >= block.annotations;
        if ends {
            block.annotations = whole.annotations;
        } else {
            whole.extra.take("annotations");
        }
        extra.append(&whole.extra);
        let passed_on = hash(&extra.object());
        if passed_on == block.passed_on {
            extra = Extra::default();
        }
        block.passed_on = passed_on;
        let logprobs = whole
            .logprobs
            .filter(|_| !block.has_logprobs)
            .and_then(logprobs_of);
        block.has_logprobs |= logprobs.is_some();
        let text = whole.text.into_lossy();
        let mut half = [0; 4];
        let piece = Piece {
            text: rest_of(&mut block.said, &text, &mut half, parts),
            ends: ends && !extra.is_empty(),
            extra,
            logprobs,
            signature: None,
        };
        if !piece.is_empty() {
            parts.push(block.number, block.kind, block.list, piece, out);
        }
    }

    /// Begins the call, or notes its id and its name.
    pub(super) fn begin_call(
        &mut self,
        item: Option<&Item<'_>>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        if self.call.is_none() {
            let mut call = CallState {
                index: parts.begin_call(),
                ..CallState::default()
            };
            let id = item.and_then(|item| item.call_id.as_deref());
            let name = item.and_then(|item| item.name.as_deref());
            (call.has_id, call.has_name) = (id.is_some(), name.is_some());
            Parts::push_call(
                ToolCallDelta {
                    index: call.index,
                    id: id.map(str::to_owned),
                    name: name.map(str::to_owned),
                    arguments: String::new(),
                    extra: self.call_extra(),
                    ends: Some(false),
                },
                out,
            );
            self.call = Some(Box::new(call));
        }
    }

    fn call_extra(&self) -> Extra {
        let mut extra = self.extra(true);
        if self.kind == Kind::Custom
            && let Some(object) = RawJson::read("{}")
        {
            extra.push("custom", &object);
        }
        extra
    }

    /// Adds the next piece of the call's arguments.
    pub(super) fn grow_call(&mut self, text: Text<'_>, out: &mut Vec<ChunkKind>) {
        let Some(call) = &mut self.call else {
            return;
        };
        let arguments = call.said.push(text).into_owned();
        if !arguments.is_empty() {
            Parts::push_call(
                ToolCallDelta {
                    index: call.index,
                    arguments,
                    ends: Some(false),
                    ..ToolCallDelta::default()
                },
                out,
            );
        }
    }

    /// Adds what a copy of the call's arguments has beyond what was said.
    pub(super) fn whole_arguments(
        &mut self,
        whole: &str,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) {
        if let Some(call) = &mut self.call {
            let mut half = [0; 4];
            let rest = rest_of(&mut call.said, whole, &mut half, parts).to_owned();
            if !rest.is_empty() {
                Parts::push_call(
                    ToolCallDelta {
                        index: call.index,
                        arguments: rest,
                        ends: Some(false),
                        ..ToolCallDelta::default()
                    },
                    out,
                );
            }
        }
    }

    /// Ends the call, which is here in full unless the model was stopped in the middle of it.
    fn end_call(&mut self, item: Item<'_>, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        self.begin_call(Some(&item), parts, out);
        let extra = self.call_extra();
        let Some(call) = &mut self.call else {
            return;
        };
        let arguments = item.arguments.into_lossy();
        let mut half = [0; 4];
        let rest = rest_of(&mut call.said, &arguments, &mut half, parts).to_owned();
        // Results are given back by id, so a call without one gets it here.
        let id = item.call_id.or(item.id).filter(|_| !call.has_id);
        let id = id.map_or_else(|| (!call.has_id).then(new_id), |id| Some(id.into_owned()));
        let name = item.name.filter(|_| !call.has_name);
        (call.has_id, call.has_name) = (true, true);
        parts.is_cut |= item.is_cut;
        Parts::push_call(
            ToolCallDelta {
                index: call.index,
                id,
                name: name.map(|name| name.into_owned()),
                arguments: rest,
                extra,
                ends: Some(!item.is_cut),
            },
            out,
        );
    }

    /// Ends the call as it is, because the reply is complete.
    fn end_open_call(&mut self, out: &mut Vec<ChunkKind>) {
        if let Some(call) = &mut self.call {
            let half = call.said.finish();
            Parts::push_call(
                ToolCallDelta {
                    index: call.index,
                    id: (!call.has_id).then(new_id),
                    arguments: half.map(String::from).unwrap_or_default(),
                    ends: Some(true),
                    ..ToolCallDelta::default()
                },
                out,
            );
        }
    }

    /// Ends the item, which is here in full.
    pub(super) fn end(
        &mut self,
        item: Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        self.note(&item, parts)?;
        match self.kind {
            Kind::Call | Kind::Custom => self.end_call(item, parts, out),
            Kind::Other => self.push_whole(&item, parts, out)?,
            Kind::Message | Kind::Reasoning => {
                self.whole_blocks(&item, parts, out)?;
                match self.kind {
                    Kind::Message if self.blocks.is_empty() => {
                        self.is_bare = true;
                        self.push_whole(&item, parts, out)?;
                    }
                    Kind::Message => {}
                    _ => {
                        self.begin_whole(&item, parts, out)?;
                        self.sign(&item, parts, out);
                    }
                }
            }
        }
        self.close(parts);
        Ok(())
    }

    fn whole_blocks(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        // The indices of events may begin at 1, but their order is that of the list.
        let known = |list| {
            let places = self.blocks.iter().enumerate();
            let places = places.filter(move |(_, block)| block.list == list);
            places.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (summary, content) = (known(List::Summary), known(List::Content));
        let mut met = vec![false; self.blocks.len()];
        item.blocks(|list, place, block| {
            let known = match list {
                List::Summary => &summary,
                _ => &content,
            };
            let known = usize::try_from(place).ok().and_then(|at| known.get(at));
            let at = match known.filter(|&&at| self.is_of(at, block.kind)) {
                Some(&at) => at,
                None => {
                    let index = u64::MAX - place;
                    self.begin(list, index, block.kind, Some(&block.extra), parts, out)?
                }
            };
            if let Some(met) = met.get_mut(at) {
                *met = true;
            }
            self.whole_block(at, block, parts, out);
            Ok(())
        })?;
        if met.first() != Some(&false) {
            return Ok(());
        }
        // A block that is not repeated keeps what it has.
        let extra = self.extra(true);
        if let Some(block) = self.blocks.first_mut() {
            let passed_on = hash(&extra.object());
            if block.kind != BlockKind::Other && passed_on != block.passed_on {
                block.passed_on = passed_on;
                let ends = block.list == List::Bare;
                let piece = Piece {
                    extra,
                    ends,
                    ..Piece::default()
                };
                parts.push(block.number, block.kind, block.list, piece, out);
            }
        }
        Ok(())
    }

    /// Begins what is one part of the reply from its beginning to its end.
    pub(super) fn begin_whole(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        match self.kind {
            Kind::Call | Kind::Custom => self.begin_call(Some(item), parts, out),
            // A reasoning item without blocks is one part.
            Kind::Reasoning if self.blocks.is_empty() => {
                self.begin(List::Bare, 0, BlockKind::Reasoning, None, parts, out)?;
            }
            Kind::Other => self.push_whole(item, parts, out)?,
            Kind::Reasoning | Kind::Message => {}
        }
        Ok(())
    }

    /// Passes on an item that only the provider understands.
    fn push_whole(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        if self.blocks.is_empty() {
            self.begin(List::Bare, 0, BlockKind::Other, None, parts, out)?;
        }
        if let Some(block) = self.blocks.first_mut() {
            let passed_on = hash(item.raw);
            if std::mem::replace(&mut block.passed_on, passed_on) != passed_on {
                parts.push_opaque(block.number, "output", item.raw, out);
            }
        }
        Ok(())
    }

    /// Passes on the encrypted reasoning, if it has not come yet.
    pub(super) fn sign(&mut self, item: &Item<'_>, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        let Some(encrypted) = item.encrypted.as_deref().filter(|_| !self.is_signed) else {
            return;
        };
        if let Some(block) = self.blocks.last() {
            self.is_signed = true;
            let piece = Piece {
                signature: Some(encrypted.to_owned()),
                ..Piece::default()
            };
            parts.push(block.number, block.kind, block.list, piece, out);
        }
    }

    /// Ends an item that is in no event in full. `is_complete` says whether the reply is.
    pub(super) fn leave(&mut self, is_complete: bool, parts: &mut Parts, out: &mut Vec<ChunkKind>) {
        match self.kind {
            Kind::Call | Kind::Custom if is_complete => self.end_open_call(out),
            Kind::Call | Kind::Custom => parts.is_cut = true,
            Kind::Reasoning | Kind::Message | Kind::Other => {}
        }
        for block in &mut self.blocks {
            if let Some(half) = block.said.finish() {
                let mut text = [0; 4];
                let piece = Piece {
                    text: half.encode_utf8(&mut text),
                    ..Piece::default()
                };
                parts.push(block.number, block.kind, block.list, piece, out);
            }
        }
        self.close(parts);
    }

    /// Nothing of the item follows, so only its last part is still needed.
    fn close(&mut self, parts: &mut Parts) {
        self.has_ended = true;
        parts.free(self.head.len() + self.continues.len());
        (self.head, self.continues) = (Box::default(), Box::default());
        self.places = Places::None;
        if self.kind == Kind::Reasoning && !self.is_signed {
            let keep = self.blocks.len().saturating_sub(1);
            self.blocks.drain(..keep);
        } else {
            self.blocks = Vec::new();
        }
        self.call = None;
    }

    /// Adds what the terminal event has beyond an item that has ended.
    pub(super) fn repeat(
        &mut self,
        item: &Item<'_>,
        parts: &mut Parts,
        out: &mut Vec<ChunkKind>,
    ) -> Result<(), Error> {
        match self.kind {
            Kind::Reasoning => self.sign(item, parts, out),
            Kind::Message if self.is_bare => {
                self.note(item, parts)?;
                self.whole_blocks(item, parts, out)?;
                self.close(parts);
            }
            _ => {}
        }
        Ok(())
    }
}

/// What `whole` adds to what was said, or a half character that is left over.
fn rest_of<'t>(
    said: &mut Said,
    whole: &'t str,
    half: &'t mut [u8; 4],
    parts: &mut Parts,
) -> &'t str {
    // An empty copy says nothing.
    if whole.is_empty() {
        return said.finish().map_or("", |char| char.encode_utf8(half));
    }
    match said.whole(whole) {
        Whole::Continues(rest) => rest,
        other => {
            parts.differs |= other == Whole::Lost;
            said.finish().map_or("", |char| char.encode_utf8(half))
        }
    }
}

/// The probabilities in a list of tokens.
fn logprobs_of(list: &str) -> Option<Logprobs> {
    Logprobs::of(&format!("{{\"content\":{list}}}"))
}
