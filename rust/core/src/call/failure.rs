//! How an attempt failed.

use crate::error::{Error, Phase};
use crate::http::Head;
use crate::retry::Hints;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) hints: Hints,
    /// A connection that was idle ended before any byte of a response. The server had most likely closed it
    /// while the request was on its way.
    pub(super) lost_idle: bool,
    /// The HTTP status, if there was a response head.
    pub(super) status: Option<u16>,
}

impl Failure {
    /// A failure after the response head.
    pub(super) fn after_head(error: Error, head: &Head) -> Self {
        Self {
            status: Some(head.status),
            ..Self::from(head.seen_by(error.at(Phase::Body)))
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            status: error.status(),
            error,
            hints: Hints::default(),
            lost_idle: false,
        }
    }
}
