//! A file descriptor that becomes readable when it is rung.

#[cfg(target_os = "linux")]
mod imp {
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::os::fd::{AsRawFd, FromRawFd};

    /// An eventfd, or the writing end of a socket pair whose reading end Python has.
    pub(crate) struct WakeFd(File);

    impl WakeFd {
        pub(crate) fn new() -> io::Result<Self> {
            // SAFETY: eventfd takes no pointers; the result is checked before it is owned.
            let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor is fresh and nobody else owns it.
            Ok(Self(unsafe { File::from_raw_fd(fd) }))
        }

        pub(crate) fn ring(&self) {
            // Full only after 2^64 - 1 rings, and then it is readable anyway.
            let _ = (&self.0).write(&1_u64.to_ne_bytes());
        }

        pub(crate) fn clear(&self) {
            let _ = (&self.0).read(&mut [0; 8]);
        }

        /// Takes over a descriptor that Python has given up.
        pub(crate) fn from_raw(raw: i64) -> Self {
            let fd = i32::try_from(raw).unwrap_or(-1);
            // SAFETY: `socket.detach` gave the descriptor away, so this is its only owner.
            Self(unsafe { File::from_raw_fd(fd) })
        }

        pub(crate) fn raw(&self) -> i64 {
            self.0.as_raw_fd().into()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io::{self, Read, Write};
    #[cfg(unix)]
    use std::os::fd::{AsRawFd, FromRawFd};
    #[cfg(unix)]
    use std::os::unix::net::UnixStream as Stream;

    #[cfg(windows)]
    use std::net::TcpStream as Stream;
    #[cfg(windows)]
    use std::os::windows::io::{AsRawSocket, FromRawSocket};

    /// A pair of sockets: what is written to one is read from the other.
    pub(crate) struct WakeFd {
        reader: Option<Stream>,
        writer: Stream,
    }

    impl WakeFd {
        pub(crate) fn new() -> io::Result<Self> {
            let (reader, writer) = pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Self {
                reader: Some(reader),
                writer,
            })
        }

        pub(crate) fn ring(&self) {
            // A full buffer is readable anyway.
            let _ = (&self.writer).write(&[1]);
        }

        pub(crate) fn clear(&self) {
            let Some(mut reader) = self.reader.as_ref() else {
                return;
            };
            while matches!(reader.read(&mut [0; 64]), Ok(64)) {}
        }

        /// Takes over a socket that Python has given up; its reading end stays with Python.
        pub(crate) fn from_raw(raw: i64) -> Self {
            #[cfg(unix)]
            // SAFETY: `socket.detach` gave the descriptor away, so this is its only owner.
            let writer = unsafe { Stream::from_raw_fd(i32::try_from(raw).unwrap_or(-1)) };
            #[cfg(windows)]
            // SAFETY: as above.
            let writer = unsafe { Stream::from_raw_socket(raw as u64) };
            Self {
                reader: None,
                writer,
            }
        }

        #[cfg(unix)]
        pub(crate) fn raw(&self) -> i64 {
            self.reader
                .as_ref()
                .map_or(-1, |reader| reader.as_raw_fd().into())
        }

        #[cfg(windows)]
        pub(crate) fn raw(&self) -> i64 {
            self.reader
                .as_ref()
                .map_or(-1, |reader| reader.as_raw_socket() as i64)
        }
    }

    #[cfg(unix)]
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
}

pub(crate) use imp::WakeFd;
