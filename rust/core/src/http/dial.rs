//! How a connection is made: TCP, through a proxy if there is one, with TLS if it is needed.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::dns::Resolver;
use super::host;
use super::interim::Interim;
use super::pace::Paced;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// How much of a reply is read at first, in bytes: a head and most short replies.
const FIRST_READ: usize = 1_536;

/// The connection to the origin, or to the proxy.
type Link = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Everything that is needed to reach an origin.
#[derive(Debug)]
pub(super) struct Dialer {
    tcp: HttpConnector<Resolver>,
    resolver: Resolver,
    tls: Option<Arc<ClientConfig>>,
    proxy: Option<Intercept>,
}

impl Dialer {
    pub(super) fn new(
        resolver: Resolver,
        tls: Option<ClientConfig>,
        proxy: Option<Intercept>,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // A dead path (a NAT that forgot us) is noticed after 60 s of silence, or 30 s of unacknowledged data.
        tcp.set_keepalive(Some(Duration::from_secs(15)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(15)));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(Duration::from_secs(30)));
        Self {
            tcp,
            resolver,
            tls: tls.map(Arc::new),
            proxy,
        }
    }

    /// Connects to `origin`.
    pub(super) async fn connect(self: Arc<Self>, origin: Uri) -> Result<Conn, BoxError> {
        // An HTTP proxy gets a plain request as it is.
        let forwarder = self.proxy.as_ref().map(Intercept::uri).filter(|proxy| {
            origin.scheme() == Some(&Scheme::HTTP) && socks_version(proxy).is_none()
        });
        let is_forwarded = forwarder.is_some();
        let target = forwarder.cloned().unwrap_or(origin);
        let mut linker = Linker {
            dialer: Arc::clone(&self),
            is_direct: is_forwarded || self.proxy.is_none(),
        };
        let io = match &self.tls {
            Some(tls) => {
                let mut https = HttpsConnector::from((linker, Arc::clone(tls)));
                https.call(target).await?
            }
            None => MaybeHttpsStream::Http(linker.call(target).await?),
        };
        let io = TokioIo::new(Paced(TokioIo::new(io)));
        Ok(Conn {
            io,
            is_forwarded,
            interim: Interim::default(),
        })
    }

    async fn link(&self, target: Uri, is_direct: bool) -> Result<Link, BoxError> {
        let mut tcp = self.tcp.clone();
        let proxy = match &self.proxy {
            Some(proxy) if !is_direct => proxy,
            _ if self.resolver.is_zoned() => {
                return Ok(MaybeHttpsStream::Http(tcp.call(zoned(&target)?).await?));
            }
            _ => return Ok(MaybeHttpsStream::Http(tcp.call(target).await?)),
        };
        let address = proxy.uri().clone();
        let Some((version, resolves_here)) = socks_version(&address) else {
            let tls = self.tls.clone().ok_or("a tunnel without TLS")?;
            let mut tunnel = Tunnel::new(address, HttpsConnector::from((tcp, tls)));
            if let Some(credentials) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(credentials.clone());
            }
            return Ok(tunnel.call(target).await?);
        };
        let target = self.socks_target(&target, resolves_here).await?;
        let stream = if version == 4 {
            SocksV4::new(address, tcp).call(target).await?
        } else {
            let mut socks = SocksV5::new(address, tcp);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            socks.call(target).await?
        };
        Ok(MaybeHttpsStream::Http(stream))
    }

    /// `target` with its port, and with an address instead of its name if we have to look that up.
    async fn socks_target(&self, target: &Uri, resolves_here: bool) -> Result<Uri, BoxError> {
        let scheme = target.scheme_str().unwrap_or_default();
        let port = match target.port_u16() {
            Some(port) => port,
            None if scheme == "https" => 443,
            None => 80,
        };
        let host = target.host().unwrap_or_default();
        let mut authority = format!("{host}:{port}");
        if resolves_here && !host.starts_with('[') {
            let mut addresses = self.resolver.clone().addresses(host).await?.into_iter();
            if let Some(mut address) = addresses.next() {
                address.set_port(port);
                authority = address.to_string();
            }
        }
        Ok(format!("{scheme}://{authority}").parse()?)
    }
}

/// `target` under the name for which the resolver knows its address with the zone.
fn zoned(target: &Uri) -> Result<Uri, BoxError> {
    let (scheme, port) = (target.scheme_str().unwrap_or_default(), target.port());
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    Ok(format!("{scheme}://{}{port}", host::ZONED).parse()?)
}

/// The version of a SOCKS proxy, and whether we look names up ourselves.
fn socks_version(proxy: &Uri) -> Option<(u8, bool)> {
    match proxy.scheme_str()? {
        "socks4" => Some((4, true)),
        "socks4a" => Some((4, false)),
        "socks5" => Some((5, true)),
        "socks5h" => Some((5, false)),
        _ => None,
    }
}

/// [`Dialer::link`] as a service, which TLS wraps.
struct Linker {
    dialer: Arc<Dialer>,
    is_direct: bool,
}

impl Service<Uri> for Linker {
    type Response = Link;
    type Error = BoxError;
    type Future = Connecting<Link>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (dialer, is_direct) = (Arc::clone(&self.dialer), self.is_direct);
        Box::pin(async move { dialer.link(target, is_direct).await })
    }
}

/// An open connection.
pub(super) struct Conn {
    io: TokioIo<Paced<TokioIo<MaybeHttpsStream<Link>>>>,
    is_forwarded: bool,
    interim: Interim,
}

impl Conn {
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
        ready!(self.unpaced().poll_read(cx, first.unfilled()))?;
        self.interim.read(first.filled())?;
        buffer.put_slice(first.filled());
        Poll::Ready(Ok(()))
    }

    fn unpaced(&mut self) -> Pin<&mut MaybeHttpsStream<Link>> {
        Pin::new(self.io.inner_mut().0.inner_mut())
    }
}

impl Connection for Conn {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl Read for Conn {
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

impl Write for Conn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.interim.writes(bytes);
        self.unpaced().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.interim
            .writes(slices.first().map_or(&[], |slice| slice));
        self.unpaced().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.inner().0.inner().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unpaced().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unpaced().poll_shutdown(cx)
    }
}
