//! What the words for the end of a candidate mean.

use crate::message::FinishReason;

/// The words by their numbers, which a server sends that was asked for `enum-encoding=int`.
///
/// Source: googleapis, `google/ai/generativelanguage/v1beta/generative_service.proto`, `FinishReason`.
const NUMBERED: [&str; 14] = [
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
];

/// The reason for a word or a number; `None` if it says that the candidate has not ended.
pub(super) fn reason(word: &str) -> Option<FinishReason> {
    let number = word.parse::<usize>().ok();
    let word = number
        .and_then(|number| NUMBERED.get(number).copied())
        .unwrap_or(word);
    // The value of an enumeration that says nothing.
    if word == "FINISH_REASON_UNSPECIFIED" {
        return None;
    }
    FinishReason::from_word(word)
}

/// Whether the provider says why it ended so.
pub(super) fn is_explained(reason: FinishReason) -> bool {
    matches!(reason, FinishReason::ContentFilter | FinishReason::Refusal) || reason.is_failure()
}
