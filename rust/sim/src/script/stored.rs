//! Replies that can be asked for again by their id.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;

/// How many are kept, and the longest of them in bytes.
const MOST: usize = 256;
const LONGEST: usize = 1024 * 1024;

/// The last replies of a script in use.
#[derive(Debug, Default)]
pub(crate) struct Stored(Mutex<VecDeque<(String, Bytes)>>);

impl Stored {
    pub(crate) fn keep(&self, id: &str, reply: &Bytes) {
        if reply.len() > LONGEST {
            return;
        }
        let mut replies = self.0.lock();
        replies.retain(|(known, _)| known != id);
        replies.truncate(MOST - 1);
        replies.push_front((id.to_owned(), reply.clone()));
    }

    pub(crate) fn find(&self, id: &str) -> Option<Bytes> {
        let replies = self.0.lock();
        let found = replies.iter().find(|(known, _)| known == id);
        found.map(|(_, reply)| reply.clone())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{LONGEST, MOST, Stored};

    #[test]
    fn the_last_ones_are_kept_unless_they_are_too_long() {
        let stored = Stored::default();
        for number in 0..=MOST {
            stored.keep(&number.to_string(), &Bytes::from(number.to_string()));
        }
        stored.keep("1", &Bytes::from_static(b"again"));
        stored.keep("long", &Bytes::from(vec![0; LONGEST + 1]));
        for (id, expected) in [
            ("0", None),
            ("1", Some("again")),
            ("2", Some("2")),
            ("long", None),
        ] {
            assert_eq!(stored.find(id), expected.map(Bytes::from), "{id}");
        }
    }
}
