//! A descriptor that becomes readable when it is rung: an eventfd on Linux, a pair of sockets elsewhere.

#[cfg(target_os = "linux")]
use std::fs::File as Stream;
use std::io::{self, Read, Write};
#[cfg(windows)]
use std::net::TcpStream as Stream;
#[cfg(unix)]
use std::os::fd::{AsRawFd, FromRawFd};
#[cfg(all(unix, not(target_os = "linux")))]
use std::os::unix::net::UnixStream as Stream;
#[cfg(windows)]
use std::os::windows::io::{AsRawSocket, FromRawSocket};

use tokenwire_core::stream::Wake;

/// The ringing end, and the end that becomes readable.
pub(crate) struct WakeFd {
    writer: Stream,
    // None for an eventfd, which has one end, and if the reading end belongs to Python.
    reader: Option<Stream>,
}

impl WakeFd {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: eventfd takes no pointers; the result is checked before it is owned.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new, so this is its only owner.
        let writer = unsafe { Stream::from_raw_fd(fd) };
        Ok(Self {
            writer,
            reader: None,
        })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self {
            writer,
            reader: Some(reader),
        })
    }

    /// Takes ownership of a writing end that Python gave up. It does not block.
    pub(crate) fn from_raw(raw: i64) -> Self {
        #[cfg(unix)]
        // SAFETY: `socket.detach` gave up the descriptor, so this is its only owner.
        let writer = unsafe { Stream::from_raw_fd(i32::try_from(raw).unwrap_or(-1)) };
        #[cfg(windows)]
        // SAFETY: as above.
        let writer = unsafe { Stream::from_raw_socket(raw as u64) };
        Self {
            writer,
            reader: None,
        }
    }

    pub(crate) fn ring(&self) {
        // An eventfd takes 8 bytes. If it or the buffer of a socket is full, it is readable anyway.
        let _ = (&self.writer).write(&1_u64.to_ne_bytes());
    }

    pub(crate) fn clear(&self) {
        let mut end = self.readable_end();
        while matches!(end.read(&mut [0; 64]), Ok(64)) {}
    }

    /// The descriptor for the loop to watch.
    pub(crate) fn raw(&self) -> i64 {
        #[cfg(unix)]
        return self.readable_end().as_raw_fd().into();
        #[cfg(windows)]
        return self.readable_end().as_raw_socket() as i64;
    }

    fn readable_end(&self) -> &Stream {
        self.reader.as_ref().unwrap_or(&self.writer)
    }
}

impl Wake for WakeFd {
    /// Rings for its only reader.
    fn wake(&self, _: u64) {
        self.ring();
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn pair() -> io::Result<(Stream, Stream)> {
    Stream::pair()
}

#[cfg(windows)]
fn pair() -> io::Result<(Stream, Stream)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let writer = Stream::connect(listener.local_addr()?)?;
    let (reader, from) = listener.accept()?;
    if from != writer.local_addr()? {
        return Err(io::Error::other("a stranger connected to the wake socket"));
    }
    Ok((reader, writer))
}
