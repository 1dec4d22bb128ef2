//! The text of a reply while it grows.

use super::queue::Queue;
use crate::message::{Part, Reply};

impl Queue {
    /// Reader: the text of the first choice after its first `from` bytes, and about `most` bytes of it, whoever has taken
    /// its chunks.
    ///
    /// A text part that goes on after the next one has begun moves what follows it. Then the pieces are not those of the
    /// whole text.
    #[must_use]
    pub fn text_since(&self, from: usize, most: usize) -> String {
        let fold = self.reply.lock();
        let ended = self.lock().notes.reply.clone();
        text_since(ended.as_deref().unwrap_or(fold.so_far()), from, most)
    }
}

fn text_since(reply: &Reply, mut from: usize, most: usize) -> String {
    let choice = reply.choices.iter().find(|choice| choice.index == 0);
    let mut since = String::new();
    for part in choice.into_iter().flat_map(|choice| &choice.parts) {
        let Part::Text { text, .. } = part else {
            continue;
        };
        let Some(rest) = text.get(from..) else {
            from = from.saturating_sub(text.len());
            continue;
        };
        from = 0;
        let mut end = rest.len().min(most.saturating_sub(since.len()));
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        since.push_str(rest.get(..end).unwrap_or_default());
        if since.len() >= most {
            break;
        }
    }
    since
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::message::{Chunk, ChunkKind, Delta, Timing};

    fn publish(queue: &Queue, kind: ChunkKind) {
        let chunk = Chunk { kind, raw: None };
        queue.publish(&mut vec![chunk], None).unwrap();
    }

    fn part(number: u32, text: &str) -> ChunkKind {
        ChunkKind::Delta(Box::new(Delta {
            part: Some(number),
            text: text.into(),
            ..Delta::default()
        }))
    }

    #[test]
    fn the_text_since_any_place_is_found_over_all_parts_before_and_after_the_end() {
        let queue = Queue::new(1 << 20, 1 << 20, Instant::now());
        assert_eq!(queue.text_since(0, 100), "");
        publish(&queue, part(0, "ab"));
        publish(&queue, ChunkKind::Text("\u{e9}".into()));
        publish(&queue, part(1, "cd"));
        let of_other = Delta {
            index: 1,
            text: "other".into(),
            ..Delta::default()
        };
        publish(&queue, ChunkKind::Delta(Box::new(of_other)));
        let whole = "ab\u{e9}cd";
        for is_over in [false, true] {
            for from in (0..=whole.len()).filter(|&at| whole.is_char_boundary(at)) {
                assert_eq!(
                    queue.text_since(from, 100),
                    whole[from..],
                    "{from} {is_over}"
                );
            }
            // A character is not cut.
            assert_eq!(queue.text_since(0, 3), "ab\u{e9}");
            assert_eq!(queue.text_since(2, 1), "\u{e9}");
            queue.finish(Ok(()), Timing::default(), Vec::new());
        }
    }
}
