//! A file descriptor that becomes readable when it is rung.

#[cfg(target_os = "linux")]
mod imp {
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::os::fd::{AsRawFd, FromRawFd};

    /// An eventfd.
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

        pub(crate) fn raw(&self) -> i64 {
            self.0.as_raw_fd().into()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io::{self, Read, Write};
    #[cfg(unix)]
    use std::os::fd::AsRawFd;
    #[cfg(unix)]
    use std::os::unix::net::UnixStream as Stream;

    #[cfg(windows)]
    use std::net::TcpStream as Stream;
    #[cfg(windows)]
    use std::os::windows::io::AsRawSocket;

    /// A pair of sockets: what is written to one is read from the other.
    pub(crate) struct WakeFd {
        reader: Stream,
        writer: Stream,
    }

    impl WakeFd {
        pub(crate) fn new() -> io::Result<Self> {
            let (reader, writer) = pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Self { reader, writer })
        }

        pub(crate) fn ring(&self) {
            // A full buffer is readable anyway.
            let _ = (&self.writer).write(&[1]);
        }

        pub(crate) fn clear(&self) {
            while matches!((&self.reader).read(&mut [0; 64]), Ok(64)) {}
        }

        #[cfg(unix)]
        pub(crate) fn raw(&self) -> i64 {
            self.reader.as_raw_fd().into()
        }

        #[cfg(windows)]
        pub(crate) fn raw(&self) -> i64 {
            self.reader.as_raw_socket() as i64
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
