//! One call for a whole reply.

pub(crate) mod arguments;
pub(crate) mod many;
pub(crate) mod pending;
