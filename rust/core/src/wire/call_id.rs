//! The ids of tool calls that came without one.
//!
//! The result of a call is given back by its id, so each call has one. An API that has calls without ids must not be sent
//! one that it never gave, so those that are made up can be recognised.

/// How each of them begins.
const BEGINNING: &str = "tw";
/// Mistral refuses ids of any other length, and all servers take letters and digits.
const CHARS: usize = 9;

/// An id that no other call of the conversation has. It is random, because the replies of one conversation know
/// nothing of each other.
pub(super) fn made_up() -> String {
    let mut id = String::from(BEGINNING);
    id.extend(std::iter::repeat_with(fastrand::alphanumeric).take(CHARS - BEGINNING.len()));
    id
}

/// Whether an id is one of those. The ids of providers have another length or another beginning.
pub(super) fn is_made_up(id: &str) -> bool {
    id.len() == CHARS
        && id.starts_with(BEGINNING)
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_recognised_and_differs() {
        let (one, other) = (made_up(), made_up());
        assert_ne!(one, other);
        assert!(is_made_up(&one) && is_made_up(&other), "{one} {other}");
        for id in [
            "",
            "tw",
            "tw_1234567",
            "call_1234",
            "tw12345678",
            "function-call-1",
        ] {
            assert!(!is_made_up(id), "{id}");
        }
    }
}
