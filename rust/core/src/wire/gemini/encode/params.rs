//! The parameters of Gemini, and their places in its body.

use crate::error::Error;
use crate::wire::body::{Body, object};
use crate::wire::params::{Param, Set, Type, param};

/// The parameters that it takes.
pub(in crate::wire::gemini) const PARAMETERS: &[Param] = &[
    param("max_tokens", Type::Count),
    param("temperature", Type::Number),
    param("top_p", Type::Number),
];

/// Writes the parameters, each at its place.
pub(super) fn write(body: &mut Body<'_>, params: &Set<'_>) -> Result<(), Error> {
    let config: Vec<_> = params
        .iter()
        .map(|(name, value)| match name {
            "max_tokens" => ("maxOutputTokens", value),
            "top_p" => ("topP", value),
            _ => (name, value),
        })
        .collect();
    if !config.is_empty() {
        body.object("generationConfig", &object(config.into_iter()))?;
    }
    Ok(())
}
