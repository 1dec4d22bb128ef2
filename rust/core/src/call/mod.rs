//! One call: its attempts, the waits between them and its deadline.
//!
//! [`complete`] and [`fetch`] receive a whole reply, [`crate::stream::pump`] a stream. Read `attempts` next: the loop
//! that both use, and the trait `Reception`, in which they differ. `session` is what a call knows over its attempts:
//! it opens each one, decides after a `failure` whether another follows, and writes the report and the log.

use std::sync::Arc;

use bytes::Bytes;

use crate::client::Call;
use crate::error::{Attempt, Error, ErrorKind};
use crate::http::{Body, Head, Probe, Transport};
use crate::message::{Reply, Timing};
use crate::wire::{Dialect, Reading};
use crate::workers::Workers;

mod attempts;
mod echo;
mod failure;
mod session;

pub use failure::shown;

pub(crate) use attempts::{Reception, run as run_attempts};
pub(crate) use session::{LoggedBody, Session};

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

impl Completed {
    /// The same with a reply that can be shared.
    #[must_use]
    pub fn shared(self) -> Completed<Arc<Reply>> {
        Completed {
            reply: Arc::new(self.reply),
            head: self.head,
            timing: self.timing,
            attempts: self.attempts,
            raw: self.raw,
        }
    }
}

/// Makes a call and receives its whole reply. Dropping the future closes the connection.
pub async fn complete(transport: &Transport, call: Call) -> Result<Completed, Error> {
    let as_reply = AsReply {
        dialect: call.dialect,
        asked: call.choices,
        reading: call.reading.clone(),
    };
    let mut done = run(transport, &call, as_reply).await?;
    // A provider's support asks for the id of the header.
    if done.head.request_id.is_some() {
        done.reply.request_id.clone_from(&done.head.request_id);
    }
    echo::mask_facts(&mut done.reply, call.mask());
    Ok(done)
}

/// Makes a call whose body the caller reads, as for [`crate::client::Client::models_call`].
pub async fn fetch(transport: &Transport, call: Call) -> Result<Completed<()>, Error> {
    let mut done = run(transport, &call, AsBody).await?;
    // The body may end up in an error of the caller's, and a server may echo what it was sent.
    let (size, raw, mask) = (done.raw.len(), done.raw, call.mask().clone());
    let masked = move || mask.bytes(Vec::from(raw), false).into();
    done.raw = transport.hub().workers().run(size, masked).await;
    Ok(done)
}

/// How a whole body is read.
trait Decode: Clone + Send + 'static {
    type Reply: Send + 'static;

    fn decode(self, body: &[u8]) -> Result<Self::Reply, Error>;
}

/// As the reply of a dialect.
#[derive(Clone)]
struct AsReply {
    dialect: &'static dyn Dialect,
    asked: usize,
    reading: Reading,
}

impl Decode for AsReply {
    type Reply = Reply;

    fn decode(self, body: &[u8]) -> Result<Reply, Error> {
        let mut reply = self.dialect.decode_reply(body, self.asked)?;
        self.reading.of_whole(&mut reply);
        Ok(reply)
    }
}

/// Not at all.
#[derive(Clone)]
struct AsBody;

impl Decode for AsBody {
    type Reply = ();

    fn decode(self, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

async fn run<D: Decode>(
    transport: &Transport,
    call: &Call,
    decode: D,
) -> Result<Completed<D::Reply>, Error> {
    let mut session = Session::new(transport, call);
    let whole = Whole {
        call,
        decode,
        workers: transport.hub().workers(),
    };
    let (head, (reply, raw)) = run_attempts(&mut session, &whole).await?;
    let (timing, attempts) = session.into_report();
    Ok(Completed {
        reply,
        head,
        timing,
        attempts,
        raw,
    })
}

/// Receives a whole body and decodes it; a large one is decoded by a worker.
struct Whole<'a, D> {
    call: &'a Call,
    decode: D,
    workers: &'a Workers,
}

impl<D: Decode> Reception for Whole<'_, D> {
    type Attempt = ();
    type Reply = (D::Reply, Bytes);

    fn begin(&self, _: f64, _: &Arc<Probe>) {}

    async fn read(
        &self,
        (): &mut (),
        _: &Probe,
        head: &Head,
        body: Body,
    ) -> Result<Self::Reply, Error> {
        let cap = self.call.client.config.limits.max_reply_bytes;
        let place = &self.call.outgoing.place;
        let raw = body.whole(cap, place, self.workers).await?;
        if raw.is_empty() {
            return Err(no_body(head));
        }
        let (decode, size) = (self.decode.clone(), raw.len());
        // If it cannot be decoded, it is freed there, too.
        let decoded = move || decode.decode(&raw).map(|reply| (reply, raw));
        self.workers.run(size, decoded).await
    }

    fn logged(&self, reply: Option<&Self::Reply>) -> LoggedBody {
        let raw = reply.map(|(_, raw)| raw.clone()).unwrap_or_default();
        Box::new(|| raw)
    }
}

/// The error of a success status without a body.
pub(crate) fn no_body(head: &Head) -> Error {
    let message = format!("the server answered {} without a body", head.status);
    Error::new(ErrorKind::UnexpectedContent, message).maybe_processed(true)
}
