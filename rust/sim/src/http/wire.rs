//! One socket: bytes in, bytes out, and the moment when the client leaves.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// How far to read ahead, in bytes. Past that, a client is not watched while it is being answered.
const MAX_READ_AHEAD: usize = 1 << 20;
/// How many writes in a row may pass without a wait before other connections get their turn.
const WRITES_IN_A_ROW: u32 = 32;

/// How a client left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It closed the connection.
    Fin,
    /// It reset the connection.
    Rst,
}

/// A socket that reads ahead whenever it waits, so that it notices at once when the client leaves.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// Received bytes that are not used yet.
    pub(crate) inbox: BytesMut,
    in_a_row: u32,
    /// Bytes written since the last [`Wire::take_written`].
    written: u64,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Without this, a small write may wait until the previous one is acknowledged.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            inbox: BytesMut::new(),
            in_a_row: 0,
            written: 0,
        }
    }

    /// Receives at least one byte into the inbox. Can be cancelled without losing bytes.
    pub(crate) async fn fill(&mut self) -> Result<(), Gone> {
        self.in_a_row = 0;
        if self.inbox.capacity() - self.inbox.len() < 2048 {
            self.inbox.reserve(8192);
        }
        match self.stream.read_buf(&mut self.inbox).await {
            Ok(0) => Err(Gone::Fin),
            Ok(_) => Ok(()),
            Err(_) => Err(Gone::Rst),
        }
    }

    /// Sends all bytes, however long the client takes to accept them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.in_a_row += 1;
        if self.in_a_row >= WRITES_IN_A_ROW {
            self.in_a_row = 0;
            tokio::task::yield_now().await;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(sent) => {
                    self.written += sent as u64;
                    rest = rest.get(sent..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_writable().await?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone::Rst),
            }
        }
        Ok(())
    }

    /// Waits until the socket can take more bytes or the client leaves.
    async fn wait_writable(&mut self) -> Result<(), Gone> {
        if self.inbox.len() >= MAX_READ_AHEAD {
            return self.stream.writable().await.map_err(|_| Gone::Rst);
        }
        self.inbox.reserve(2048);
        tokio::select! {
            ready = self.stream.writable() => return ready.map_err(|_| Gone::Rst),
            ready = self.stream.readable() => ready.map_err(|_| Gone::Rst)?,
        }
        match self.stream.try_read_buf(&mut self.inbox) {
            Ok(0) => Err(Gone::Fin),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(Gone::Rst),
        }
    }

    /// Reads ahead until the client leaves.
    async fn until_gone(&mut self) -> Gone {
        loop {
            if self.inbox.len() >= MAX_READ_AHEAD {
                std::future::pending::<()>().await;
            }
            if let Err(gone) = self.fill().await {
                return gone;
            }
        }
    }

    /// Waits until `deadline`. Fails if the client leaves earlier.
    pub(crate) async fn pause_until(&mut self, deadline: Instant) -> Result<(), Gone> {
        match timeout_at(deadline, self.until_gone()).await {
            Ok(gone) => Err(gone),
            Err(_) => Ok(()),
        }
    }

    /// Waits for `time`, or without one until the client leaves, which is an error.
    pub(crate) async fn pause(&mut self, time: Option<Duration>) -> Result<(), Gone> {
        match time {
            Some(time) => self.pause_until(Instant::now() + time).await,
            None => Err(self.until_gone().await),
        }
    }

    /// Waits for the first byte of a request. Returns `false` if none arrives before `deadline`.
    pub(crate) async fn data_until(&mut self, deadline: Instant) -> Result<bool, Gone> {
        if self.inbox.is_empty() {
            match timeout_at(deadline, self.fill()).await {
                Ok(read) => read?,
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Returns how many bytes were written since the last call.
    pub(crate) fn take_written(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Resets the connection (RST).
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }

    /// Sends FIN, then reads for up to a second whatever is still on its way. Closing a socket that
    /// has unread bytes sends RST, which can destroy the answer before the client has read it.
    pub(crate) async fn close_gently(&mut self) {
        let _ = self.stream.shutdown().await;
        let drain = async {
            while self.fill().await.is_ok() {
                self.inbox.clear();
            }
        };
        let _ = timeout(Duration::from_secs(1), drain).await;
    }
}
