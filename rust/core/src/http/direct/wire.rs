//! A connection as hyper reads and writes it: reads are bounded, and what comes before the head of a reply is counted.
//! The body of an event stream is held back from hyper, so that `events` can read it instead.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::interim::Interim;
use super::pace::Paced;
use crate::http::handshake::note_write;
use crate::http::link::Link;
use crate::http::turn::spend;

/// How much of a reply is read at first, in bytes: a head and most short replies.
const FIRST_READ: usize = 1_536;

/// An open connection.
#[derive(Debug)]
pub(super) struct Wire {
    io: TokioIo<Paced<Link>>,
    interim: Interim,
    /// Whether all that was written has been sent.
    is_flushed: bool,
    /// What arrived behind a head, and was held back.
    rest: Bytes,
    hold: Hold,
}

/// Whether the body of a reply is held back. [`Wire`] begins it, with the head of an event stream; whoever gets that
/// head ends it at once, so no task has to be woken.
#[derive(Debug, Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

impl Hold {
    /// Ends it. Returns whether there was one.
    pub(super) fn end(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wire {
    pub(super) fn new(link: Link) -> Self {
        Self {
            io: TokioIo::new(Paced::new(link)),
            interim: Interim::default(),
            is_flushed: false,
            rest: Bytes::new(),
            hold: Hold::default(),
        }
    }

    pub(super) fn hold(&self) -> &Hold {
        &self.hold
    }

    /// What was held back.
    pub(super) fn take_rest(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }

    /// Reads bytes of a body.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.link().poll_read(cx, buffer))?;
        spend(cx, buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }

    /// Reads the beginning of a reply, into memory that can be looked at.
    fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); FIRST_READ];
        let room = buffer.remaining().min(FIRST_READ);
        let mut first = ReadBuf::uninit(space.get_mut(..room).unwrap_or_default());
        // So little needs no pace.
        ready!(self.link().poll_read(cx, &mut first))?;
        let read = first.filled();
        self.interim.read(read)?;
        let end = events_head(read).filter(|_| self.is_flushed);
        let (head, rest) = read.split_at(end.unwrap_or(read.len()));
        buffer.put_slice(head);
        if end.is_some() {
            self.rest = Bytes::copy_from_slice(rest);
            self.hold.0.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }

    fn link(&mut self) -> Pin<&mut Link> {
        Pin::new(self.io.inner_mut().stream())
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.interim.is_counting() {
            return self.poll_first(cx, &mut buffer);
        }
        if self.hold.0.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if !self.rest.is_empty() {
            let room = buffer.remaining().min(self.rest.len());
            buffer.put_slice(&self.rest.split_to(room));
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.interim.writes(bytes);
        self.is_flushed = false;
        let written = self.link().poll_write(cx, bytes);
        note_write(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.interim
            .writes(slices.first().map_or(&[], |slice| slice));
        self.is_flushed = false;
        let written = self.link().poll_write_vectored(cx, slices);
        note_write(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.inner().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.link().poll_flush(cx))?;
        self.is_flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link().poll_shutdown(cx)
    }
}

/// The length of the head that `bytes` begin with, if it may be that of an event stream in chunks. hyper, too, takes
/// the first empty line for its end; where that is a bare LF, it is left to hyper.
fn events_head(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(b"HTTP/1.1 200") {
        return None;
    }
    let end = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let head = bytes.get(..end)?;
    let has = |text| memmem::find(head, text).is_some();
    (has(b"text/event-stream") && has(b"chunked") && !has(b"\n\n")).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

    #[test]
    fn only_the_whole_head_of_an_event_stream_in_chunks_ends_before_its_body() {
        let is_held = |text: &str| events_head(text.as_bytes());
        assert_eq!(is_held(&format!("{HEAD}5\r\ndata:")), Some(HEAD.len()));
        assert_eq!(is_held(HEAD), Some(HEAD.len()));
        for other in [
            HEAD.trim_end().to_owned(),
            HEAD.replace("200", "404"),
            HEAD.replace("200", "103"),
            HEAD.replace("/1.1", "/1.0"),
            HEAD.replace("text/event-stream", "application/json"),
            HEAD.replace("chunked", "gzip"),
            HEAD.replace("OK\r\n", "OK\n\nx: y\r\n"),
            format!("\r\n{HEAD}"),
        ] {
            assert_eq!(is_held(&other), None, "{other}");
        }
    }
}
