//! A response: its head, and its body, which holds the permit of the call.

use std::borrow::Cow;
use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use tokio::sync::OwnedSemaphorePermit;

use super::encoding::Unpacker;
use super::exchange::Incoming;
use super::fault::{self, Place};
use crate::error::{Error, ErrorKind, Headers, Phase};
use crate::framing::too_large;
use crate::json;
use crate::redact::Mask;
use crate::workers::Workers;

/// The head of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values. Bytes that are not UTF-8 are replaced. The call, the queue and every reply
    /// share them.
    pub headers: Headers,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

impl Head {
    /// Masks secrets that the server echoes.
    pub(crate) fn mask(&mut self, mask: &Mask) {
        if !self.shows_any(mask) {
            return;
        }
        let masked = |text: &String| mask.text(text).into_owned();
        let headers = self.headers.iter();
        self.headers = headers
            .map(|(name, value)| (masked(name), masked(value)))
            .collect();
        self.request_id = self.request_id.as_ref().map(masked);
    }

    /// An error of this response, with what the head says. An id of the request in the header wins over one in the body.
    pub(crate) fn seen_by(&self, error: Error) -> Error {
        let request_id = self.request_id.as_deref().or(error.request_id());
        let request_id = request_id.map(str::to_owned);
        error
            .with_request_id(request_id)
            .with_headers(Some(self.headers.clone()))
    }

    /// Whether any name or value may hold a secret. One search in all of them costs a fraction of a search in each. None
    /// of them has a line end, and no spelling of a character goes over one.
    fn shows_any(&self, mask: &Mask) -> bool {
        if mask.is_empty() {
            return false;
        }
        let lengths = self.headers.iter();
        let length = lengths.map(|(name, value)| name.len() + value.len() + 2);
        let mut all = String::with_capacity(length.sum());
        let mut longest = 0;
        for text in self.headers.iter().flat_map(|(name, value)| [name, value]) {
            longest = longest.max(text.len());
            all.push_str(text);
            all.push('\n');
        }
        matches!(mask.lines(&all, longest), Cow::Owned(_))
    }

    /// The first value of the header `name`, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A body that is being read. If it is dropped before its end, the connection closes. If it is dropped after its
/// end, which [`Body::frame`] reports as `None`, the next call can use the connection.
#[derive(Debug)]
pub(crate) struct Body {
    incoming: Incoming,
    // There is no length and there are no chunks, so the end of the connection is the end of the body.
    close_delimited: bool,
    // `None` if it is not compressed.
    unpacker: Option<Box<Unpacker>>,
    _permit: OwnedSemaphorePermit,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        headers: &HeaderMap,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            unpacker: Unpacker::of(headers).map(Box::new),
            ..Self::as_sent(incoming, headers, permit)
        }
    }

    /// A body that stays as it was sent.
    pub(super) fn as_sent(
        incoming: Incoming,
        headers: &HeaderMap,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let close_delimited = !headers.contains_key(http::header::TRANSFER_ENCODING)
            && !headers.contains_key(http::header::CONTENT_LENGTH);
        Self {
            incoming,
            close_delimited,
            unpacker: None,
            _permit: permit,
        }
    }

    /// The next bytes, unpacked; `None` at a clean end. Cancel safe: no bytes are lost if the future is dropped.
    ///
    /// TLS that ends without a closing message is not a clean end: anyone on the way can cut a connection (RFC 9112,
    /// section 9.8).
    pub(crate) async fn frame(&mut self, place: &Place) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(unpacker) = &mut self.unpacker {
                let piece = poll_fn(|cx| unpacker.poll_next(cx)).await;
                let piece = piece.map_err(|broken| unpacker.error(broken, place))?;
                if piece.is_some() {
                    return Ok(piece);
                }
            }
            let received = self.received(place).await?;
            match (&mut self.unpacker, received) {
                (Some(unpacker), Some(bytes)) => unpacker.push(bytes),
                (Some(unpacker), None) => {
                    let end = unpacker.finish();
                    end.map_err(|broken| unpacker.error(broken, place))?;
                    return Ok(None);
                }
                (None, received) => return Ok(received),
            }
        }
    }

    /// The next bytes as they were sent.
    async fn received(&mut self, place: &Place) -> Result<Option<Bytes>, Error> {
        loop {
            return match poll_fn(|cx| self.incoming.poll_frame(cx)).await {
                None => Ok(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Ok(Some(data)),
                    // Trailers.
                    Err(_) => continue,
                },
                Some(Err(error)) => Err(fault::of_exchange(&*error, place, Phase::Body)),
            };
        }
    }

    /// The whole body, or an error if it has more than `cap` bytes.
    ///
    /// A body without a length whose connection was lost is whole if it is one JSON document.
    pub(crate) async fn whole(
        mut self,
        cap: usize,
        place: &Place,
        workers: &Workers,
    ) -> Result<Bytes, Error> {
        let Some(first) = self.frame(place).await? else {
            return Ok(Bytes::new());
        };
        if first.len() > cap {
            return Err(too_large(cap));
        }
        let second = match self.frame(place).await {
            Ok(Some(second)) => second,
            // By far the most common case needs no copy.
            Ok(None) => return Ok(first),
            Err(error) => return self.proven_whole(&first, error).map(|()| first),
        };
        let announced = usize::try_from(self.incoming.size_hint().lower()).unwrap_or(0);
        let room = announced.min(cap).max(first.len() + second.len());
        let mut all = Growing(BytesMut::with_capacity(room), workers);
        let all = &mut all.0;
        all.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(frame) = next {
            if all.len() + frame.len() > cap {
                return Err(too_large(cap));
            }
            all.extend_from_slice(&frame);
            next = match self.frame(place).await {
                Ok(next) => next,
                Err(error) => {
                    self.proven_whole(all, error)?;
                    None
                }
            };
        }
        Ok(std::mem::take(all).freeze())
    }

    /// The error of a lost connection, unless what arrived before it shows that nothing is missing.
    fn proven_whole(&self, body: &[u8], error: Error) -> Result<(), Error> {
        if self.may_be_whole(&error) && json::is_complete(body) {
            return Ok(());
        }
        Err(error)
    }

    /// Whether this error may be no more than the end of a body that says nowhere how long it is.
    pub(crate) fn may_be_whole(&self, error: &Error) -> bool {
        // A compressed body says itself where it ends.
        self.close_delimited && self.unpacker.is_none() && error.kind() == ErrorKind::ConnectionLost
    }

    /// At most `cap` bytes of the body of an error. If the body breaks, its beginning is enough. If it is neither what
    /// its header says nor text, the bytes are empty, and the second value says why.
    pub(crate) async fn up_to(mut self, cap: usize, place: &Place) -> (Bytes, Option<String>) {
        let mut all = BytesMut::new();
        let mut rejected = None;
        loop {
            let frame = match self.frame(place).await {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => {
                    let unpacker = self.unpacker.take();
                    let Some(mut unpacker) = unpacker else { break };
                    let Some((broken, first)) = unpacker.rejected() else {
                        break;
                    };
                    rejected = Some(unpacker.reason(broken));
                    first
                }
            };
            let room = cap.saturating_sub(all.len());
            if frame.len() > room {
                all.extend_from_slice(frame.get(..room).unwrap_or(&frame));
                break;
            }
            all.extend_from_slice(&frame);
        }
        match rejected {
            Some(why) if !is_text(&all) => (Bytes::new(), Some(why)),
            _ => (all.freeze(), None),
        }
    }
}

/// Whether these are the first bytes of a text.
fn is_text(bytes: &[u8]) -> bool {
    let cut = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some());
    !bytes.is_empty() && !cut
}

/// A body that is being read. A large one that is given up is freed by a worker.
struct Growing<'a>(BytesMut, &'a Workers);

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        self.1.free(self.0.len(), std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secrets;

    fn masked(headers: &[(&str, &str)]) -> Head {
        let mut secrets = Secrets::default();
        secrets.add("sk-canary-1");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut head = Head {
            request_id: headers.last().map(|(_, value)| (*value).to_owned()),
            headers: headers.iter().map(owned).collect(),
            ..Head::default()
        };
        head.mask(&secrets.mask());
        head
    }

    #[test]
    fn a_secret_in_any_header_is_masked() {
        for (echo, shown) in [
            ("sk-canary-1", "[key]"),
            ("of sk%2Dcanary-1.", "of [key]."),
            ("half of it: sk-can…", "half of it: [key]…"),
        ] {
            let head = masked(&[("a", "b"), ("x-echo", echo), ("x-request-id", echo)]);
            assert_eq!(head.header("x-echo"), Some(shown));
            assert_eq!(head.header("a"), Some("b"));
            assert_eq!(head.request_id.as_deref(), Some(shown));
        }
        let head = masked(&[("x-sk-canary-1", "c")]);
        assert_eq!(head.header("x-[key]"), Some("c"));
    }

    #[test]
    fn headers_that_hold_a_secret_only_together_stay() {
        let headers = [
            ("sk", "-canary-1"),
            ("sk-", "canary%"),
            ("2d1", "sk-canary-"),
            ("1", "sk\\"),
            ("u002dcanary-1", "…"),
        ];
        let head = masked(&headers);
        for (name, value) in headers {
            assert_eq!(head.header(name), Some(value));
        }
    }
}
