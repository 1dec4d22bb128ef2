//! The frozen values that Python sees, one class a file.

pub(crate) mod attempt;
pub(crate) mod choice;
pub(crate) mod chunk;
pub(crate) mod events;
pub(crate) mod keywords;
pub(crate) mod limits;
pub(crate) mod logprob;
pub(crate) mod made;
pub(crate) mod providers;
pub(crate) mod raise;
pub(crate) mod reply;
pub(crate) mod response;
pub(crate) mod usage;
pub(crate) mod value;
