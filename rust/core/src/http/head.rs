//! The head of a response.

use std::sync::Arc;

/// The head of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values. Bytes that are not UTF-8 are replaced. The call, the queue and every reply
    /// share them.
    pub headers: Arc<[(String, String)]>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

impl Head {
    /// The first value of the header `name`, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}
