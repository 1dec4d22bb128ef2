//! One socket: bytes out, bytes in, and the moment at which the client goes.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Read-ahead, in bytes, past which a client is no longer watched while it is being answered.
const MAX_READ_AHEAD: usize = 1 << 20;
/// Writes in a row without a wait, after which others get their turn.
const WRITES_IN_A_ROW: u32 = 32;

/// How the client left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It closed its side.
    Fin,
    /// It reset the connection.
    Rst,
}

impl Gone {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
        }
    }
}

/// A socket that reads ahead whenever it waits, so that a client that goes is seen at once.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// Bytes received and not yet used.
    pub(crate) inbox: BytesMut,
    in_a_row: u32,
    /// Bytes written since the last [`Wire::take_written`].
    written: u64,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Without it a small write may wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            inbox: BytesMut::new(),
            in_a_row: 0,
            written: 0,
        }
    }

    /// Receives at least one byte into the inbox. Safe to cancel.
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

    /// Sends all bytes, waiting for room as long as it takes.
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
                    self.room().await?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Gone::Rst),
            }
        }
        Ok(())
    }

    /// Waits for room to write, or for the client to go.
    async fn room(&mut self) -> Result<(), Gone> {
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

    /// Waits until `deadline`; an error says that the client went before it.
    pub(crate) async fn pause_until(&mut self, deadline: Instant) -> Result<(), Gone> {
        if deadline <= Instant::now() {
            return Ok(());
        }
        let timer = tokio::time::sleep_until(deadline);
        tokio::pin!(timer);
        loop {
            if self.inbox.len() >= MAX_READ_AHEAD {
                timer.await;
                return Ok(());
            }
            tokio::select! {
                biased;
                () = &mut timer => return Ok(()),
                read = self.fill() => read?,
            }
        }
    }

    /// Waits for the first byte of a request; `false` when `deadline` came before it.
    pub(crate) async fn data_until(&mut self, deadline: Instant) -> Result<bool, Gone> {
        if !self.inbox.is_empty() {
            return Ok(true);
        }
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => Ok(false),
            read = self.fill() => read.map(|()| true),
        }
    }

    /// Waits for `time`, or for ever; an error says that the client went.
    pub(crate) async fn pause(&mut self, time: Option<Duration>) -> Result<(), Gone> {
        if let Some(time) = time {
            return self.pause_until(Instant::now() + time).await;
        }
        loop {
            self.fill().await?;
            if self.inbox.len() >= MAX_READ_AHEAD {
                self.inbox.clear();
            }
        }
    }

    /// Bytes written since the last call.
    pub(crate) fn take_written(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }

    /// Says FIN and reads what is still on its way for a moment: closing over unread bytes would
    /// be an RST, which can destroy the answer before the client has read it.
    pub(crate) async fn close_gently(mut self) {
        use tokio::io::AsyncWriteExt;
        let _ = self.stream.shutdown().await;
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            self.inbox.clear();
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => return,
                read = self.fill() => if read.is_err() { return },
            }
        }
    }
}
