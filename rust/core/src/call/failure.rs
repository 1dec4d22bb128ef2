//! How an attempt failed.

use std::time::SystemTime;

use crate::error::{ApiFailure, Error, Phase};
use crate::http::Head;
use crate::retry::{Hints, wait_in_body};

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
    /// A failure after the response head. What stands in its headers was said of a success.
    pub(super) fn after_head(mut error: Error, head: &Head) -> Self {
        let retry_after = wait_in_body(&error, SystemTime::now());
        if let Some(api) = error.api().filter(|_| retry_after.is_some()) {
            let api = ApiFailure {
                retry_after,
                ..api.clone()
            };
            error = error.with_api(api);
        }
        let hints = Hints {
            retry_after,
            ..Hints::default()
        };
        Self {
            hints,
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
