//! The parameters of Messages, and their places in its body.

use crate::wire::body::Body;
use crate::wire::params::{Param, Set, Type, param};

/// The parameters that it takes.
pub(in crate::wire::anthropic) const PARAMETERS: &[Param] = &[
    param("max_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
];

/// Tokens of the answer where neither the caller nor the registry says how many.
const USUAL_MAX_TOKENS: u64 = 4_096;

/// The most tokens that we ask for on our own. Longer answers need a longer timeout, too.
const MOST_MAX_TOKENS: u64 = 32_000;

/// Writes the parameters, each at its place.
pub(super) fn write(body: &mut Body<'_>, params: &Set<'_>, largest_answer: Option<u64>) {
    if params.get("max_tokens").is_none() {
        let most = largest_answer.map_or(USUAL_MAX_TOKENS, |most| most.min(MOST_MAX_TOKENS));
        body.raw("max_tokens", &most.to_string());
    }
    for (name, value) in params.iter() {
        body.raw(name, value);
    }
}
