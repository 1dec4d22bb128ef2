//! The body of an event stream, read without hyper.
//!
//! A connection of hyper's keeps three buffers of 8 KiB, and there may be thousands of streams that mostly wait. Once
//! the head of one has arrived, hyper gives the connection back. Here, a stream that waits has no buffer at all. At the
//! end of the body, hyper gets the connection again.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, Version};
use hyper::body::Frame;
use tokio::io::ReadBuf;

use super::chunks::Chunks;
use super::connection::Connection;
use super::pool::Pool;
use super::wire::Wire;
use crate::http::origin::Origin;

/// How many bytes are read at a time.
const READ_BYTES: usize = 8 << 10;

/// A body in chunks, and the connection that it comes on.
#[derive(Debug)]
pub(in crate::http) struct Events {
    /// `None` once it was given back, or has failed.
    wire: Option<Wire>,
    chunks: Chunks,
    /// What was read already.
    rest: Bytes,
    /// What is wrong after the data that was returned.
    broken: Option<io::Error>,
    /// What is needed to use the connection again; `None` if the server is going to close it.
    next: Option<Next>,
}

#[derive(Debug)]
struct Next {
    origin: Arc<Origin>,
    max_head_bytes: usize,
    pool: Weak<Pool>,
}

impl Events {
    /// Whether the body that follows this head can be read here.
    pub(super) fn follow(head: &Parts) -> bool {
        let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
        let is_chunked = codings
            .next()
            .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
        is_chunked
            && codings.next().is_none()
            && !head.headers.contains_key(CONTENT_LENGTH)
            && head.version == Version::HTTP_11
    }

    /// Takes the connection, on which the body that follows this head was held back.
    pub(super) fn new(head: &Parts, connection: &mut Connection, pool: Weak<Pool>) -> Option<Self> {
        let (mut wire, read) = connection.take_wire()?;
        let rest = wire.take_rest();
        // hyper got the head only, so it has read nothing else.
        let rest = if read.is_empty() {
            rest
        } else {
            [read, rest].concat().into()
        };
        let next = (!closes(&head.headers)).then_some(Next {
            origin: Arc::clone(&connection.origin),
            max_head_bytes: connection.max_head_bytes,
            pool,
        });
        Some(Self {
            wire: Some(wire),
            chunks: Chunks::default(),
            rest,
            broken: None,
            next,
        })
    }

    pub(in crate::http) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut data = Vec::new();
        let read = match self.broken.take() {
            Some(broken) => Err(broken),
            None => ready!(self.poll_data(cx, &mut data)),
        };
        if let Err(broken) = read {
            if data.is_empty() {
                self.wire = None;
                return Poll::Ready(Some(Err(broken)));
            }
            self.broken = Some(broken);
        }
        if data.is_empty() {
            self.give_back();
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(data.into()))))
    }

    /// Reads until there is data, or the body is over.
    fn poll_data(&mut self, cx: &mut Context<'_>, data: &mut Vec<u8>) -> Poll<io::Result<()>> {
        let Some(wire) = &mut self.wire else {
            return Poll::Ready(Ok(()));
        };
        while data.is_empty() && !self.chunks.is_over() {
            if !self.rest.is_empty() {
                let rest = std::mem::take(&mut self.rest);
                self.rest = rest.slice_ref(self.chunks.read(&rest, data)?);
                continue;
            }
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(wire.poll_body(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                let error = "the body ended before its last chunk";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
            }
            data.reserve_exact(buffer.filled().len());
            let rest = self.chunks.read(buffer.filled(), data)?;
            self.rest = Bytes::copy_from_slice(rest);
        }
        Poll::Ready(Ok(()))
    }

    /// After the end of the body, the next call can use the connection.
    fn give_back(&mut self) {
        let (Some(wire), Some(next)) = (self.wire.take(), self.next.take()) else {
            return;
        };
        // What follows the body belongs to no request.
        let Some(pool) = next.pool.upgrade().filter(|_| self.rest.is_empty()) else {
            return;
        };
        let made = pin!(Connection::new(wire, next.origin, next.max_head_bytes));
        // It sends nothing, so there is nothing to wait for.
        if let Poll::Ready(Ok(mut connection)) = made.poll(&mut Context::from_waker(Waker::noop()))
            && connection.is_usable()
        {
            pool.put(connection);
        }
    }
}

/// Whether the server closes the connection after this reply: RFC 9112, section 9.6.
fn closes(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter();
    let mut options = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}
