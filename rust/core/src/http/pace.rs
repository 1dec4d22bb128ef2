//! Reading that leaves the other tasks of the thread their turns.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop;

/// How many bytes one read returns at most. hyper works through all of them before it reads again, byte by byte in the
/// size of a chunk.
const READ_BYTES: usize = 16 << 10;

/// A task has 128 units in a turn. tokio takes one for a read of any size, and here so many bytes take one more. So a
/// turn ends after 32 KiB.
const BYTES_PER_UNIT: usize = 256;

/// A stream whose task may read only so much in a turn.
#[derive(Debug)]
pub(super) struct Paced<T>(pub(super) T);

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if buffer.remaining() <= READ_BYTES {
            ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(READ_BYTES));
            ready!(Pin::new(&mut self.0).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        }
        let read = buffer.filled().len() - before;
        for _ in 0..read / BYTES_PER_UNIT {
            match coop::poll_proceed(cx) {
                Poll::Ready(unit) => unit.made_progress(),
                // The turn is over, and the next read waits for the next one.
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Counts the turns that reading 1 MiB takes, in pieces of `size`.
    async fn turns(size: usize) -> usize {
        let mut source = Paced(tokio::io::repeat(0));
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
