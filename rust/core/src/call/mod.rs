//! One call: its attempts, the waits between them and its deadline.
//!
//! [`complete`] and [`fetch`] receive a whole reply, [`crate::stream::pump`] a stream. Read `attempts` next: the loop
//! that both use, and the trait `Reception`, in which they differ. `session` is what a call knows over its attempts:
//! it opens each one, decides whether another follows, and writes the report and the log.

use bytes::Bytes;

use crate::client::Call;
use crate::error::{Attempt, Error, ErrorKind};
use crate::http::{Body, Head, Probe, Transport};
use crate::message::{Reply, Timing};

mod attempts;
mod session;

pub(crate) use attempts::{Reception, run as run_attempts};
pub(crate) use session::Session;

/// A whole reply, and how it was received.
#[derive(Debug, Clone)]
pub struct Completed<R = Reply> {
    /// What the body says; `()` for a body that no dialect reads.
    pub reply: R,
    /// The head of the response.
    pub head: Head,
    /// How long each stage took.
    pub timing: Timing,
    /// Every attempt; the last one succeeded.
    pub attempts: Vec<Attempt>,
    /// The body as received.
    pub raw: Bytes,
}

/// Makes a call and receives its whole reply. Dropping the future closes the connection.
pub async fn complete(transport: &Transport, call: Call) -> Result<Completed, Error> {
    let decode = |body: &[u8]| call.client.dialect.decode_reply(body);
    let mut done = run(transport, &call, decode).await?;
    // A provider's support asks for the id of the header.
    if done.head.request_id.is_some() {
        done.reply.request_id.clone_from(&done.head.request_id);
    }
    Ok(done)
}

/// Makes a call whose body the caller reads, as for [`crate::client::Client::models_call`].
pub async fn fetch(transport: &Transport, call: Call) -> Result<Completed<()>, Error> {
    let mut done = run(transport, &call, |_| Ok(())).await?;
    // The body may end up in an error of the caller's.
    done.raw = call.mask().bytes(Vec::from(done.raw), false).into();
    Ok(done)
}

async fn run<R>(
    transport: &Transport,
    call: &Call,
    decode: impl Fn(&[u8]) -> Result<R, Error>,
) -> Result<Completed<R>, Error> {
    let mut session = Session::new(transport, call);
    let (head, (reply, raw)) = run_attempts(&mut session, &Whole { call, decode }).await?;
    let (timing, attempts) = session.into_report();
    Ok(Completed {
        reply,
        head,
        timing,
        attempts,
        raw,
    })
}

/// Receives a whole body and decodes it.
struct Whole<'a, D> {
    call: &'a Call,
    decode: D,
}

impl<T, D: Fn(&[u8]) -> Result<T, Error>> Reception for Whole<'_, D> {
    type Attempt = ();
    type Reply = (T, Bytes);

    fn begin(&self) {}

    async fn read(
        &self,
        (): &mut (),
        _: &Probe,
        head: &Head,
        body: Body,
    ) -> Result<Self::Reply, Error> {
        let cap = self.call.client.config.limits.max_reply_bytes;
        let raw = body.whole(cap, &self.call.outgoing.place).await?;
        if raw.is_empty() {
            return Err(no_body(head));
        }
        Ok(((self.decode)(&raw)?, raw))
    }

    fn logged(&self, reply: Option<&Self::Reply>) -> Bytes {
        reply.map(|(_, raw)| raw.clone()).unwrap_or_default()
    }
}

/// The error of a success status without a body.
pub(crate) fn no_body(head: &Head) -> Error {
    let message = format!("the server answered {} without a body", head.status);
    Error::new(ErrorKind::UnexpectedContent, message).maybe_processed(true)
}
