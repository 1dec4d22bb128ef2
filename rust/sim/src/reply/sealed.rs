//! What only the provider can read of reasoning, such as encrypted content and signatures: made from
//! what it belongs to, and checked when it comes back.

use crate::hash::{checksum, derived_id, fnv};

/// Length without the prefix and the checksum, in characters. With a prefix of a multiple of 4, it
/// is valid base64.
const LENGTH: usize = 200;

/// The seal that belongs to this id or text. `prefix` is how those of the provider begin.
pub(crate) fn seal(prefix: &str, of: &str) -> String {
    let content = derived_id(prefix, fnv(of.as_bytes()), LENGTH);
    let check = checksum(&content);
    content + &check
}

/// The part of it that an event has before the item is complete. It does not come through
/// [`check`].
pub(crate) fn unfinished(seal: &str) -> &str {
    seal.get(..LENGTH / 2).unwrap_or_default()
}

/// What is wrong with a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It was changed, or made elsewhere.
    Unreadable,
    /// It belongs to something else.
    Misplaced,
}

/// Whether the seal is whole and, with `of`, belongs to that.
pub(crate) fn check(seal: &str, prefix: &str, of: Option<&str>) -> Result<(), Broken> {
    let at = seal.len().saturating_sub(8);
    let is_whole = seal
        .split_at_checked(at)
        .is_some_and(|(sealed, check)| sealed.starts_with(prefix) && check == checksum(sealed));
    if !is_whole {
        return Err(Broken::Unreadable);
    }
    match of {
        Some(of) if seal != self::seal(prefix, of) => Err(Broken::Misplaced),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::{Broken, check, seal, unfinished};

    #[test]
    fn only_the_whole_seal_of_the_same_item_is_read() {
        let sealed = seal("abcd", "rs_1");
        assert_eq!(check(&sealed, "abcd", Some("rs_1")), Ok(()));
        assert_eq!(check(&sealed, "abcd", None), Ok(()));
        assert_eq!(check(&sealed, "abcd", Some("rs_2")), Err(Broken::Misplaced));
        for broken in [
            unfinished(&sealed),
            "",
            "\u{e9}",
            "abcd",
            &sealed[1..],
            &seal("efgh", "rs_1"),
        ] {
            assert_eq!(
                check(broken, "abcd", None),
                Err(Broken::Unreadable),
                "{broken}"
            );
        }
        assert!(STANDARD.decode(&sealed).is_ok());
    }
}
