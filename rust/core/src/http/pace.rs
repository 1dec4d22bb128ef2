//! Reading that leaves the other tasks of the thread their turns.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop;

/// A task has 128 units in a turn. Each read takes one, and here one more for so many bytes. So a turn ends after
/// 64 KiB, and not after 128 reads of any size: hyper looks at each byte of a chunk's size, and at each interim head.
const BYTES_PER_UNIT: usize = 512;

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
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        for _ in 0..(buffer.filled().len() - before) / BYTES_PER_UNIT {
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
    async fn a_turn_ends_after_64_kib_whatever_the_size_of_the_reads() {
        for size in [512, 8 << 10, 64 << 10, 128 << 10] {
            assert!(turns(size).await >= 8, "reads of {size} bytes");
        }
    }
}
