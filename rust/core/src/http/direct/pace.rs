//! Reading in pieces of a bounded size, which leaves the other tasks of the thread their turns.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};

use crate::http::turn::spend;

/// How many bytes one read returns at most. It is less than hyper's first buffer, which grows as soon as one read fills
/// it, and would stay large for as long as a stream lives. hyper also works through all of them before it reads again,
/// byte by byte in the size of a chunk.
const READ_BYTES: u64 = (8 << 10) - 1;

/// A stream whose task may read only so much in a turn.
#[derive(Debug)]
pub(super) struct Paced<T>(Take<T>);

impl<T: AsyncRead + Unpin> Paced<T> {
    pub(super) fn new(stream: T) -> Self {
        Self(stream.take(READ_BYTES))
    }

    /// The stream without the pace.
    pub(super) fn stream(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<T: AsyncRead + AsyncWrite> Paced<T> {
    pub(super) fn is_write_vectored(&self) -> bool {
        self.0.get_ref().is_write_vectored()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.0.set_limit(READ_BYTES);
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        spend(cx, buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Counts the turns that reading 1 MiB takes, in pieces of `size`.
    async fn turns(size: usize) -> usize {
        let mut source = Paced::new(tokio::io::repeat(0));
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; size];
            for _ in 0..(1 << 20) / size {
                source.read_exact(&mut buffer).await.unwrap();
            }
        });
        let mut turns = 0;
        while !reading.is_finished() {
            turns += 1;
            tokio::task::yield_now().await;
        }
        turns
    }

    #[tokio::test]
    async fn a_turn_ends_after_32_kib_whatever_the_size_of_the_reads() {
        for size in [256, 8 << 10, 64 << 10, 128 << 10] {
            assert!(turns(size).await >= 32, "reads of {size} bytes");
        }
    }
}
