//! What is known of the text, or of the reasoning, that a choice has passed on, to notice what says it again.

use compact_str::CompactString;

/// The field of a choice that has text next to its message.
pub(super) const TEXT: &str = "text";
/// The field of a message for text.
pub(super) const CONTENT: &str = "content";

/// What is known of the text that was passed on.
#[derive(Debug, Default)]
pub(super) struct Said {
    bytes: usize,
    /// Its first bytes.
    start: CompactString,
    /// The field that it came in; empty if there was none.
    field: &'static str,
    /// How much of it came in another field, too.
    echoed: usize,
    /// Whether a whole `message` turned out to be only the next piece.
    in_pieces: bool,
    /// Whether any of it was in a delta.
    pub(super) in_deltas: bool,
}

/// How many bytes of the text are kept, to recognize what repeats it. No more fit without an allocation.
const START_BYTES: usize = 24;

impl Said {
    #[inline]
    pub(super) fn add(&mut self, text: &str) {
        if self.bytes < START_BYTES {
            self.begin(text);
        }
        self.bytes += text.len();
    }

    #[cold]
    fn begin(&mut self, text: &str) {
        let room = START_BYTES - self.start.len();
        let fits = (0..=room.min(text.len())).rfind(|&at| text.is_char_boundary(at));
        self.start
            .push_str(text.get(..fits.unwrap_or(0)).unwrap_or_default());
    }

    /// Whether there was any.
    pub(super) fn any(&self) -> bool {
        self.bytes > 0
    }

    /// Whether a piece in this field may say something again. The first field does not.
    #[inline]
    pub(super) fn is_elsewhere(&mut self, field: &'static str) -> bool {
        if self.field.is_empty() {
            self.field = field;
        }
        self.field != field
    }

    /// Whether a piece is new. It is not if a piece in another field says the same as all before, or goes on where
    /// such pieces were, but a field that repeats another never says more than that.
    pub(super) fn counts(&mut self, field: &'static str, piece: &str) -> bool {
        if piece.is_empty() || !self.is_elsewhere(field) {
            return true;
        }
        let is_all = piece.len() == self.bytes && piece.starts_with(&*self.start);
        if is_all {
            self.echoed = self.bytes;
        } else if self.echoed > 0 && self.echoed + piece.len() <= self.bytes {
            self.echoed += piece.len();
        } else {
            (self.field, self.echoed) = (field, 0);
            return true;
        }
        false
    }

    /// What a message has beyond the text before it; `None` if it has nothing new.
    pub(super) fn beyond<'t>(&mut self, message: &'t str) -> Option<&'t str> {
        if self.bytes == 0 || self.in_pieces {
            return Some(message);
        }
        if message.starts_with(&*self.start) {
            return message.get(self.bytes..);
        }
        // The deltas count. Without any, the messages are the pieces.
        self.in_pieces = !self.in_deltas;
        self.in_pieces.then_some(message)
    }
}
