//! `encrypted_content` of reasoning items: made from the item's id, and checked when it comes back.

use crate::hash::{checksum, derived_id, fnv};

/// Length without the checksum, in characters.
const LENGTH: usize = 200;

/// The content that belongs to the item of this id.
pub(super) fn seal(id: &str) -> String {
    let content = derived_id("gAAAAAB", fnv(id.as_bytes()), LENGTH);
    let check = checksum(&content);
    content + &check
}

/// The part of the content that an event has before the item is complete. It does not come through
/// [`check`].
pub(super) fn unfinished(content: &str) -> &str {
    content.get(..LENGTH / 2).unwrap_or_default()
}

/// Why the content cannot be read: it was changed, or it is that of another item or provider.
pub(super) fn check(content: &str, id: Option<&str>) -> Result<(), &'static str> {
    let at = content.len().saturating_sub(8);
    let is_whole = content
        .split_at_checked(at)
        .is_some_and(|(sealed, check)| check == checksum(sealed));
    if !is_whole {
        return Err("Encrypted content could not be decrypted or parsed.");
    }
    match id {
        Some(id) if content != seal(id) => {
            Err("Encrypted content item_id did not match the target item id.")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, seal, unfinished};

    #[test]
    fn only_the_whole_content_of_the_same_item_is_read() {
        let content = seal("rs_1");
        assert_eq!(check(&content, Some("rs_1")), Ok(()));
        assert_eq!(check(&content, None), Ok(()));
        let other = check(&content, Some("rs_2")).unwrap_err();
        assert!(other.contains("item_id"), "{other}");
        for broken in [unfinished(&content), "", "\u{e9}", "gAAAAAB", &content[1..]] {
            assert!(check(broken, None).is_err(), "{broken}");
        }
    }
}
