//! A connection as hyper reads and writes it: reads are bounded, and what comes before the head of a reply is counted.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::interim::Interim;
use super::pace::Paced;
use crate::http::link::Link;

/// How much of a reply is read at first, in bytes: a head and most short replies.
const FIRST_READ: usize = 1_536;

/// An open connection.
#[derive(Debug)]
pub(super) struct Wire {
    io: TokioIo<Paced<Link>>,
    interim: Interim,
}

impl Wire {
    pub(super) fn new(link: Link) -> Self {
        Self {
            io: TokioIo::new(Paced::new(link)),
            interim: Interim::default(),
        }
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
        self.interim.read(first.filled())?;
        buffer.put_slice(first.filled());
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
        self.link().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.interim
            .writes(slices.first().map_or(&[], |slice| slice));
        self.link().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.inner().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link().poll_shutdown(cx)
    }
}
