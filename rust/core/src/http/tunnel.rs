//! Tunnels through an HTTP proxy (CONNECT: RFC 9110, section 9.3.6). Of the statuses with which a proxy refuses one,
//! reqwest passes on 407 alone. So the proxy is asked a second time, only to learn the status.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout_at};
use tower_layer::Layer;
use tower_service::Service;

use super::exchange::BoxError;
use super::handshake;
use super::link::Linker;

/// The errors of a tunnel and of SOCKS, as reqwest gets them from hyper-util. The types have no public names.
pub(super) type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;
pub(super) type SocksError = <SocksV5<HttpConnector> as Service<Uri>>::Error;

/// How long the second question may take, and no longer than what is left of `connect`.
const LIMIT: Duration = Duration::from_secs(5);

/// How much of the answer is read, in bytes. A proxy may send interim heads before it (RFC 9110, section 15.2).
const MOST_BYTES: u64 = 8 << 10;

/// A status line up to the byte behind the status: `HTTP/1.1 403 `. Nothing after that of the answer is read.
const START: usize = 13;

/// What a proxy answered when it was asked again for a tunnel that it had refused.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the proxy answered CONNECT with {0}")]
pub(super) struct Answered(pub(super) StatusCode);

/// Asks a proxy for the status with which it refuses tunnels.
#[derive(Debug)]
pub(super) struct Asker {
    linker: Linker,
    proxy: Uri,
    authorization: Option<HeaderValue>,
}

impl Asker {
    pub(super) fn new(linker: Linker, proxy: Uri, authorization: Option<HeaderValue>) -> Arc<Self> {
        Arc::new(Self {
            linker,
            proxy,
            authorization,
        })
    }

    /// What the proxy answers to CONNECT for `origin`, which is host and port; `None` if it is nothing in HTTP, or
    /// nothing until `by`.
    async fn ask(&self, origin: &str, by: Instant) -> Option<StatusCode> {
        let asked = async {
            let mut link = self.linker.open(&self.proxy).await.ok()?;
            link.write_all(&self.question(origin)).await.ok()?;
            link.flush().await.ok()?;
            final_status(BufReader::new(link.take(MOST_BYTES))).await
        };
        timeout_at(by, asked).await.ok().flatten()
    }

    fn question(&self, origin: &str) -> Vec<u8> {
        let mut bytes = format!("CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            bytes.extend_from_slice(b"Proxy-Authorization: ");
            bytes.extend_from_slice(authorization.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// The status of the response, behind any interim heads.
async fn final_status(mut answer: impl AsyncBufRead + Unpin) -> Option<StatusCode> {
    loop {
        let mut start = [0; START];
        answer.read_exact(&mut start).await.ok()?;
        let status = status(&start)?;
        if !status.is_informational() {
            return Some(status);
        }
        // An empty line ends an interim head.
        let mut line = Vec::from(start);
        while !line.trim_ascii().is_empty() {
            if line.ends_with(b"\n") {
                line.clear();
            }
            if answer.read_until(b'\n', &mut line).await.ok()? == 0 {
                return None;
            }
        }
    }
}

/// The status at the beginning of a response.
fn status(start: &[u8; START]) -> Option<StatusCode> {
    let [start @ .., after] = start;
    let version = start.strip_prefix(b"HTTP/1.")?;
    let (b'0'..=b'9', [b' ', code @ ..]) = version.split_first()? else {
        return None;
    };
    if !after.is_ascii_whitespace() {
        return None;
    }
    StatusCode::from_bytes(code).ok()
}

/// Whether a proxy refused a tunnel with a status that is not in the error.
fn lacks_status(error: &(dyn StdError + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(TunnelError::TunnelUnsuccessful | TunnelError::ProxyHeadersTooLong)
    )
}

/// Makes reqwest's connector ask again when a tunnel was refused.
#[derive(Debug, Clone)]
pub(super) struct AsksAgain(pub(super) Arc<Asker>);

impl<S> Layer<S> for AsksAgain {
    type Service = Asking<S>;

    fn layer(&self, connector: S) -> Asking<S> {
        Asking {
            connector,
            asker: Arc::clone(&self.0),
        }
    }
}

/// A connector that asks again.
#[derive(Debug, Clone)]
pub(super) struct Asking<S> {
    connector: S,
    asker: Arc<Asker>,
}

impl<S, R> Service<R> for Asking<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let opening = self.connector.call(request);
        let asker = Arc::clone(&self.asker);
        Box::pin(async move {
            let error = match opening.await {
                Err(error) if lacks_status(&*error) => error,
                opened => return opened,
            };
            // Without it, no call waits for this connection any more.
            let Some(probe) = handshake::probe() else {
                return Err(error);
            };
            let latest = Instant::now() + LIMIT;
            let by = probe.connect_by().map_or(latest, |by| by.min(latest));
            match asker.ask(probe.origin_name(), by).await {
                Some(status) => Err(Answered(status).into()),
                None => Err(error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_the_beginning_of_a_response_or_not_at_all() {
        for (start, code) in [
            (b"HTTP/1.1 403 F", Some(403)),
            (b"HTTP/1.0 502\r\n", Some(502)),
            (b"HTTP/1.1 200\nx", Some(200)),
            (b"HTTP/1.1 4030x", None),
            (b"HTTP/1.1 40 3x", None),
            (b"HTTP/1.1 099 x", None),
            (b"HTTP/2.0 403 F", None),
            (b"HTTP/1.x 403 F", None),
            (b"HTTP/1.1  403 ", None),
            (b"<html><body>ab", None),
        ] {
            let found = status(start.first_chunk().unwrap());
            assert_eq!(found.map(|code| code.as_u16()), code, "{start:?}");
        }
    }

    #[tokio::test]
    async fn interim_heads_are_passed_over() {
        for (answer, code) in [
            ("HTTP/1.1 403 No\r\n\r\n", Some(403)),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n",
                Some(403),
            ),
            ("HTTP/1.1 100\r\na: b\r\n\r\nHTTP/1.1 403\r\n", Some(403)),
            (
                "HTTP/1.1 102\n\nHTTP/1.1 103\nc: d\n\nHTTP/1.1 502 x",
                Some(502),
            ),
            ("HTTP/1.1 100 Continue\r\n", None),
            ("HTTP/1.1 100 Continue\r\n\r\n", None),
            ("HTTP/1.1 100 Continue\r\n\r\nwhat is this", None),
        ] {
            let found = final_status(answer.as_bytes()).await;
            assert_eq!(found.map(|code| code.as_u16()), code, "{answer:?}");
        }
    }

    #[test]
    fn only_a_refusal_without_its_status_is_asked_about() {
        for (error, is_asked) in [
            (TunnelError::TunnelUnsuccessful, true),
            (TunnelError::ProxyHeadersTooLong, true),
            (TunnelError::ProxyAuthRequired, false),
            (TunnelError::TunnelUnexpectedEof, false),
            (TunnelError::ConnectFailed("no".into()), false),
        ] {
            assert_eq!(lacks_status(&error), is_asked, "{error}");
        }
    }
}
