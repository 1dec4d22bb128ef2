//! Turns a panic in the engine into an error of one call; the other calls go on.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use crate::error::{Error, ErrorKind};

/// Runs `work`; a panic in it becomes an `Engine` error. The future is then dropped, which gives back what it
/// held (permits, connections).
pub async fn guard<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let mut work = std::pin::pin!(work);
    poll_fn(move |context| {
        // A panic may leave things half done, but the future is not polled again, so nothing sees them.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => {
                let text = payload
                    .downcast_ref::<&str>()
                    .copied()
                    .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                    .unwrap_or("no text");
                let message =
                    format!("a bug in tokenwire: its engine panicked ({text}); please report it");
                Poll::Ready(Err(Error::new(ErrorKind::Engine, message)))
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_engine_error_with_its_text() {
        let error = guard(async { panic!("boom {}", 1) }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Engine);
        assert!(error.message().contains("boom 1"), "{error}");
        assert_eq!(guard(async { 7 }).await.unwrap(), 7);
    }
}
