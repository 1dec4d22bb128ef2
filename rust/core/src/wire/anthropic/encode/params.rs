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
const USUAL_MAX_TOKENS: &str = "4096";

/// Writes the parameters, each at its place.
pub(super) fn write(body: &mut Body<'_>, params: &Set<'_>) {
    if params.get("max_tokens").is_none() {
        body.raw("max_tokens", USUAL_MAX_TOKENS);
    }
    for (name, value) in params.iter() {
        body.raw(name, value);
    }
}
