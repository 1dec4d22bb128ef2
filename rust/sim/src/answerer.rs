//! Lets a function decide how each request is answered, instead of a script.

use std::fmt;
use std::sync::Arc;

use crate::log::RequestRecord;
use crate::script::{Behaviour, ErrorReply};

type Decide = dyn Fn(&RequestRecord) -> Behaviour + Send + Sync;

/// A function that decides how each POST is answered. It may block: it is called on a thread of
/// its own for each request.
#[derive(Clone)]
pub struct Answerer(Arc<Decide>);

impl Answerer {
    /// Wraps a function.
    #[must_use]
    pub fn new(decide: impl Fn(&RequestRecord) -> Behaviour + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    pub(crate) async fn ask(&self, request: RequestRecord) -> Behaviour {
        let decide = Arc::clone(&self.0);
        let decided = tokio::task::spawn_blocking(move || decide(&request)).await;
        decided.unwrap_or_else(|_| Behaviour {
            error: Some(ErrorReply {
                message: Some("The simulator's answerer panicked.".to_owned()),
                ..ErrorReply::default()
            }),
            ..Behaviour::default()
        })
    }
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answerer(…)")
    }
}

impl PartialEq for Answerer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
