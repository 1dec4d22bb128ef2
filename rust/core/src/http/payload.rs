//! The body of a request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::exchange::BoxError;

/// The body of a request: bytes that can be sent again, or pieces that come one by one.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// All of it.
    Bytes(Bytes),
    /// Pieces, each of which is taken once.
    Pieces(Arc<dyn PieceSource>),
}

/// Where the pieces of a body come from.
pub(crate) trait PieceSource: std::fmt::Debug + Send + Sync {
    /// The next piece, which is not empty; `None` after the last one.
    fn poll_piece(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;

    /// Whether the last piece was taken.
    fn is_over(&self) -> bool;
}

impl Payload {
    /// Whether nothing of it waits to be sent, as far as the source of its pieces knows.
    pub(super) fn is_sent(&self) -> bool {
        match self {
            Self::Bytes(_) => true,
            Self::Pieces(source) => source.is_over(),
        }
    }

    /// The bytes, as far as they are known.
    pub(crate) fn bytes(&self) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Pieces(_) => &NONE,
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(source) => source
                .poll_piece(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Pieces(source) => source.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}
