//! What is between the task that carries out a request and its reader: the pieces of the request go one way, the head
//! and the bytes of the reply the other.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::response::Parts;

use crate::error::Error;
use crate::http::PieceSource;
use crate::stream::{Cargo, Channel, Interest, Notes, closed_error};

/// How many bytes of a reply wait for the reader at most, besides one read.
const BUFFER_BYTES: usize = 256 << 10;

/// Smaller pieces of a reply are copied.
const SMALL_BYTES: usize = 2 << 10;

/// The head of a response as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawHead {
    /// HTTP status.
    pub status: u16,
    /// The reason phrase, which may be empty.
    pub reason: Bytes,
    /// The version of HTTP, as in `HTTP/1.1`.
    pub version: &'static str,
    /// Names in lower case, and values. Those of one name are in their order.
    pub headers: Arc<[(Bytes, Bytes)]>,
}

impl RawHead {
    pub(super) fn of(parts: &Parts) -> Self {
        let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
        let reason = match reason {
            Some(reason) => Bytes::copy_from_slice(reason.as_bytes()),
            None => Bytes::from_static(
                parts
                    .status
                    .canonical_reason()
                    .unwrap_or_default()
                    .as_bytes(),
            ),
        };
        // Copies: the values are slices of the connection's first read buffer.
        let pairs = parts.headers.iter().map(|(name, value)| {
            let name = Bytes::copy_from_slice(name.as_str().as_bytes());
            (name, Bytes::copy_from_slice(value.as_bytes()))
        });
        Self {
            status: parts.status.as_u16(),
            reason,
            version: match parts.version {
                http::Version::HTTP_10 => "HTTP/1.0",
                _ => "HTTP/1.1",
            },
            headers: pairs.collect(),
        }
    }
}

/// Bytes of a reply.
#[derive(Debug)]
pub struct Passed;

impl Cargo for Passed {
    type Item = Bytes;
    type Head = RawHead;
    type Notes = Upload;
}

/// How far the body of a request has come.
#[derive(Debug, Default)]
pub struct Upload {
    piece: Option<Bytes>,
    is_whole: bool,
    // Whether the connection waits for a piece.
    is_wanted: bool,
    // Whether no more is wanted: the server has refused the request.
    is_over: bool,
    // The connection, while it waits for a piece.
    taker: Option<Waker>,
    // When the last piece was offered or taken.
    moved: Option<Instant>,
}

impl Notes for Upload {
    fn is_sending_due(&self) -> bool {
        self.is_wanted || self.is_over
    }
}

/// How much of a request the connection has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent {
    /// All of it; since then, if it came in pieces.
    All(Option<Instant>),
    /// It has been busy with the last piece since then.
    Writing(Instant),
    /// The connection waits for the caller's next piece.
    Awaited,
}

/// See the module's description.
pub struct Exchange {
    channel: Channel<Passed>,
    in_pieces: bool,
    has_all: AtomicBool,
    is_whole: AtomicBool,
    is_short: AtomicBool,
}

impl Deref for Exchange {
    type Target = Channel<Passed>;

    fn deref(&self) -> &Channel<Passed> {
        &self.channel
    }
}

impl Exchange {
    /// Makes the exchange of a request whose body is brought in pieces, or is known.
    #[must_use]
    pub fn new(in_pieces: bool) -> Arc<Self> {
        Arc::new(Self {
            channel: Channel::new(BUFFER_BYTES, Instant::now()),
            in_pieces,
            has_all: AtomicBool::new(false),
            is_whole: AtomicBool::new(false),
            is_short: AtomicBool::new(false),
        })
    }

    /// Caller: whether the connection wants another piece of the request; `None` as long as that is not known.
    #[must_use]
    pub fn wants(&self) -> Option<bool> {
        let state = self.lock();
        let upload = &state.notes;
        if state.end.is_some() || self.is_closed() || upload.is_over || upload.is_whole {
            return Some(false);
        }
        upload.is_wanted.then_some(true)
    }

    /// Caller: brings the next piece of the request. An empty one says nothing.
    pub fn push(&self, piece: Bytes) {
        if !piece.is_empty() {
            self.bring(|upload| upload.piece = Some(piece));
        }
    }

    /// Caller: says that the request is whole.
    pub fn end_request(&self) {
        self.bring(|upload| upload.is_whole = true);
    }

    /// Reader: closes the exchange with all that it wanted. What is left of the body is read first, briefly, so that the
    /// connection can be used again.
    pub fn close_read(&self) {
        self.has_all.store(true, Ordering::Release);
        self.close();
    }

    /// Task: whether the reader had all that it wanted.
    pub(super) fn is_read(&self) -> bool {
        self.has_all.load(Ordering::Acquire)
    }

    /// Task: the stream has had its end mark.
    pub(super) fn note_whole(&self) {
        self.is_whole.store(true, Ordering::Release);
    }

    /// Reader: whether the stream has had its end mark, whatever became of the connection after that.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// Task: the stream has had a mark at which its reader stops, but not its end.
    pub(super) fn note_short(&self) {
        self.is_short.store(true, Ordering::Release);
    }

    /// Reader: whether an error follows a mark at which the reader stops.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Acquire)
    }

    fn bring(&self, change: impl FnOnce(&mut Upload)) {
        let mut state = self.lock();
        let upload = &mut state.notes;
        change(upload);
        upload.is_wanted = false;
        upload.moved = Some(Instant::now());
        let taker = upload.taker.take();
        drop(state);
        if let Some(taker) = taker {
            taker.wake();
        }
    }

    /// Task: how much of the request the connection has.
    pub(super) fn sent(&self) -> Sent {
        if !self.in_pieces {
            return Sent::All(None);
        }
        let upload = &self.lock().notes;
        match (&upload.piece, upload.moved) {
            (None, _) if upload.is_whole => Sent::All(upload.moved),
            (None, Some(at)) if !upload.is_wanted => Sent::Writing(at),
            (Some(_), Some(at)) => Sent::Writing(at),
            _ => Sent::Awaited,
        }
    }

    /// Task: publishes the head.
    pub(super) fn publish_head(&self, head: RawHead) {
        let mut state = self.lock();
        state.notes.is_over |= head.status >= 400;
        state.head = Some(head);
        state.wake_if(|_| true);
    }

    /// Task: publishes bytes of the body.
    pub(super) fn publish(&self, bytes: Bytes) {
        // A small piece of a large read buffer would keep all of it.
        let bytes = if bytes.len() < SMALL_BYTES {
            Bytes::copy_from_slice(&bytes)
        } else {
            bytes
        };
        let mut state = self.lock();
        state.bytes += bytes.len() + size_of::<Bytes>();
        state.items.push_back(bytes);
        // No one takes what arrives while the request is still being sent.
        state.notes.is_over |= state.bytes >= self.buffer_bytes;
        state.wake_if(|_| true);
    }

    /// Task: ends the exchange.
    pub(super) fn finish(&self, end: Result<(), Error>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(end);
            state.notes.taker = None;
            state.wake_if(|_| true);
        }
    }

    /// Reader: the head, or the error of an exchange without one; `None` as long as neither has arrived.
    #[must_use]
    pub fn head(&self) -> Option<Result<RawHead, Error>> {
        let state = self.lock();
        match (&state.head, &state.end) {
            (Some(head), _) => Some(Ok(head.clone())),
            (None, Some(end)) => Some(Err(end.clone().err().unwrap_or_else(closed_error))),
            (None, None) if self.is_closed() => Some(Err(closed_error())),
            (None, None) => None,
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl PieceSource for Exchange {
    fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.lock();
        let upload = &mut state.notes;
        if let Some(piece) = upload.piece.take() {
            upload.moved = Some(Instant::now());
            return Poll::Ready(Some(piece));
        }
        if upload.is_whole {
            return Poll::Ready(None);
        }
        upload.is_wanted = true;
        upload.taker = Some(cx.waker().clone());
        state.wake_if(|interest| interest == Interest::Sending);
        Poll::Pending
    }

    fn is_over(&self) -> bool {
        let upload = &self.lock().notes;
        upload.is_whole && upload.piece.is_none()
    }
}
