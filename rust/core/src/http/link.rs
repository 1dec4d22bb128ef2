//! How a connection is opened: TCP or a unix socket, with TLS if it is needed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::dns::Resolver;
use super::exchange::BoxError;
use super::host;
use super::unix::UnixSocket;

/// A dead path (a NAT that forgot us) is noticed after 60 s of silence, or 30 s of unacknowledged data.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(15);
pub(super) const KEEPALIVE_RETRIES: u32 = 3;
#[cfg(target_os = "linux")]
pub(super) const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens connections.
#[derive(Debug)]
pub(super) struct Linker {
    tcp: HttpConnector<Resolver>,
    tls: Option<Arc<ClientConfig>>,
    is_zoned: bool,
    /// Where all connections go, if it is not a host.
    #[cfg_attr(not(unix), allow(dead_code, reason = "no base URL can name one there"))]
    socket: Option<UnixSocket>,
}

impl Linker {
    pub(super) fn new(
        resolver: Resolver,
        socket: Option<UnixSocket>,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        let is_zoned = resolver.is_zoned();
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(USER_TIMEOUT));
        Self {
            tcp,
            tls,
            is_zoned,
            socket,
        }
    }

    /// Connects to the host of `target`.
    pub(super) async fn open(&self, target: &Uri) -> Result<Link, BoxError> {
        let socket = Socket {
            stream: self.connect(target).await?,
            broken: None,
        };
        if target.scheme() != Some(&http::uri::Scheme::HTTPS) {
            return Ok(Link::Plain(socket));
        }
        let tls = self.tls.clone().ok_or("no TLS configuration")?;
        let host = target.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host)?.to_owned();
        let stream = TlsConnector::from(tls).connect(name, socket).await?;
        Ok(Link::Tls(Box::new(stream)))
    }

    async fn connect(&self, target: &Uri) -> Result<Stream, BoxError> {
        #[cfg(unix)]
        if let Some(socket) = &self.socket {
            return Ok(socket.connect().await?);
        }
        let to = if self.is_zoned {
            zoned(target)?
        } else {
            target.clone()
        };
        let stream = self.tcp.clone().call(to).await?.into_inner();
        Ok(Stream::Tcp(stream))
    }
}

/// `target` under the name for which the resolver knows its address with the zone.
fn zoned(target: &Uri) -> Result<Uri, BoxError> {
    let (scheme, port) = (target.scheme_str().unwrap_or_default(), target.port());
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    Ok(format!("{scheme}://{}{port}", host::ZONED).parse()?)
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Link {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

/// A socket that can be read to its end even if the peer takes no more.
///
/// A server may answer before it has the whole request, and close: 413 while the body is still on its way. Then a write
/// fails, and what it answered waits to be read.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    /// Why nothing can be written any more. It is reported where the answer ends too soon.
    broken: Option<io::Error>,
}

impl Socket {
    /// Takes a write that fails for one that succeeds.
    fn written(
        &mut self,
        written: Poll<io::Result<usize>>,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Err(error)) => {
                self.broken = Some(error);
                Poll::Ready(Ok(length))
            }
            written => written,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() == before
            && buffer.remaining() > 0
            && let Some(broken) = self.broken.take()
        {
            return Poll::Ready(Err(broken));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(written, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if self.broken.is_some() {
            return Poll::Ready(Ok(length));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(written, length)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What carries the bytes.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

/// Calls the same method of either kind of stream.
macro_rules! carrier {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Tcp(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
            #[cfg(unix)]
            Stream::Unix(inner) => {
                let $inner = Pin::new(inner);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        carrier!(self, inner => inner.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        carrier!(self, inner => inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        carrier!(self, inner => inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carrier!(self, inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        carrier!(self, inner => inner.poll_shutdown(cx))
    }
}

/// Calls the same method of either kind of link.
macro_rules! either {
    ($link:expr, $stream:ident => $call:expr) => {
        match $link.get_mut() {
            Link::Plain(socket) => {
                let $stream = Pin::new(socket);
                $call
            }
            Link::Tls(tls) => {
                let $stream = Pin::new(tls.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Link {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Link {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
